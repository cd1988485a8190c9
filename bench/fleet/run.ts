import { runParts, type Subject } from '../shared/parts.js'
import { measureCrowd } from './crowd.js'
import { measureHeap } from './heap.js'
import { measureLatency } from './latency.js'
import type { Options, Part } from './options.js'

const MEASURES: Record<Part, (subject: Subject) => Promise<void>> = { latency: measureLatency, crowd: measureCrowd, heap: measureHeap }

/** Measures, prints, and answers whether every agent did as it should. Works in `folder`, which is the caller's to remove. */
export async function run (options: Options, folder: string): Promise<boolean> {
  return await runParts(MEASURES, options, folder)
}
