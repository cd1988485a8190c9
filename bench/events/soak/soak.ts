import { rmSync } from 'node:fs'
import { mkdtemp, realpath } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CommanderError } from 'commander'
import { killChildren } from '../../speed/child.js'
import { readOptions } from './options.js'

const FAILED = 1
const WRONG_USAGE = 2
const INTERRUPTED = 130

let folder: string | undefined

/** One line on a terminal that is written over; a line of its own elsewhere. */
function say (text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`)
  else if (text !== '') console.error(text)
}

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
  const { soak } = await import('./run.js')
  folder = await realpath(await mkdtemp(join(tmpdir(), 'cco-soak-')))
  process.exitCode = await soak(options, folder, say) ? 0 : FAILED
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
