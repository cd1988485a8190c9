import { readBenchOptions, wholeNumber, type BenchOptions } from '../shared/command-line.js'

export interface Options extends BenchOptions { rounds: number }

/** Reads the command line; throws a `CommanderError` once it has said what is wrong, or what there is. */
export function readOptions (args: readonly string[]): Options {
  return readBenchOptions('bench:hot-path', args, {
    description: 'Measures what the chain in front of a route costs, link by link, against the same route of a bare server in the same run.',
    options: (command) => command.option('--rounds <n>', 'rounds of 0.4 seconds for each chain, of which the best counts', wholeNumber(1), 12),
    quick: 'look at what the answers are, not at how long they take',
    exitCodes: '0 measured, and every answer was right; 1 failed, or an answer was wrong; 2 wrong usage. A time never makes it fail.'
  })
}
