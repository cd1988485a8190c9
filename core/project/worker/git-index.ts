import { createHash } from 'node:crypto'
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'

/** What the index says is tracked. */
export interface IndexEntries {
  paths: string[]
  /** Entries that are repositories of their own. */
  gitlinks: string[]
  /** Paths that are no UTF-8, with one character for each byte. */
  unreadable: string[]
  /** Files that the index says need not be there; git reads ignore files among them from its objects. */
  skipped: string[]
  /** Hash of paths, modes and contents; a rewrite that changes none of them keeps it. */
  hash: string
}

/** `unknown`: only git can read it. `torn`: it does not fit its own checksum, as when it is read while somebody writes it in place. */
export type IndexReading = IndexEntries | 'missing' | 'unknown' | 'torn'

const MAX_BYTES = 1024 * 1024 * 1024
const GITLINK = 0o160000
const TREE = 0o040000
const [EXTENDED, SKIP_WORKTREE] = [0x4000, 0x4000]
const [ASSUME_VALID, STAGE, RESERVED] = [0x8000, 0x3000, 0x8000]

export function readIndex (path: string, hashBytes: 20 | 32): IndexReading {
  const bytes = readWhole(path)
  return Buffer.isBuffer(bytes) ? parseIndex(bytes, hashBytes) : bytes
}

function readWhole (path: string): Buffer | 'missing' | 'unknown' {
  let descriptor: number
  try {
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'missing' : 'unknown'
  }
  try {
    const facts = fstatSync(descriptor)
    if (!facts.isFile() || facts.size > MAX_BYTES) return 'unknown'
    const bytes = Buffer.allocUnsafe(facts.size)
    let length = 0
    for (let count = -1; length < facts.size && count !== 0; length += count) count = readSync(descriptor, bytes, length, facts.size - length, length)
    return bytes.subarray(0, length)
  } catch {
    return 'unknown'
  } finally {
    closeSync(descriptor)
  }
}

/** Reads versions 2, 3 and 4 of gitformat-index(5). */
export function parseIndex (bytes: Buffer, hashBytes: 20 | 32): IndexReading {
  const end = bytes.length - hashBytes
  if (end < 12 || bytes.readUInt32BE(0) !== 0x44495243) return bytes.length === 0 ? 'torn' : 'unknown'
  if (!fitsChecksum(bytes, end, hashBytes)) return 'torn'
  const found: Omit<IndexEntries, 'hash'> = { paths: [], gitlinks: [], unreadable: [], skipped: [] }
  const collected = new Collector(bytes.length)
  const isKnown = eachEntry(bytes, hashBytes, ({ start, mode, flagsAt, more, path }) => {
    collected.add(bytes, start + 24, start + 28)
    // Content and flags: the stage of a conflict is part of them.
    collected.add(bytes, start + 40, flagsAt + (more === 0 ? 2 : 4))
    collected.addPath(path)
    addEntry(found, path, mode, (more & SKIP_WORKTREE) !== 0)
    return mode !== TREE
  })
  return isKnown ? { ...found, hash: collected.digest() } : 'unknown'
}

/** What the index says of one file. */
export interface IndexEntry {
  mode: number
  /** Of its content, hexadecimal. */
  hash: string
  /** Whether it is more than a file with one content: one of the sides of a conflict, or one that need not be there or be looked at. */
  isSpecial: boolean
}

/** The entries of some paths, relative to the top; `undefined` for an index that is not read here. */
export function findIndexEntries (path: string, hashBytes: 20 | 32, wanted: ReadonlySet<string>): Map<string, IndexEntry> | undefined {
  const bytes = readWhole(path)
  const found = new Map<string, IndexEntry>()
  if (bytes === 'missing') return found
  const end = Buffer.isBuffer(bytes) ? bytes.length - hashBytes : 0
  if (!Buffer.isBuffer(bytes) || end < 12 || bytes.readUInt32BE(0) !== 0x44495243 || !fitsChecksum(bytes, end, hashBytes)) return undefined
  // To make a text of each path would take most of the time.
  const lengths = new Set([...wanted].map((name) => Buffer.byteLength(name)))
  const isKnown = eachEntry(bytes, hashBytes, ({ start, mode, flagsAt, more, path }) => {
    if (!lengths.has(path.length)) return mode !== TREE
    const name = path.toString('utf8')
    if (wanted.has(name)) {
      const flags = bytes.readUInt16BE(flagsAt)
      found.set(name, { mode, hash: bytes.toString('hex', start + 40, flagsAt), isSpecial: more !== 0 || (flags & (ASSUME_VALID | STAGE)) !== 0 })
    }
    return mode !== TREE
  })
  return isKnown ? found : undefined
}

