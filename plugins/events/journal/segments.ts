import { appendFile, open, readdir, readFile, rename, rm, stat, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { codeOf, messageOf, writeFileDurably, type Logger } from '../../../core/plugin-api.js'
import { openAppendable } from './group-commit-file.js'
import { beginsWithHeads, readLog, type LogEnd } from './read-log.js'
import { decodeRecord, type LogRecord } from './record.js'

const CURRENT = 'event-log.jsonl'
const DAMAGED = 'event-log.damaged.jsonl'
const CLOSED = /^event-log\.(\d{8})\.jsonl$/

export interface RecordTaker {
  take (record: LogRecord, segment: number): void
  /** A record was there and cannot be read any more; what it was is not known. */
  skip (): void
}

/**
 * The files of the log: the current one and closed ones before it. Each begins with the numbering of all projects,
 * so that a closed one can be removed when retention has let go of its last event.
 */
export class Segments {
  readonly #directory: string
  readonly #log: Logger
  /** Retained events by segment. */
  readonly #live = new Map<number, number>()
  /** Sizes of the closed ones. */
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

  /** Finds the files; says whether the numbering of the log can be known from them, which nothing can replace. */
  async find (): Promise<boolean> {
    const closed = (await readdir(this.#directory)).flatMap((name) => CLOSED.exec(name)?.[1] ?? []).map(Number).sort((a, b) => a - b)
    for (const segment of closed) this.#bytes.set(segment, (await stat(this.#closedPath(segment))).size)
    this.#current = (closed.at(-1) ?? 0) + 1
    return await beginsWithHeads(closed[0] === undefined ? this.path : this.#closedPath(closed[0])).catch(noFile) ?? false
  }

  /** Reads all segments in order; a torn end of the current one is cut off, damaged records are set aside. */
  async load (taker: RecordTaker): Promise<void> {
    for (const segment of this.#bytes.keys()) {
      const { torn } = await this.#read(this.#closedPath(segment), segment, taker)
      if (torn.length > 0) {
        taker.skip()
        await this.#setAside([torn])
      }
    }
    const end = await this.#read(this.path, this.#current, taker).catch(noFile)
    if (end !== undefined && end.torn.length > 0) await this.#mendEnd(end, taker)
  }

  async #read (path: string, segment: number, taker: RecordTaker): Promise<LogEnd> {
    const damaged: Buffer[] = []
    const end = await readLog(path, {
      sound: (record) => taker.take(record, segment),
      damaged (line) {
        damaged.push(line)
        taker.skip()
      }
    })
    if (damaged.length > 0) await this.#setAside(damaged)
    return end
  }

  /** Makes the log end with a newline again: behind a record that lacks only that, else before what was cut off. */
  async #mendEnd ({ size, torn }: LogEnd, taker: RecordTaker): Promise<void> {
    const whole = [torn, torn.subarray(0, -1)].find((bytes) => decodeRecord(bytes.toString('utf8')) !== undefined)
    const handle = await open(this.path, 'r+')
    try {
      await handle.truncate(size + (whole?.length ?? 0))
      if (whole !== undefined) await handle.write('\n', size + whole.length)
      await handle.datasync()
    } finally {
      await handle.close()
    }
    if (whole !== undefined) taker.take(decodeRecord(whole.toString('utf8'))!, this.#current)
    else this.#log.warn({ bytes: torn.length }, 'the event log ended in an incomplete record, which was cut off; it was never acknowledged')
  }

  /** Keeps damaged lines for a person to look at; those of an earlier start are there already. */
  async #setAside (lines: readonly Buffer[]): Promise<void> {
    const path = join(this.#directory, DAMAGED)
    const known = new Set((await readFile(path, 'latin1').catch(() => '')).split('\n'))
    const fresh = lines.map((line) => line.toString('latin1')).filter((line) => !known.has(line))
    await appendFile(path, fresh.map((line) => `${line}\n`).join(''), { encoding: 'latin1', mode: 0o600 })
    this.#log.warn({ records: lines.length, file: DAMAGED }, 'damaged records of the event log were set aside')
  }

  gained (segment: number): void {
    this.#live.set(segment, (this.#live.get(segment) ?? 0) + 1)
  }

  lost (segment: number): void {
    this.#live.set(segment, (this.#live.get(segment) ?? 0) - 1)
  }

  /** Sees to it that the current segment exists. */
  async begin (first: string): Promise<void> {
    const size = (await stat(this.path).catch(noFile))?.size ?? 0
    if (size === 0) await writeFileDurably(this.path, first)
  }

  /** Closes the current segment under a number and begins the next. To be called again when it failed. */
  async rotate (handle: FileHandle, size: number, first: string): Promise<FileHandle> {
    if (!this.#bytes.has(this.#current)) {
      await rename(this.path, this.#closedPath(this.#current))
      this.#bytes.set(this.#current, size)
    }
    await writeFileDurably(this.path, first)
    const next = await openAppendable(this.path)
    this.#current++
    await handle.close().catch((error: unknown) => this.#log.warn({ reason: messageOf(error) }, 'a closed segment of the event log could not be let go of'))
    return next
  }

  /** Removes closed segments without retained events; to be called when the current one holds the numbering. */
  async removeEmpty (): Promise<void> {
    for (const segment of [...this.#bytes.keys()]) {
      if ((this.#live.get(segment) ?? 0) > 0) continue
      try {
        await rm(this.#closedPath(segment), { force: true })
        this.#bytes.delete(segment)
        this.#live.delete(segment)
      } catch (error) {
        this.#log.warn({ segment, reason: messageOf(error) }, 'a segment of the event log that is not needed any more could not be removed')
      }
    }
  }

  #closedPath (segment: number): string {
    return join(this.#directory, `event-log.${String(segment).padStart(8, '0')}.jsonl`)
  }
}

function noFile (error: unknown): undefined {
  if (codeOf(error) !== 'ENOENT') throw error
}
