import { readFile } from 'node:fs/promises'
import { apiError, codeOf, writeFileDurably, type DeadLetter, type Logger } from '../../../core/plugin-api.js'
import { GroupCommitFile, openAppendable } from './group-commit-file.js'

type Change =
  | { add: DeadLetter, project_id: string }
  | { remove: string, project_id: string }

// The oldest give way: a bounded list that says so beats one that fills the disk.
const MAX_LETTERS = 10_000
// What fails all the time must not fill the disk with letters that gave way long ago.
const REWRITE_BYTES = 16 * 1024 * 1024

/** Dead letters by project, kept as a log of changes that is rewritten at each start and when it has grown. */
export class DeadLetterFile {
  readonly #path: string
  readonly #log: Logger
  readonly #letters = new Map<string, Map<string, DeadLetter>>()
  #file: GroupCommitFile<Change> | undefined
  /** Bytes after the last rewriting. */
  #keptBytes = 0

  constructor (path: string, log: Logger) {
    this.#path = path
    this.#log = log
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
    return structuredClone([...this.#letters.get(project)?.values() ?? []])
  }

  async remove (project: string, eventId: string): Promise<boolean> {
    if (this.#letters.get(project)?.has(eventId) !== true) return false
    await this.#opened().append({ remove: eventId, project_id: project })
    return true
  }

  count (project?: string): number {
    const chosen = project === undefined ? [...this.#letters.values()] : [this.#letters.get(project)]
    return chosen.reduce((sum, letters) => sum + (letters?.size ?? 0), 0)
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
    const content = encode([...this.#letters].flatMap(([project, letters]) => [...letters.values()].map((add) => ({ add, project_id: project }))))
    await writeFileDurably(this.#path, content)
    this.#keptBytes = content.length
  }

  #apply (change: Change): void {
    const letters = this.#letters.get(change.project_id) ?? new Map<string, DeadLetter>()
    this.#letters.set(change.project_id, letters)
    if ('remove' in change) {
      letters.delete(change.remove)
      return
    }
    letters.delete(change.add.event.event_id)
    letters.set(change.add.event.event_id, structuredClone(change.add))
    if (letters.size > MAX_LETTERS) {
      const oldest = letters.keys().next().value!
      letters.delete(oldest)
      this.#log.warn({ event_id: oldest }, 'the oldest dead letter gave way to a new one')
    }
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
