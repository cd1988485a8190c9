import { runParts, type Subject } from '../shared/parts.js'
import { measureDurable } from './durable.js'
import { measureAllToAll, measureFanOut } from './fan-out.js'
import { measureFilter } from './filter.js'
import { measureIdle } from './idle.js'
import type { Options, Part } from './options.js'
import { noteOthers } from './others.js'
import { measurePublish } from './publish.js'
import { measureStart } from './start.js'

const MEASURES: Record<Part, (subject: Subject) => Promise<void>> = {
  publish: measurePublish,
  'fan-out': measureFanOut,
  'all-to-all': measureAllToAll,
  filter: measureFilter,
  idle: measureIdle,
  durable: measureDurable,
  start: measureStart,
  others: noteOthers
}

/** Measures, prints, and answers whether every answer was right. Works in `folder`, which is the caller's to remove. */
export async function run (options: Options, folder: string): Promise<boolean> {
  return await runParts(MEASURES, options, folder)
}
