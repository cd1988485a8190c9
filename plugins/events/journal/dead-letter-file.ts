import { readFile } from 'node:fs/promises'
import { apiError, codeOf, writeFileDurably, type DeadLetter, type Logger } from '../../../core/plugin-api.js'
import { DeadLetters } from '../dead-letters.js'
import { GroupCommitFile, openAppendable } from './group-commit-file.js'

type Change =
  | { add: DeadLetter, project_id: string }
  | { remove: string, target?: string | undefined, project_id: string }

// What fails all the time must not fill the disk with letters that gave way long ago.
const REWRITE_BYTES = 16 * 1024 * 1024

/** Dead letters by project, kept as a log of changes that is rewritten at each start and when it has grown. */
export class DeadLetterFile {
  readonly #path: string
  readonly #log: Logger
  readonly #letters: DeadLetters
  #file: GroupCommitFile<Change> | undefined
  /** Bytes after the last rewriting. */
  #keptBytes = 0

  constructor (path: string, log: Logger) {
    this.#path = path
    this.#log = log
    this.#letters = new DeadLetters(log)
  }

  async open (): Promise<void> {
    let lost = 0
    for (const line of (await this.#readText()).split('\n')) {
      if (line === '') continue
      try {
        this.#apply(JSON.parse(line) as Change)
      } catch {
        // Only a crash in the middle of a write leaves such a line, and that write was never acknowledged.
        lost++
      }
    }
    if (lost > 0) this.#log.warn({ lines: lost }, 'incomplete lines of the dead letters were dropped')
    await this.#rewrite()
    this.#file = await GroupCommitFile.open<Change>(this.#path, {
      encode,
      committed: (changes) => { for (const change of changes) this.#apply(change) },
      between: async (handle, size) => {
        if (size < Math.max(REWRITE_BYTES, 2 * this.#keptBytes)) return undefined
        await this.#rewrite()
        const rewritten = await openAppendable(this.#path)
        await handle.close()
        return rewritten
      }
    })
  }

  async add (project: string, letter: DeadLetter): Promise<void> {
    await this.#opened().append({ add: letter, project_id: project })
  }

  list (project: string): DeadLetter[] {
    return this.#letters.list(project)
  }

  async remove (project: string, eventId: string, target?: string): Promise<boolean> {
    if (!this.#letters.has(project, eventId, target)) return false
    await this.#opened().append({ remove: eventId, target, project_id: project })
    return true
  }

  count (project?: string): number {
    return this.#letters.count(project)
  }

  async close (): Promise<void> {
    await this.#file?.close()
  }

  #opened (): GroupCommitFile<Change> {
    if (this.#file === undefined) throw apiError('EVT_001', 'The event log is not open.')
    return this.#file
  }

  /** Leaves in the file what is still wanted. */
  async #rewrite (): Promise<void> {
    const content = encode([...this.#letters.entries()].map(([project, add]) => ({ add, project_id: project })))
    await writeFileDurably(this.#path, content)
    this.#keptBytes = content.length
  }

  #apply (change: Change): void {
    if ('remove' in change) this.#letters.remove(change.project_id, change.remove, change.target)
    else this.#letters.add(change.project_id, change.add)
  }

  async #readText (): Promise<string> {
    try {
      return await readFile(this.#path, 'utf8')
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return ''
      throw error
    }
  }
}

function encode (changes: readonly Change[]): Buffer {
  return Buffer.from(changes.map((change) => `${JSON.stringify(change)}\n`).join(''))
}
