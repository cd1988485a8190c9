import { Command, InvalidArgumentError, Option } from 'commander'

export const PARTS = ['publish', 'fan-out', 'all-to-all', 'filter', 'idle', 'durable', 'start', 'others'] as const
export type Part = typeof PARTS[number]

export interface Options {
  only?: Part[]
  quick?: true
  format: 'text' | 'json'
  markdown?: true
}

function parts (text: string): Part[] {
  const wanted = text.split(',')
  const unknown = wanted.find((name) => !(PARTS as readonly string[]).includes(name))
  if (unknown !== undefined) throw new InvalidArgumentError(`'${unknown}' is none of ${PARTS.join(', ')}.`)
  return wanted as Part[]
}

/** Reads the command line; throws a `CommanderError` once it has said what is wrong, or what there is. */
export function readOptions (args: readonly string[]): Options {
  return new Command('npm run bench:events --')
    .description('Measures events as ratios to what a bare server, the disk and other brokers do in the same run.')
    .option('--only <parts>', `a comma list of ${PARTS.join(', ')}`, parts)
    .option('--quick', 'look at what the answers are, not at how long they take')
    .addOption(new Option('--format <format>', 'json has every number').choices(['text', 'json']).default('text'))
    .option('--markdown', 'print the table as Markdown')
    .addHelpText('after', '\nExit codes: 0 measured, and every answer was right; 1 failed, or an answer was wrong; 2 wrong usage. A time never makes it fail.')
    .exitOverride()
    .showHelpAfterError('(add --help for what there is)')
    .parse([...args], { from: 'user' })
    .opts<Options>()
}
