import { Command, InvalidArgumentError } from 'commander'

export interface SoakOptions {
  kills: number
  seed: number
}

function whole (least: number) {
  return (text: string): number => {
    const value = Number(text)
    if (/^\d{1,9}$/.test(text) && value >= least) return value
    throw new InvalidArgumentError(`It must be a whole number of at least ${least}.`)
  }
}

/** Reads the command line; throws a `CommanderError` once it has said what is wrong, or what there is. */
export function readOptions (args: readonly string[]): SoakOptions {
  return new Command('npm run soak:events --')
    .description('119 publish and 119 wait while the server is killed with SIGKILL again and again; counts what is lost, doubled, out of order or astray.')
    .option('--kills <number>', 'how often the server is killed', whole(1), 30)
    .option('--seed <number>', 'for the same lengths of life and the same events again', whole(0), Date.now() % 1_000_000)
    .addHelpText('after', '\nExit codes: 0 nothing was violated; 1 something was, or the soak failed; 2 wrong usage.')
    .exitOverride()
    .showHelpAfterError('(add --help for what there is)')
    .parse([...args], { from: 'user' })
    .opts<SoakOptions>()
}
