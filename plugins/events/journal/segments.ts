import { open, readdir, rename, rm, stat, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { codeOf, messageOf, writeFileDurably, type Logger } from '../../../core/plugin-api.js'
import type { Row } from '../part.js'
import { DamagedFile } from './damaged-file.js'
import { openAppendable } from './group-commit-file.js'
import { readIndex, writeIndex } from './index-file.js'
import { beginsWithHeads, readLog, type LogEnd } from './read-log.js'
import { decodeRecord, isOwnId, type EventRecord, type Heads, type LogRecord } from './record.js'
import { RecordReader } from './record-reader.js'
import { buildIndex, type SegmentIndex } from './segment-index.js'

const CURRENT = 'event-log.jsonl'
const DAMAGED = 'event-log.damaged.jsonl'
const CLOSED = /^event-log\.(\d{8})\.jsonl$/
const INDEX = /^event-log\.(\d{8})\.index$/

/** Is told what the log holds, in its order. */
export interface LogTaker {
  /** The numbering stands there, or further. */
  heads (heads: Heads): void
  /** A closed segment, its numbering aside. */
  closed (segment: number, index: SegmentIndex): void
  /** A record of the current segment. */
  current (record: EventRecord, offset: number, length: number): void
  /** A record was there and cannot be read any more; what it was is not known. */
  skip (): void
  /** The numbering after all that was taken. */
  numbering (): Heads
  /** Time of the newest event of a project so far, ms since the epoch; 0 where there is none. */
  lastTime (project: string): number
}

/**
 * The files of the log: the current one and closed ones before it, each of those with an index beside it. Each begins with the
 * numbering of all projects, so that a closed one can be removed when retention has let go of its last event.
 */
export class Segments {
  readonly #directory: string
  readonly #log: Logger
  readonly #damaged: DamagedFile
  readonly reader: RecordReader
  /** How many projects have retained events in each of the closed ones. */
  readonly #live = new Map<number, number>()
  /** Sizes of the closed ones. */
  readonly #bytes = new Map<number, number>()
  #current = 1
  #indexing: Promise<void> = Promise.resolve()

  constructor (directory: string, log: Logger) {
    this.#directory = directory
    this.#log = log
    this.#damaged = new DamagedFile(join(directory, DAMAGED), log)
    this.reader = new RecordReader({
      pathOf: (segment) => this.#closedPath(segment),
      damaged: (segment, offset, bytes) => this.#damaged.found(segment, offset, bytes)
    })
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
    const names = await readdir(this.#directory)
    const closed = names.flatMap((name) => CLOSED.exec(name)?.[1] ?? []).map(Number).sort((a, b) => a - b)
    for (const segment of closed) this.#bytes.set(segment, (await stat(this.#closedPath(segment))).size)
    // A crash while a segment is removed leaves its index.
    const stray = names.flatMap((name) => INDEX.exec(name)?.[1] ?? []).map(Number).filter((segment) => !this.#bytes.has(segment))
    for (const segment of stray) await rm(this.#indexPath(segment), { force: true })
    this.#current = (closed.at(-1) ?? 0) + 1
    return await beginsWithHeads(closed[0] === undefined ? this.path : this.#closedPath(closed[0])).catch(noFile) ?? false
  }

  /** Takes in all segments in order; a torn end of the current one is cut off, damaged records are set aside. */
  async load (taker: LogTaker, seed: number): Promise<void> {
    for (const [segment, size] of this.#bytes) {
      const index = readIndex(this.#indexPath(segment), { seed, size })
      if (index === undefined) {
        await this.#loadWithoutIndex(segment, seed, taker)
      } else {
        taker.closed(segment, index)
        taker.heads(index.heads)
      }
    }
    const take = (record: LogRecord, offset: number, length: number): void => {
      if ('heads' in record) taker.heads(record.heads)
      else taker.current(record, offset, length)
    }
    const end = await this.#read(this.path, take, () => taker.skip()).catch(noFile)
    if (end !== undefined && end.torn.length > 0) await this.#mendEnd(end, take)
  }

  /** Reads a closed segment whose index is missing or wrong, and makes it a new one. */
  async #loadWithoutIndex (segment: number, seed: number, taker: LogTaker): Promise<void> {
    const projects = new Map<string, Row[]>()
    const heads: Heads = {}
    let skipped = 0
    const { size, torn } = await this.#read(this.#closedPath(segment), (record, offset, length) => {
      if ('heads' in record) {
        taker.heads(record.heads)
        return
      }
      const { project_id: project, seq, key, event } = record
      const rows = projects.get(project) ?? []
      projects.set(project, rows)
      const time = Math.max(Date.parse(event.timestamp), rows.at(-1)?.time ?? taker.lastTime(project))
      rows.push({ sequence: seq, time, bytes: length, offset, key, event })
      heads[project] = { next: seq + 1, last_id: isOwnId(event.event_id) ? event.event_id : heads[project]?.last_id ?? null }
    }, () => { skipped++ })
    if (torn.length > 0) {
      skipped++
      await this.#damaged.add([torn])
    }
    const index = buildIndex(projects, { seed, size: size + torn.length, heads: {} })
    taker.closed(segment, index)
    taker.heads(heads)
    while (skipped-- > 0) taker.skip()
    this.keepIndex(segment, { ...index, heads: taker.numbering() })
  }

  async #read (path: string, sound: (record: LogRecord, offset: number, length: number) => void, skip: () => void): Promise<LogEnd> {
    const damaged: Buffer[] = []
    const end = await readLog(path, {
      sound,
      damaged (line) {
        damaged.push(line)
        skip()
      }
    })
    if (damaged.length > 0) await this.#damaged.add(damaged)
    return end
  }

  /** Makes the log end with a newline again: behind a record that lacks only that, else before what was cut off. */
  async #mendEnd ({ size, torn }: LogEnd, take: (record: LogRecord, offset: number, length: number) => void): Promise<void> {
    const whole = [torn, torn.subarray(0, -1)].find((bytes) => decodeRecord(bytes) !== undefined)
    const handle = await open(this.path, 'r+')
    try {
      await handle.truncate(size + (whole?.length ?? 0))
      if (whole !== undefined) await handle.write('\n', size + whole.length)
      await handle.datasync()
    } finally {
      await handle.close()
    }
    if (whole !== undefined) take(decodeRecord(whole)!, size, whole.length)
    else this.#log.warn({ bytes: torn.length }, 'the event log ended in an incomplete record, which was cut off; it was never acknowledged')
  }

  /** A project has retained events in a closed segment. */
  gained (segment: number): void {
    this.#live.set(segment, (this.#live.get(segment) ?? 0) + 1)
  }

  /** A project has none there any more. */
  lost (segment: number): void {
    this.#live.set(segment, (this.#live.get(segment) ?? 0) - 1)
  }

  /** Sees to it that the current segment exists. */
  async begin (first: string): Promise<void> {
    const size = (await stat(this.path).catch(noFile))?.size ?? 0
    if (size === 0) await writeFileDurably(this.path, first)
  }

  /** Closes the current segment, of so many bytes, under its number. */
  async closeCurrent (size: number): Promise<void> {
    if (this.#bytes.has(this.#current)) return
    await rename(this.path, this.#closedPath(this.#current))
    this.#bytes.set(this.#current, size)
  }

  /** Closes the current segment and begins the next. To be called again when it failed. */
  async rotate (handle: FileHandle, size: number, first: string): Promise<FileHandle> {
    await this.closeCurrent(size)
    await writeFileDurably(this.path, first)
    const next = await openAppendable(this.path)
    this.#current++
    await handle.close().catch((error: unknown) => this.#log.warn({ reason: messageOf(error) }, 'a closed segment of the event log could not be let go of'))
    return next
  }

  /** Writes the index of a closed segment, behind everything else: without it the next start only takes longer. */
  keepIndex (segment: number, index: SegmentIndex): void {
    this.#indexing = this.#indexing.then(async () => {
      if (this.#bytes.has(segment)) await writeIndex(this.#indexPath(segment), index)
    }).catch((error: unknown) => {
      this.#log.warn({ segment, reason: messageOf(error) }, 'the index of a segment of the event log could not be written; the next start will make it')
    })
  }

  /** Removes closed segments without retained events; to be called when the current one holds the numbering. */
  async removeEmpty (): Promise<void> {
    for (const segment of [...this.#bytes.keys()]) {
      if ((this.#live.get(segment) ?? 0) > 0) continue
      try {
        await rm(this.#closedPath(segment), { force: true })
        this.#bytes.delete(segment)
        this.#live.delete(segment)
        await this.#indexing
        await rm(this.#indexPath(segment), { force: true })
      } catch (error) {
        this.#log.warn({ segment, reason: messageOf(error) }, 'a segment of the event log that is not needed any more could not be removed')
      }
    }
  }

  /** Waits for what is written behind. */
  async close (): Promise<void> {
    await Promise.all([this.#indexing, this.#damaged.close()])
  }

  #closedPath (segment: number): string {
    return join(this.#directory, `event-log.${String(segment).padStart(8, '0')}.jsonl`)
  }

  #indexPath (segment: number): string {
    return join(this.#directory, `event-log.${String(segment).padStart(8, '0')}.index`)
  }
}

function noFile (error: unknown): undefined {
  if (codeOf(error) !== 'ENOENT') throw error
}
