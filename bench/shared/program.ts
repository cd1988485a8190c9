import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CommanderError } from 'commander'
import { endWhenUnread } from '../../cli/unread-output.js'

const FAILED = 1
const WRONG_USAGE = 2
const INTERRUPTED = 130

export interface Program<Options> {
  /** Throws a `CommanderError` once it has said what is wrong, or what there is. */
  readOptions (args: readonly string[]): Options
  /** Loaded late: whoever asks for help does not wait for the sidecar. Answers whether all was right. */
  load (): Promise<{ run (options: Options, folder: string): Promise<boolean> }>
  /** Ends what was started, at once; called before the folder is removed. */
  stop? (): void
}

/** Runs a program of the bench in a folder of its own, which goes with it, also when it is interrupted or nobody reads what it prints. */
export async function runProgram<Options> ({ readOptions, load, stop }: Program<Options>): Promise<void> {
  endWhenUnread()
  let folder: string | undefined
  const cleanUp = (): void => {
    stop?.()
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      cleanUp()
      process.exit(INTERRUPTED)
    })
  }
  try {
    const options = readOptions(process.argv.slice(2))
    const { run } = await load()
    // At once: a signal that comes while it is made would leave it behind.
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'cco-bench-')))
    process.exitCode = await run(options, folder) ? 0 : FAILED
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? 0 : WRONG_USAGE
    } else {
      console.error(`error: ${error instanceof Error ? error.message : String(error)}`)
      process.exitCode = FAILED
    }
  } finally {
    cleanUp()
  }
}
