import { Command, InvalidArgumentError, Option } from 'commander'

export interface Options {
  seconds: number
  factors: number[]
  flood: number
  quick?: true
  format: 'text' | 'json'
  markdown?: true
}

function whole (least: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (!Number.isInteger(value) || value < least) throw new InvalidArgumentError(`It must be a whole number from ${least}.`)
    return value
  }
}

function factors (text: string): number[] {
  const values = text.split(',').map(Number)
  if (values.some((value) => !(value > 1))) throw new InvalidArgumentError('It must be a comma list of numbers above 1.')
  return values
}

/** Reads the command line; throws a `CommanderError` once it has said what is wrong, or what there is. */
export function readOptions (args: readonly string[]): Options {
  return new Command('npm run soak:overload --')
    .description('Finds the peak of a sidecar, offers it a multiple of that from another process, and looks at what is left of it.')
    .option('--seconds <n>', 'how long each overload lasts', whole(1), 60)
    .option('--factors <list>', 'multiples of the peak that are offered', factors, [2, 10])
    .option('--flood <n>', 'also opens so many connections that send half a request, and publishes meanwhile', whole(0), 0)
    .option('--quick', 'two seconds each; look at what the answers are, not at bounds of time')
    .addOption(new Option('--format <format>', 'json has every number').choices(['text', 'json']).default('text'))
    .option('--markdown', 'print the table as Markdown')
    .addHelpText('after', '\nExit codes: 0 every bound held and every answer was right; 1 failed, a bound was broken or an answer was wrong; 2 wrong usage. With --quick no bound makes it fail.')
    .exitOverride()
    .showHelpAfterError('(add --help for what there is)')
    .parse([...args], { from: 'user' })
    .opts<Options>()
}
