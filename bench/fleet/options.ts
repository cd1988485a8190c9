import { listOf, readBenchOptions } from '../shared/command-line.js'
import type { PartOptions } from '../shared/parts.js'

const PARTS = ['latency', 'crowd', 'heap'] as const
export type Part = typeof PARTS[number]
export type Options = PartOptions<Part>

/** Reads the command line; throws a `CommanderError` once it has said what is wrong, or what there is. */
export function readOptions (args: readonly string[]): Options {
  return readBenchOptions('bench:fleet', args, {
    description: 'Measures the start of agents as ratios to a bare start of the same command in the same run.',
    options: (command) => command.option('--only <parts>', `a comma list of ${PARTS.join(', ')}`, listOf(PARTS)),
    quick: 'look at whether agents start as they should, not at how long it takes',
    exitCodes: '0 measured, and every agent started and ended as it should; 1 failed, or one did not; 2 wrong usage. A time never makes it fail.'
  })
}
