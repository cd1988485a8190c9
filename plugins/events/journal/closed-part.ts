import type { SidecarEvent } from '../../../core/plugin-api.js'
import type { EventName, Part, Row } from '../part.js'
import type { ReadRecord, RecordRange, RecordReader } from './record-reader.js'
import { rowsNamed, type IndexColumns } from './segment-index.js'

/** One project's events in a closed segment: an index in memory, and the events on the disk. */
export class ClosedPart implements Part {
  readonly segment: number
  readonly length: number
  readonly #range: RecordRange
  readonly #columns: IndexColumns
  /** Row of the columns at which it begins. */
  readonly #from: number
  readonly #reader: RecordReader
  #rows: readonly Row[] | undefined

  /** `rows` are its events where they are in memory still. */
  constructor (range: RecordRange, reader: RecordReader, rows?: readonly Row[]) {
    this.segment = range.segment
    this.length = range.place.to - range.place.from
    this.#range = range
    this.#columns = range.index.columns
    this.#from = range.place.from
    this.#reader = reader
    this.#rows = rows
  }

  sequence (row: number): number {
    return this.#columns.sequence[this.#from + row]!
  }

  time (row: number): number {
    return this.#columns.time[this.#from + row]!
  }

  bytes (row: number): number {
    return this.#columns.length[this.#from + row]!
  }

  events (from: number, to: number): SidecarEvent[] | Promise<(SidecarEvent | undefined)[]> {
    return this.#rows?.slice(from, to).map(({ event }) => event) ?? this.#readEvents(from, to)
  }

  find (name: EventName, from: number): number | undefined | Promise<number | undefined> {
    const candidates = rowsNamed(this.#range.index, this.#range.project, name).map((row) => row - this.#from)
      .filter((row) => row >= from && row < this.length)
    return candidates.length === 0 ? undefined : this.#verify(name, candidates)
  }

  drop (): void {}

  /** Lets go of the events in memory. */
  cool (): void {
    this.#rows = undefined
  }

  /** A hash is no proof. */
  async #verify (name: EventName, candidates: readonly number[]): Promise<number | undefined> {
    for (const row of candidates) {
      const record = this.#rows?.[row] ?? (await this.#read(row, row + 1))[0]
      if (record !== undefined && (name.by === 'id' ? record.event.event_id : record.key) === name.value) return row
    }
    return undefined
  }

  async #readEvents (from: number, to: number): Promise<(SidecarEvent | undefined)[]> {
    return (await this.#read(from, to)).map((record) => record?.event)
  }

  async #read (from: number, to: number): Promise<ReadRecord[]> {
    return await this.#reader.read(this.#range, this.#from + from, this.#from + to)
  }
}
