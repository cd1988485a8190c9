import { InvalidArgumentError } from 'commander'
import { readBenchOptions, wholeNumber, type BenchOptions } from '../shared/command-line.js'

export interface Options extends BenchOptions {
  seconds: number
  factors: number[]
  flood: number
}

function factors (text: string): number[] {
  const values = text.split(',').map(Number)
  if (values.some((value) => !(value > 1))) throw new InvalidArgumentError('It must be a comma list of numbers above 1.')
  return values
}

/** Reads the command line; throws a `CommanderError` once it has said what is wrong, or what there is. */
export function readOptions (args: readonly string[]): Options {
  return readBenchOptions('soak:overload', args, {
    description: 'Finds the peak of a sidecar, offers it a multiple of that from another process, and looks at what is left of it.',
    options: (command) => command
      .option('--seconds <n>', 'how long each overload lasts', wholeNumber(1), 60)
      .option('--factors <list>', 'multiples of the peak that are offered', factors, [2, 10])
      .option('--flood <n>', 'also opens so many connections that send half a request, and publishes meanwhile', wholeNumber(0), 0),
    quick: 'two seconds each; look at what the answers are, not at bounds of time',
    exitCodes: '0 every bound held and every answer was right; 1 failed, a bound was broken or an answer was wrong; 2 wrong usage. With --quick no bound makes it fail.'
  })
}
