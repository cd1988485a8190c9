import { Command, InvalidArgumentError, Option } from 'commander'

/** What every bench can be told. */
export interface BenchOptions {
  quick?: true
  format: 'text' | 'json'
  markdown?: true
}

/** Reads the command line; throws a `CommanderError` once it has said what is wrong, or what there is. */
export function readBenchOptions<Options extends BenchOptions> (name: string, args: readonly string[], { description, options, quick, exitCodes }: {
  description: string
  /** Adds what this bench alone can be told. */
  options (command: Command): Command
  /** What --quick does. */
  quick: string
  exitCodes: string
}): Options {
  return options(new Command(`npm run ${name} --`).description(description))
    .option('--quick', quick)
    .addOption(new Option('--format <format>', 'json has every number').choices(['text', 'json']).default('text'))
    .option('--markdown', 'print the table as Markdown')
    .addHelpText('after', `\nExit codes: ${exitCodes}`)
    .exitOverride()
    .showHelpAfterError('(add --help for what there is)')
    .parse([...args], { from: 'user' })
    .opts<Options>()
}

/** Reads a comma list of these names. */
export function listOf<Name extends string> (names: readonly Name[]): (text: string) => Name[] {
  return (text) => {
    const wanted = text.split(',')
    const unknown = wanted.find((name) => !(names as readonly string[]).includes(name))
    if (unknown !== undefined) throw new InvalidArgumentError(`'${unknown}' is none of ${names.join(', ')}.`)
    return wanted as Name[]
  }
}

export function wholeNumber (least: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (!Number.isInteger(value) || value < least) throw new InvalidArgumentError(`It must be a whole number from ${least}.`)
    return value
  }
}
