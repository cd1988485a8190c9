import { Command, InvalidArgumentError } from 'commander'

export interface SoakOptions {
  agents: number
  kills: number
  seed: number
}

function whole (least: number, most: number) {
  return (text: string): number => {
    const value = Number(text)
    if (/^\d{1,9}$/.test(text) && value >= least && value <= most) return value
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`)
  }
}

/** Reads the command line; throws a `CommanderError` once it has said what is wrong, or what there is. */
export function readOptions (args: readonly string[]): SoakOptions {
  return new Command('npm run soak:fleet --')
    .description('Runs agents that work, crash, hang, leave processes behind, do not listen or write without end, while the sidecar is killed with SIGKILL; counts what is not over, has no result, or is left behind. Needs Linux.')
    .option('--agents <number>', 'how many agents', whole(1, 10_000), 119)
    // Each kill may cost an agent an attempt, and there are at most 10 further ones.
    .option('--kills <number>', 'how often the sidecar is killed', whole(0, 10), 3)
    .option('--seed <number>', 'for the same lengths of life and the same order of agents again', whole(0, 999_999_999), Date.now() % 1_000_000)
    .addHelpText('after', '\nExit codes: 0 nothing was violated; 1 something was, or the soak failed; 2 wrong usage.')
    .exitOverride()
    .showHelpAfterError('(add --help for what there is)')
    .parse([...args], { from: 'user' })
    .opts<SoakOptions>()
}
