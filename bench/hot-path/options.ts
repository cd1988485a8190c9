import { Command, InvalidArgumentError, Option } from 'commander'

export interface Options {
  rounds: number
  quick?: true
  format: 'text' | 'json'
  markdown?: true
}

function rounds (text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('It must be a whole number from 1.')
  return value
}

/** Reads the command line; throws a `CommanderError` once it has said what is wrong, or what there is. */
export function readOptions (args: readonly string[]): Options {
  return new Command('npm run bench:hot-path --')
    .description('Measures what the chain in front of a route costs, link by link, against the same route of a bare server in the same run.')
    .option('--rounds <n>', 'rounds of 0.4 seconds for each chain, of which the best counts', rounds, 12)
    .option('--quick', 'look at what the answers are, not at how long they take')
    .addOption(new Option('--format <format>', 'json has every number').choices(['text', 'json']).default('text'))
    .option('--markdown', 'print the table as Markdown')
    .addHelpText('after', '\nExit codes: 0 measured, and every answer was right; 1 failed, or an answer was wrong; 2 wrong usage. A time never makes it fail.')
    .exitOverride()
    .showHelpAfterError('(add --help for what there is)')
    .parse([...args], { from: 'user' })
    .opts<Options>()
}
