import { renderFigures } from '../speed/report.js'
import { measureDurable } from './durable.js'
import { measureAllToAll, measureFanOut } from './fan-out.js'
import { measureFilter } from './filter.js'
import { measureIdle } from './idle.js'
import { PARTS, type Options, type Part } from './options.js'
import { noteOthers } from './others.js'
import { measurePublish } from './publish.js'
import type { Subject } from './session.js'
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
