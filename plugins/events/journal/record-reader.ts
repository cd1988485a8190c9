import { open } from 'node:fs/promises'
import { LRUCache } from 'lru-cache'
import { decodeRecord, type EventRecord } from './record.js'
import type { IndexedPart, SegmentIndex } from './segment-index.js'

export type ReadRecord = EventRecord | undefined

// Parsing so much holds the event loop for one or two milliseconds.
const CHUNK_BYTES = 128 * 1024
/** Of records that were read last; as objects they take three to five times as much. */
const CACHE_BYTES = 8 * 1024 * 1024

export interface RecordReaderOptions {
  pathOf (segment: number): string
  /** Is given the bytes where a record should be and is not. */
  damaged (segment: number, offset: number, bytes: Buffer): void
}

/** What to read: rows of one project in a closed segment. */
export interface RecordRange {
  segment: number
  project: string
  index: SegmentIndex
  place: IndexedPart
}

/**
 * Reads records of closed segments, in pieces of their files that are kept for a while: readers that catch up mostly read the same.
 * Asynchronous, because a disk may take its time; opened for each piece, because there may be more segments than files that may be open.
 */
export class RecordReader {
  readonly #options: RecordReaderOptions
  readonly #chunks = new LRUCache<string, { bytes: number, records: Promise<ReadRecord[]> }>({
    maxSize: CACHE_BYTES, sizeCalculation: ({ bytes }) => bytes
  })

  constructor (options: RecordReaderOptions) {
    this.#options = options
  }

  /** Records from a row of the columns on, up to `to`, exclusive, or the end of the piece that the row is in. */
  async read (range: RecordRange, from: number, to: number): Promise<ReadRecord[]> {
    const { offset } = range.index.columns
    const piece = pieceOf(offset[from]!)
    let first = from
    while (first > range.place.from && pieceOf(offset[first - 1]!) === piece) first--
    let end = from + 1
    while (end < range.place.to && pieceOf(offset[end]!) === piece) end++
    const records = await this.#chunk(range, first, end)
    return records.slice(from - first, to - first)
  }

  async #chunk (range: RecordRange, from: number, to: number): Promise<ReadRecord[]> {
    const key = `${range.segment}/${from}`
    const known = this.#chunks.get(key)
    if (known !== undefined) return await known.records
    const { offset, length } = range.index.columns
    const start = offset[from]!
    const bytes = offset[to - 1]! + length[to - 1]! - start
    const records = this.#load(range, from, to, start, bytes)
    this.#chunks.set(key, { bytes, records })
    try {
      return await records
    } catch (error) {
      this.#chunks.delete(key)
      throw error
    }
  }

  async #load ({ segment, project, index: { columns } }: RecordRange, from: number, to: number, start: number, size: number): Promise<ReadRecord[]> {
    const bytes = await readBytes(this.#options.pathOf(segment), start, size)
    const records: ReadRecord[] = []
    for (let row = from; row < to; row++) {
      const at = columns.offset[row]! - start
      const line = bytes.subarray(at, at + columns.length[row]!)
      const record = decodeRecord(line)
      const isIt = record !== undefined && 'event' in record && record.seq === columns.sequence[row] && record.project_id === project
      if (!isIt) this.#options.damaged(segment, columns.offset[row]!, Buffer.from(line))
      records.push(isIt ? record : undefined)
    }
    return records
  }
}

function pieceOf (offset: number): number {
  return Math.floor(offset / CHUNK_BYTES)
}

/** As many bytes of a file as are there. */
async function readBytes (path: string, start: number, size: number): Promise<Buffer> {
  const handle = await open(path, 'r')
  try {
    const bytes = Buffer.allocUnsafe(size)
    let read = 0
    for (let got = -1; got !== 0 && read < size; read += got) got = (await handle.read(bytes, read, size - read, start + read)).bytesRead
    return bytes.subarray(0, read)
  } finally {
    await handle.close()
  }
}
