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
  const groups = new Uint32Array(Math.ceil(strings.length / GROUP))
  const pieces: Buffer[] = []
  let length = 0
  for (let group = 0; group < groups.length; group++) {
    groups[group] = length
    const piece = Buffer.from(`${strings.slice(group * GROUP, (group + 1) * GROUP).join('\0')}\0`)
    pieces.push(piece)
    length += piece.length
  }
  // Memory of its own: what is handed over is gone here.
  const bytes = new Uint8Array(length)
  pieces.forEach((piece, group) => bytes.set(piece, groups[group]!))
  return { bytes, groups }
}

/** Groups of at most 512 strings; whoever reads them may rest in between. */
export function * unpackStrings ({ bytes, groups }: PackedStrings): Generator<string[]> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let group = 0; group < groups.length; group++) {
    yield buffer.toString('utf8', groups[group]!, (groups[group + 1] ?? buffer.length) - 1).split('\0')
  }
}

export function packFiles (files: readonly ListedFile[]): PackedFiles {
  const numbers = new Float64Array(files.length * 2)
  files.forEach(({ size, modified }, index) => {
    numbers[index * 2] = size
    numbers[index * 2 + 1] = modified
  })
  return { paths: packStrings(files.map(({ path }) => path)), numbers }
}

export function * unpackFiles ({ paths, numbers }: PackedFiles): Generator<Omit<ListedFile, 'stamp'>[]> {
  let index = 0
  for (const group of unpackStrings(paths)) {
    yield group.map((path) => ({ path, size: numbers[index++]!, modified: numbers[index++]! }))
  }
}
