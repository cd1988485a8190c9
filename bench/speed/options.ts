import { Command, InvalidArgumentError, Option } from 'commander'

export interface Options {
  repo: string[]
  generate?: number
  quick?: true
  repomix?: string
  format: 'text' | 'json'
  markdown?: true
}

const MAX_FILES = 1_000_000

function fileCount (text: string): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= 10 && value <= MAX_FILES) return value
  throw new InvalidArgumentError(`It must be a whole number from 10 to ${MAX_FILES}.`)
}

/** Reads the command line; throws a `CommanderError` once it has said what is wrong, or what there is. */
export function readOptions (args: readonly string[]): Options {
  const command = new Command('npm run bench:context:speed --')
    .description('Measures how long the sidecar takes to answer with a context, as a ratio to what the disk, a bare server and repomix take in the same run.')
    .option('--repo <path>', 'git repository with a commit, bare or not, which is left untouched; may be repeated', (path: string, before: string[]) => [...before, path], [])
    .option('--generate <files>', 'a repository with so many small files, made for this run', fileCount)
    .option('--repomix <program>', 'path of repomix 1.14.0, or "install" to fetch it with npm; without it that part is not measured')
    .option('--quick', 'look at what the answers are, not at how long they take; without --repo and --generate over a small repository made for this run')
    .addOption(new Option('--format <format>', 'json has every number').choices(['text', 'json']).default('text'))
    .option('--markdown', 'print the tables as Markdown')
    .addHelpText('after', [
      '',
      'Exit codes: 0 measured, and every answer was right; 1 failed, or an answer was wrong; 2 wrong usage. A time never makes it fail.',
      '',
      'Examples:',
      '  $ npm run bench:context:speed -- --repo ../fastify',
      '  $ npm run bench:context:speed -- --repo ../fastify --repo ../babel --repomix install --markdown',
      '  $ npm run bench:context:speed -- --generate 100000',
      '  $ npm run bench:context:speed -- --quick'
    ].join('\n'))
    .exitOverride()
    .showHelpAfterError('(add --help for what there is)')
    .parse(args, { from: 'user' })
  const options = command.opts<Options>()
  if (options.repo.length === 0 && options.generate === undefined && options.quick === undefined) {
    command.error('error: name a repository with --repo, or have one made with --generate or --quick', { exitCode: 2 })
  }
  return options
}
