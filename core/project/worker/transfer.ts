import { inSlices } from '../slices.js'
import type { ListedFile } from './listed-files.js'

/** Strings in one piece of memory, which goes from thread to thread without being copied or taken apart. */
export interface PackedStrings {
  /** Each string ends with a NUL. */
  bytes: Uint8Array
  /** Where each group begins, so that they can be unpacked a group at a time. */
  groups: Uint32Array
}

export interface PackedFiles {
  paths: PackedStrings
  /** Size and time of each. */
  numbers: Float64Array
}

const GROUP = 512

export function packStrings (strings: readonly string[]): PackedStrings {
  const starts = Array.from({ length: Math.ceil(strings.length / GROUP) }, (_, group) => group * GROUP)
  return joined(starts.map((start) => packGroup(strings, start)))
}

function packGroup (strings: readonly string[], start: number): Buffer {
  return Buffer.from(`${strings.slice(start, start + GROUP).join('\0')}\0`)
}

function joined (pieces: readonly Buffer[]): PackedStrings {
  // Memory of its own: what is handed over is gone here.
  const bytes = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0))
  const groups = new Uint32Array(pieces.length)
  let length = 0
  pieces.forEach((piece, group) => {
    bytes.set(piece, length)
    groups[group] = length
    length += piece.length
  })
  return { bytes, groups }
}

/** Groups of at most 512 strings; whoever reads them may rest in between. */
export function * unpackStrings ({ bytes, groups }: PackedStrings): Generator<string[]> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let group = 0; group < groups.length; group++) {
    yield buffer.toString('utf8', groups[group]!, (groups[group + 1] ?? buffer.length) - 1).split('\0')
  }
}

/** In as many turns of the event loop as it takes. */
export async function packFiles (files: readonly ListedFile[]): Promise<PackedFiles> {
  const numbers = new Float64Array(files.length * 2)
  const paths: string[] = []
  const pieces: Buffer[] = []
  await inSlices(files, ({ path, size, modified }, index) => {
    numbers[index * 2] = size
    numbers[index * 2 + 1] = modified
    paths.push(path)
    if (paths.length < GROUP && index + 1 < files.length) return
    pieces.push(packGroup(paths, 0))
    paths.length = 0
  })
  return { paths: joined(pieces), numbers }
}

export function * unpackFiles ({ paths, numbers }: PackedFiles): Generator<Omit<ListedFile, 'stamp'>[]> {
  let index = 0
  for (const group of unpackStrings(paths)) {
    yield group.map((path) => ({ path, size: numbers[index++]!, modified: numbers[index++]! }))
  }
}
