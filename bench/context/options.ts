import { Command, Option } from 'commander'
import { wholeNumber } from '../../cli/command-line.js'

export interface Options {
  repo: string[]
  cases: number
  budgets: number[]
  agent?: string
  case?: string
  format: 'text' | 'json'
  markdown?: true
  verbose?: true
}

const MAX_CASES = 10_000
const MAX_BUDGET = 10_000_000

function budgetsOf (text: string): number[] {
  return [...new Set(text.split(',').map((part) => wholeNumber(1, MAX_BUDGET)(part.trim())))].sort((a, b) => a - b)
}

/** Reads the command line; throws a `CommanderError` once it has said what is wrong, or what there is. */
export function readOptions (args: readonly string[]): Options {
  return new Command('npm run bench:context --')
    .description('Measures, on real commits, how much of what was then changed is in the context that the sidecar answers with, beside simpler ways to choose files.')
    .requiredOption('--repo <path>', 'git repository, bare or not, which is left untouched; may be repeated', (path: string, before: string[] | undefined) => [...before ?? [], path])
    .option('--cases <number>', 'most recent suitable commits of each repository', wholeNumber(1, MAX_CASES), 30)
    .addOption(new Option('--budgets <tokens>', 'comma list of budgets').argParser(budgetsOf).default([8000, 32_000, 64_000], '8000,32000,64000'))
    .option('--agent <type>', 'agent type that asks; by default one for the main language of the repository')
    .option('--case <hash>', 'this commit alone')
    .addOption(new Option('--format <format>', 'json has the numbers of every case').choices(['text', 'json']).default('text'))
    .option('--markdown', 'print the tables as Markdown')
    .option('--verbose', 'say for each commit what the sidecar has missed')
    .addHelpText('after', [
      '',
      'Exit codes: 0 measured; 1 failed, or an answer broke its budget or was not what is on the disk; 2 wrong usage.',
      '',
      'Examples:',
      '  $ npm run bench:context -- --repo ../fastify --cases 10',
      '  $ npm run bench:context -- --repo ../click --repo ../bat.git --budgets 8000,32000 --markdown',
      '  $ npm run bench:context -- --repo ../click --case 1a2b3c4d --verbose',
      '  $ npm run bench:context -- --repo ../click --format json > click.json'
    ].join('\n'))
    .exitOverride()
    .showHelpAfterError('(add --help for what there is)')
    .parse(args, { from: 'user' })
    .opts<Options>()
}
