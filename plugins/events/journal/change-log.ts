import { readFile } from 'node:fs/promises'
import { apiError, codeOf, writeFileDurably, type Logger } from '../../../core/plugin-api.js'
import { GroupCommitFile, openAppendable } from './group-commit-file.js'

// What changes all the time must not fill the disk with changes that mean nothing any more.
const REWRITE_BYTES = 16 * 1024 * 1024

export interface ChangeLogOptions<Change> {
  path: string
  /** What the file is about, for warnings: 'dead letters'. */
  about: string
  log: Logger
  /** Called for each change that was read at the start, and, unless `applied` says otherwise, when one is durable. */
  apply (change: Change): void
  /** The fewest changes that amount to the present state. */
  snapshot (): Iterable<Change>
}

/** A small state kept as a durable log of changes, which is rewritten at each start and when it has grown. */
export class ChangeLog<Change> {
  readonly #options: ChangeLogOptions<Change>
  #file: GroupCommitFile<Change> | undefined
  /** Bytes after the last rewriting. */
  #keptBytes = 0

  constructor (options: ChangeLogOptions<Change>) {
    this.#options = options
  }

  /** Reads what is there; `settled` is called before the file is rewritten. */
  async open (settled: () => Promise<void> = async () => {}): Promise<void> {
    const { path, about, log, apply } = this.#options
    let lost = 0
    for (const line of (await readText(path)).split('\n')) {
      if (line === '') continue
      try {
        apply(JSON.parse(line) as Change)
      } catch {
        // Only a crash in the middle of a write leaves such a line, and that write was never acknowledged.
        lost++
      }
    }
    if (lost > 0) log.warn({ lines: lost }, `incomplete lines of the ${about} were dropped`)
    await settled()
    await this.#rewrite()
    this.#file = await GroupCommitFile.open<Change>(path, {
      encode,
      committed: (changes) => { for (const change of changes) apply(change) },
      between: async (handle, size) => {
        if (size < Math.max(REWRITE_BYTES, 2 * this.#keptBytes)) return undefined
        await this.#rewrite()
        const rewritten = await openAppendable(path)
        await handle.close()
        return rewritten
      }
    })
  }

  /** Resolves when the change is durable and applied. */
  async append (change: Change): Promise<void> {
    if (this.#file === undefined) throw apiError('EVT_001', 'The event log is not open.')
    await this.#file.append(change)
  }

  async close (): Promise<void> {
    await this.#file?.close()
  }

  /** Leaves in the file what is still wanted. */
  async #rewrite (): Promise<void> {
    const content = encode([...this.#options.snapshot()])
    await writeFileDurably(this.#options.path, content)
    this.#keptBytes = content.length
  }
}

function encode (changes: readonly unknown[]): Buffer {
  return Buffer.from(changes.map((change) => `${JSON.stringify(change)}\n`).join(''))
}

async function readText (path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return ''
    throw error
  }
}