interface RawEntry {
  start: number
  mode: number
  flagsAt: number
  /** Its further flags; 0 where it has none. */
  more: number
  path: Buffer
}

/** Visits all entries, until a visit says `false`. Whether all of the index was understood. */
function eachEntry (bytes: Buffer, hashBytes: 20 | 32, visit: (entry: RawEntry) => boolean): boolean {
  const end = bytes.length - hashBytes
  const version = bytes.readUInt32BE(4)
  if (version < 2 || version > 4) return false
  let last = Buffer.alloc(0)
  let position = 12
  for (let left = bytes.readUInt32BE(8); left > 0; left--) {
    const start = position
    const flagsAt = start + 40 + hashBytes
    if (flagsAt + 2 > end) return false
    const mode = bytes.readUInt32BE(start + 24)
    const isExtended = (bytes.readUInt16BE(flagsAt) & EXTENDED) !== 0
    let pathAt = flagsAt + (isExtended ? 4 : 2)
    let path: Buffer
    if (version === 4) {
      const strip = readOffset(bytes, pathAt)
      pathAt = strip.end
      const stop = bytes.indexOf(0, pathAt)
      if (stop < 0 || stop >= end || strip.value > last.length) return false
      path = last = Buffer.concat([last.subarray(0, last.length - strip.value), bytes.subarray(pathAt, stop)])
      position = stop + 1
    } else {
      const stop = bytes.indexOf(0, pathAt)
      if (stop < 0 || stop >= end) return false
      path = bytes.subarray(pathAt, stop)
      // One to eight NULs end an entry at a multiple of eight.
      position = start + ((stop - start + 8) & ~7)
    }
    // A bit that git keeps free stands for having any, so that 0 means none.
    if (!visit({ start, mode, flagsAt, more: isExtended ? bytes.readUInt16BE(flagsAt + 2) | RESERVED : 0, path })) return false
  }
  // An extension in small letters must be understood: a split index (`link`), a sparse one (`sdir`).
  for (let at = position; at + 8 <= end; at += 8 + bytes.readUInt32BE(at + 4)) {
    const first = bytes[at]!
    if (first < 0x41 || first > 0x5A) return false
  }
  return true
}

function fitsChecksum (bytes: Buffer, end: number, hashBytes: 20 | 32): boolean {
  const trailer = bytes.subarray(end)
  // `index.skipHash` leaves it empty.
  return trailer.every((byte) => byte === 0) || createHash(hashBytes === 20 ? 'sha1' : 'sha256').update(bytes.subarray(0, end)).digest().equals(trailer)
}

/** The number before a path of version 4. */
function readOffset (bytes: Buffer, start: number): { value: number, end: number } {
  let end = start
  let byte = bytes[end++] ?? 0
  let value = byte & 127
  while ((byte & 128) !== 0) {
    byte = bytes[end++] ?? 0
    value = ((value + 1) * 128) + (byte & 127)
  }
  return { value, end }
}

function addEntry (found: Omit<IndexEntries, 'hash'>, bytes: Buffer, mode: number, isSkipped: boolean): void {
  const path = bytes.toString('utf8')
  if (path.includes('\uFFFD') && !Buffer.from(path, 'utf8').equals(bytes)) {
    found.unreadable.push(bytes.toString('latin1'))
    return
  }
  // The stages of a conflict stand one after the other.
  if (mode === GITLINK) found.gitlinks.push(path)
  else if (found.paths.at(-1) !== path) found.paths.push(path)
  if (isSkipped) found.skipped.push(path)
}

/** Gathers what counts of the entries in one piece, because a hash that is fed in crumbs takes ten times as long. */
class Collector {
  #bytes: Buffer
  #length = 0

  constructor (size: number) {
    this.#bytes = Buffer.allocUnsafe(size)
  }

  add (source: Buffer, start: number, end: number): void {
    this.#reserve(end - start)
    this.#length += source.copy(this.#bytes, this.#length, start, end)
  }

  addPath (path: Buffer): void {
    this.add(path, 0, path.length)
    this.#reserve(1)
    this.#bytes[this.#length++] = 0
  }

  #reserve (more: number): void {
    if (this.#length + more <= this.#bytes.length) return
    const larger = Buffer.allocUnsafe((this.#length + more) * 2)
    this.#bytes.copy(larger, 0, 0, this.#length)
    this.#bytes = larger
  }

  digest (): string {
    return createHash('sha256').update(this.#bytes.subarray(0, this.#length)).digest('hex')
  }
}
