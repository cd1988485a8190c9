import { rmSync } from 'node:fs'
import { mkdtemp, realpath } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CommanderError } from 'commander'
import { killChildren } from '../speed/child.js'
import { readOptions } from './options.js'

const FAILED = 1
const WRONG_USAGE = 2
const INTERRUPTED = 130

let folder: string | undefined

function removeFolder (): void {
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    killChildren()
    removeFolder()
    process.exit(INTERRUPTED)
  })
}

try {
  const options = readOptions(process.argv.slice(2))
  // Loaded late: whoever asks for help does not wait for the sidecar.
  const { run } = await import('./run.js')
  folder = await realpath(await mkdtemp(join(tmpdir(), 'cco-bench-events-')))
  process.exitCode = await run(options, folder) ? 0 : FAILED
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : WRONG_USAGE
  } else {
    console.error(`error: ${error instanceof Error ? error.message : String(error)}`)
    process.exitCode = FAILED
  }
} finally {
  killChildren()
  removeFolder()
}
