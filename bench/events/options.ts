import { listOf, readBenchOptions } from '../shared/command-line.js'
import type { PartOptions } from '../shared/parts.js'

const PARTS = ['publish', 'fan-out', 'all-to-all', 'filter', 'idle', 'durable', 'start', 'others'] as const
export type Part = typeof PARTS[number]
export type Options = PartOptions<Part>

/** Reads the command line; throws a `CommanderError` once it has said what is wrong, or what there is. */
export function readOptions (args: readonly string[]): Options {
  return readBenchOptions('bench:events', args, {
    description: 'Measures events as ratios to what a bare server, the disk and other brokers do in the same run.',
    options: (command) => command.option('--only <parts>', `a comma list of ${PARTS.join(', ')}`, listOf(PARTS)),
    quick: 'look at what the answers are, not at how long they take',
    exitCodes: '0 measured, and every answer was right; 1 failed, or an answer was wrong; 2 wrong usage. A time never makes it fail.'
  })
}
