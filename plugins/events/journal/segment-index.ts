import type { EventName, Row } from '../part.js'
import type { Heads } from './record.js'

/** The rows of one project in the columns. */
export interface IndexedPart {
  /** First row, and the one behind the last. */
  from: number
  to: number
  /** Bytes of its records together. */
  bytes: number
}

export interface IndexColumns {
  /** Number of each event in its project. */
  sequence: Float64Array
  /** Milliseconds since the epoch, never falling within a project. */
  time: Float64Array
  /** Where each record begins in the segment, and its length without the newline; at most 4 GiB. */
  offset: Uint32Array
  length: Uint32Array
  /** A hash table of names with open addressing: the hash of each, and its row + 1, 0 where a slot is free. */
  slotHash: Uint32Array
  slotRow: Uint32Array
}

/** What is known of the records of a closed segment without reading it, some 30 bytes for each. */
export interface SegmentIndex {
  /** Distinguishes the hashes of this log from those that somebody may have prepared. */
  seed: number
  /** Bytes of the segment. */
  size: number
  /** The numbering when the segment was closed. */
  heads: Heads
  parts: Map<string, IndexedPart>
  columns: IndexColumns
}

// Two of three slots are taken at most, so that a search meets a free one soon.
const SLOTS_PER_NAME = 1.5

export function slotsFor (names: number): number {
  return Math.ceil(names * SLOTS_PER_NAME) + 1
}

export function createColumns (rows: number, slots: number, buffer = new ArrayBuffer(columnBytes(rows, slots)), offset = 0): IndexColumns {
  let place = offset
  const doubles = (): Float64Array => new Float64Array(buffer, (place += rows * 8) - rows * 8, rows)
  const integers = (length: number): Uint32Array => new Uint32Array(buffer, (place += length * 4) - length * 4, length)
  return {
    sequence: doubles(), time: doubles(), offset: integers(rows), length: integers(rows), slotHash: integers(slots), slotRow: integers(slots)
  }
}

export function columnBytes (rows: number, slots: number): number {
  return rows * 24 + slots * 8
}

/** Makes the index of a segment of the rows of each project, each project's in order. */
export function buildIndex (projects: ReadonlyMap<string, readonly Row[]>, { seed, size, heads }: Pick<SegmentIndex, 'seed' | 'size' | 'heads'>): SegmentIndex {
  let count = 0
  let names = 0
  for (const rows of projects.values()) {
    count += rows.length
    for (const row of rows) names += row.key === undefined ? 1 : 2
  }
  const columns = createColumns(count, slotsFor(names))
  const parts = new Map<string, IndexedPart>()
  let at = 0
  for (const [project, rows] of projects) {
    const from = at
    let bytes = 0
    for (const row of rows) {
      columns.sequence[at] = row.sequence
      columns.time[at] = row.time
      columns.offset[at] = row.offset
      columns.length[at] = row.bytes
      bytes += row.bytes
      insert(columns, hashOf(seed, project, 'id', row.event.event_id), at)
      if (row.key !== undefined) insert(columns, hashOf(seed, project, 'key', row.key), at)
      at++
    }
    if (at > from) parts.set(project, { from, to: at, bytes })
  }
  return { seed, size, heads, parts, columns }
}

/** The rows that may have a name: all that have it, and rarely another. */
export function rowsNamed ({ seed, columns: { slotHash, slotRow } }: SegmentIndex, project: string, { by, value }: EventName): number[] {
  const hash = hashOf(seed, project, by, value)
  const rows: number[] = []
  for (let slot = hash % slotRow.length; slotRow[slot] !== 0; slot = (slot + 1) % slotRow.length) {
    if (slotHash[slot] === hash) rows.push(slotRow[slot]! - 1)
  }
  return rows
}

function insert ({ slotHash, slotRow }: IndexColumns, hash: number, row: number): void {
  let slot = hash % slotRow.length
  while (slotRow[slot] !== 0) slot = (slot + 1) % slotRow.length
  slotHash[slot] = hash
  slotRow[slot] = row + 1
}

/** FNV-1a over the UTF-16 units, with the last mixing step of MurmurHash3 because slots are chosen by its low bits. */
function hashOf (seed: number, project: string, by: EventName['by'], value: string): number {
  // Project names hold no slash.
  const text = `${project}/${by}/${value}`
  let hash = seed ^ 0x811c9dc5
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  hash = Math.imul(hash ^ hash >>> 16, 0x85ebca6b)
  hash = Math.imul(hash ^ hash >>> 13, 0xc2b2ae35)
  return (hash ^ hash >>> 16) >>> 0
}
