import { readFile } from 'node:fs/promises'
import { codeOf, messageOf, writeFileDurably, type Logger, type Position } from '../../../core/plugin-api.js'
import { ReaderPositions } from '../reader-positions.js'

const WRITE_BEHIND_MS = 200

/**
 * Saved positions in one file that is written behind: a crash may bring an older position back,
 * and the reader then sees an event twice, never not at all.
 */
export class PositionFile {
  readonly #path: string
  readonly #log: Logger
  readonly #positions = new ReaderPositions()
  #timer: NodeJS.Timeout | undefined
  /** Whether the file lacks something that was saved. */
  #isBehind = false
  #writing: Promise<void> = Promise.resolve()

  constructor (path: string, log: Logger) {
    this.#path = path
    this.#log = log
  }

  /** Forgets positions that are not of the log any more, before its numbers reach them again. */
  async open (isOfLog: (project: string, position: Position) => boolean): Promise<void> {
    try {
      const saved = JSON.parse(await readFile(this.#path, 'utf8')) as [string, Position][]
      const kept = saved.filter(([key, position]) => isOfLog((JSON.parse(key) as [string, string])[0], position))
      this.#positions.restore(kept)
      if (kept.length === saved.length) return
      this.#log.warn({ readers: saved.length - kept.length }, 'saved positions are not of this event log; their readers start again from the oldest event')
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return
      this.#log.warn({ reason: messageOf(error) }, 'the saved positions cannot be read; readers start again from the oldest event')
    }
    await writeFileDurably(this.#path, JSON.stringify(this.#positions.entries()))
  }

  load (project: string, reader: string): Position | undefined {
    return this.#positions.load(project, reader)
  }

  save (project: string, reader: string, position: Position): void {
    this.#positions.save(project, reader, position)
    this.#isBehind = true
    this.#timer ??= setTimeout(() => { this.#flush() }, WRITE_BEHIND_MS).unref()
  }

  async close (): Promise<void> {
    await this.#writing
    if (this.#isBehind) this.#flush()
    await this.#writing
  }

  #flush (): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#writing = this.#writing.then(async () => {
      const content = JSON.stringify(this.#positions.entries())
      this.#isBehind = false
      await writeFileDurably(this.#path, content)
    }).catch((error: unknown) => {
      this.#isBehind = true
      this.#log.warn({ reason: messageOf(error) }, 'the positions of readers could not be saved; after a crash they would see events again')
    })
  }
}
