import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { endianness } from 'node:os'
import { crc32 } from 'node:zlib'
import { codeOf, writeFileDurably } from '../../../core/plugin-api.js'
import { columnBytes, createColumns, type IndexedPart, type SegmentIndex } from './segment-index.js'
import type { Heads } from './record.js'

/** Columns are kept as the machine has them in memory. */
const FORMAT = `1-${endianness()}`

interface Header {
  format: string
  seed: number
  size: number
  rows: number
  slots: number
  heads: Heads
  parts: ({ project_id: string } & IndexedPart)[]
}

/** Before the header stand the checksum of all behind it, and the header's length, 4 bytes each. */
const HEADER_AT = 8

/** Keeps an index beside its segment. */
export async function writeIndex (path: string, { seed, size, heads, parts, columns }: SegmentIndex): Promise<void> {
  const rows = columns.time.length
  const slots = columns.slotRow.length
  const header: Header = { format: FORMAT, seed, size, rows, slots, heads, parts: [...parts].map(([project, part]) => ({ project_id: project, ...part })) }
  const text = Buffer.from(JSON.stringify(header))
  const columnsAt = Math.ceil((HEADER_AT + text.length) / 8) * 8
  const bytes = Buffer.alloc(columnsAt + columnBytes(rows, slots), ' ')
  bytes.writeUInt32LE(columnsAt - HEADER_AT, 4)
  text.copy(bytes, HEADER_AT)
  let at = columnsAt
  for (const { buffer, byteOffset, byteLength } of Object.values(columns)) {
    at += Buffer.from(buffer, byteOffset, byteLength).copy(bytes, at)
  }
  bytes.writeUInt32LE(crc32(bytes.subarray(4)), 0)
  await writeFileDurably(path, bytes)
}

/**
 * The index of a segment of so many bytes, or `undefined` when it is missing, damaged, or of another segment or log.
 * Synchronous: it is read at the start, when nothing else is to be done, and a million events have some 80 of these files.
 */
export function readIndex (path: string, { seed, size }: { seed: number, size: number }): SegmentIndex | undefined {
  const bytes = readWhole(path)
  if (bytes === undefined || bytes.length < HEADER_AT || bytes.readUInt32LE(0) !== crc32(bytes.subarray(4))) return undefined
  const columnsAt = HEADER_AT + bytes.readUInt32LE(4)
  const header = JSON.parse(bytes.toString('utf8', HEADER_AT, columnsAt)) as Header
  if (header.format !== FORMAT || header.seed !== seed || header.size !== size) return undefined
  const { rows, slots, heads, parts } = header
  return {
    seed,
    size,
    heads,
    parts: new Map(parts.map(({ project_id: project, ...part }) => [project, part])),
    columns: createColumns(rows, slots, bytes.buffer as ArrayBuffer, columnsAt)
  }
}

/** In memory of its own, so that columns begin where their numbers may. */
function readWhole (path: string): Buffer | undefined {
  let file: number
  try {
    file = openSync(path, 'r')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
  try {
    const bytes = Buffer.from(new ArrayBuffer(fstatSync(file).size))
    let read = 0
    for (let got = -1; got !== 0 && read < bytes.length; read += got) got = readSync(file, bytes, read, bytes.length - read, read)
    return bytes.subarray(0, read)
  } finally {
    closeSync(file)
  }
}
