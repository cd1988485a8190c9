import { appendFile, readdir, readFile, rename, rm, stat, truncate } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { codeOf, syncDirectory, type Logger } from '../../../core/plugin-api.js'
import { openAppendable } from './group-commit-file.js'
import { readLog } from './read-log.js'
import type { LogRecord } from './record.js'

export const CURRENT = 'event-log.jsonl'
const DAMAGED = 'event-log.damaged.jsonl'
const CLOSED = /^event-log\.(\d{8})\.jsonl$/

/**
 * The files of the log: the current one and closed ones before it. A closed one is removed
 * when retention has let go of its last event.
 */
export class Segments {
  readonly #directory: string
  readonly #log: Logger
  /** Retained events by segment. */
  readonly #live = new Map<number, number>()
  readonly #bytes = new Map<number, number>()
  #current = 1

  constructor (directory: string, log: Logger) {
    this.#directory = directory
    this.#log = log
  }

  get current (): number {
    return this.#current
  }

  get path (): string {
    return join(this.#directory, CURRENT)
  }

  /** Bytes of the closed segments. */
  get closedBytes (): number {
    return [...this.#bytes.values()].reduce((sum, bytes) => sum + bytes, 0)
  }

  /** Reads all segments in order; a torn end of the current one is cut off, damaged lines are set aside. */
  async load (take: (record: LogRecord, segment: number) => void): Promise<void> {
    const closed = (await readdir(this.#directory)).flatMap((name) => CLOSED.exec(name)?.[1] ?? []).map(Number).sort((a, b) => a - b)
    this.#current = (closed.at(-1) ?? 0) + 1
    for (const segment of closed) {
      const path = this.#closedPath(segment)
      this.#bytes.set(segment, (await stat(path)).size)
      await this.#read(path, segment, take)
    }
    try {
      const { torn, size } = await this.#read(this.path, this.#current, take)
      if (torn > 0) {
        await truncate(this.path, size)
        this.#log.warn({ bytes: torn }, 'the event log ended in an incomplete record, which was cut off; it was never acknowledged')
      }
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error
    }
    await this.removeEmpty()
  }

  async #read (path: string, segment: number, take: (record: LogRecord, segment: number) => void): Promise<{ torn: number, size: number }> {
    const content = await readLog(path, (record) => take(record, segment))
    if (content.damaged.length > 0) {
      await this.#setAside(content.damaged)
      this.#log.warn({ records: content.damaged.length, file: DAMAGED }, 'damaged records of the event log were set aside')
    }
    return content
  }

  /** Keeps damaged lines for a person to look at; those of an earlier start are there already. */
  async #setAside (lines: readonly Buffer[]): Promise<void> {
    const path = join(this.#directory, DAMAGED)
    const known = new Set((await readFile(path, 'latin1').catch(() => '')).split('\n'))
    const fresh = lines.map((line) => line.toString('latin1')).filter((line) => !known.has(line))
    await appendFile(path, fresh.map((line) => `${line}\n`).join(''), { encoding: 'latin1', mode: 0o600 })
  }

  gained (segment: number): void {
    this.#live.set(segment, (this.#live.get(segment) ?? 0) + 1)
  }

  lost (segment: number): void {
    this.#live.set(segment, (this.#live.get(segment) ?? 0) - 1)
  }

  /** Closes the current segment under a number and begins the next. */
  async rotate (handle: FileHandle, size: number): Promise<FileHandle> {
    await rename(this.path, this.#closedPath(this.#current))
    this.#bytes.set(this.#current, size)
    this.#current++
    const next = await openAppendable(this.path)
    await syncDirectory(this.#directory)
    await handle.close()
    return next
  }

  async removeEmpty (): Promise<void> {
    for (const segment of [...this.#bytes.keys()]) {
      if ((this.#live.get(segment) ?? 0) > 0) continue
      await rm(this.#closedPath(segment), { force: true })
      this.#bytes.delete(segment)
      this.#live.delete(segment)
    }
  }

  #closedPath (segment: number): string {
    return join(this.#directory, `event-log.${String(segment).padStart(8, '0')}.jsonl`)
  }
}
