import { renderFigures } from '../speed/report.js'
import { measureCrowd } from './crowd.js'
import { measureHeap } from './heap.js'
import { measureLatency } from './latency.js'
import { PARTS, type Options, type Part } from './options.js'
import type { Subject } from './session.js'

const MEASURES: Record<Part, (subject: Subject) => Promise<void>> = { latency: measureLatency, crowd: measureCrowd, heap: measureHeap }

/** Measures, prints, and answers whether every agent did as it should. Works in `folder`, which is the caller's to remove. */
export async function run (options: Options, folder: string): Promise<boolean> {
  const say = (text: string): void => {
    if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`)
  }
  const subject: Subject = { folder, quick: options.quick ?? false, figures: [], faults: [], notMeasured: [], say }
  for (const part of options.only ?? PARTS) await MEASURES[part](subject)
  say('')
  const { figures, faults, notMeasured } = subject
  console.log(options.format === 'json' ? JSON.stringify({ figures, faults, notMeasured }, null, 2) : renderFigures(subject, options.markdown === true))
  return faults.length === 0
}
