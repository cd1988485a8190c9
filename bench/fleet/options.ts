import { Command, InvalidArgumentError, Option } from 'commander'

export const PARTS = ['latency', 'crowd', 'heap'] as const
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
  return new Command('npm run bench:fleet --')
    .description('Measures the start of agents as ratios to a bare start of the same command in the same run.')
    .option('--only <parts>', `a comma list of ${PARTS.join(', ')}`, parts)
    .option('--quick', 'look at whether agents start as they should, not at how long it takes')
    .addOption(new Option('--format <format>', 'json has every number').choices(['text', 'json']).default('text'))
    .option('--markdown', 'print the table as Markdown')
    .addHelpText('after', '\nExit codes: 0 measured, and every agent started and ended as it should; 1 failed, or one did not; 2 wrong usage. A time never makes it fail.')
    .exitOverride()
    .showHelpAfterError('(add --help for what there is)')
    .parse([...args], { from: 'user' })
    .opts<Options>()
}
