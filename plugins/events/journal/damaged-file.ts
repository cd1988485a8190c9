import { appendFile, readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { messageOf, type Logger } from '../../../core/plugin-api.js'

/** Damaged records, set aside for a person to look at. */
export class DamagedFile {
  readonly #path: string
  readonly #log: Logger
  /** Places that were told since the start. */
  readonly #told = new Set<string>()
  #writing: Promise<void> = Promise.resolve()
  #count = 0

  constructor (path: string, log: Logger) {
    this.#path = path
    this.#log = log
  }

  /** Sets aside lines; those of an earlier start are there already. */
  async add (lines: readonly Buffer[]): Promise<void> {
    this.#count += lines.length
    this.#log.warn({ records: lines.length, since_start: this.#count, file: basename(this.#path) }, 'damaged records of the event log were set aside')
    this.#writing = this.#writing.then(async () => {
      const known = new Set((await readFile(this.#path, 'latin1').catch(() => '')).split('\n'))
      const fresh = lines.map((line) => line.toString('latin1')).filter((line) => !known.has(line))
      await appendFile(this.#path, fresh.map((line) => `${line}\n`).join(''), { encoding: 'latin1', mode: 0o600 })
    }).catch((error: unknown) => {
      // They are still where they were found, too.
      this.#log.warn({ reason: messageOf(error) }, 'damaged records of the event log could not be set aside')
    })
    await this.#writing
  }

  /** Sets aside a record that was found damaged when it was read, once. */
  found (segment: number, offset: number, line: Buffer): void {
    const place = `${segment}/${offset}`
    if (this.#told.has(place)) return
    this.#told.add(place)
    this.add([line]).catch((error: unknown) => this.#log.error({ err: error }, 'a damaged record could not be told'))
  }

  async close (): Promise<void> {
    await this.#writing
  }
}
