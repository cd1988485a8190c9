import { createHash } from 'node:crypto'
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { inSlices } from '../slices.js'

/** What the index says is tracked. */
export interface IndexEntries {
  /** Names of files by the folder that they are in, relative to the top of the repository. */
  folders: Map<string, string[]>
  /** Paths of entries that are repositories of their own. */
  gitlinks: string[]
  /** Paths that are no UTF-8, with one character for each byte. */
  unreadable: string[]
  /** Paths of files that the index says need not be there; git reads ignore files among them from its objects. */
  skipped: string[]
  /** Hash of paths, modes and contents; a rewrite that changes none of them keeps it. */
  hash: string
}

/** `unknown`: only git can read it. `torn`: it does not fit its own checksum, as when it is read while somebody writes it in place. */
export type IndexReading = IndexEntries | 'missing' | 'unknown' | 'torn'

const MAX_BYTES = 1024 * 1024 * 1024
/** Hashed at a stretch, bytes. */
const PIECE = 64 * 1024
const GITLINK = 0o160000
const TREE = 0o040000
const [EXTENDED, SKIP_WORKTREE] = [0x4000, 0x4000]
const [ASSUME_VALID, STAGE, RESERVED] = [0x8000, 0x3000, 0x8000]
const NAME_LENGTH = 0xFFF
const [SLASH, ASCII] = [0x2F, 0x80]

/** Reads an index in as many turns of the event loop as it takes. */
export async function readIndex (path: string, hashBytes: 20 | 32): Promise<IndexReading> {
  const bytes = readWhole(path)
  return Buffer.isBuffer(bytes) ? await parseIndex(bytes, hashBytes) : bytes
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
async function parseIndex (bytes: Buffer, hashBytes: 20 | 32): Promise<IndexReading> {
  if (!isIndex(bytes, hashBytes)) return bytes.length === 0 ? 'torn' : 'unknown'
  if (!await fitsChecksum(bytes, hashBytes)) return 'torn'
  const found: Omit<IndexEntries, 'hash'> = { folders: new Map(), gitlinks: [], unreadable: [], skipped: [] }
  const collect = collectorOf(found)
  const walk = new IndexWalk(bytes, hashBytes)
  await inSlices(walk.entries(), (entry) => {
    collect(entry)
    // Times, device, inode, owner and size are no part of what is tracked. The bytes are our own copy.
    blank(bytes, entry.start, entry.start + 24)
    blank(bytes, entry.start + 28, entry.start + 40)
  })
  if (!walk.isKnown) return 'unknown'
  const hash = createHash('sha256')
  await inSlices(pieces(bytes.subarray(0, walk.end)), (piece) => { hash.update(piece) })
  return { ...found, hash: hash.digest('hex') }
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
export async function findIndexEntries (path: string, hashBytes: 20 | 32, wanted: ReadonlySet<string>): Promise<Map<string, IndexEntry> | undefined> {
  const bytes = readWhole(path)
  const found = new Map<string, IndexEntry>()
  if (bytes === 'missing') return found
  if (!Buffer.isBuffer(bytes) || !isIndex(bytes, hashBytes) || !await fitsChecksum(bytes, hashBytes)) return undefined
  // To make a text of each path would take most of the time.
  const lengths = new Set([...wanted].map((name) => Buffer.byteLength(name)))
  const walk = new IndexWalk(bytes, hashBytes)
  await inSlices(walk.entries(), ({ start, mode, flagsAt, more, source, from, to }) => {
    if (!lengths.has(to - from)) return
    const name = source.toString('utf8', from, to)
    if (!wanted.has(name)) return
    const flags = bytes.readUInt16BE(flagsAt)
    found.set(name, { mode, hash: bytes.toString('hex', start + 40, flagsAt), isSpecial: more !== 0 || (flags & (ASSUME_VALID | STAGE)) !== 0 })
  })
  return walk.isKnown ? found : undefined
}

function isIndex (bytes: Buffer, hashBytes: number): boolean {
  return bytes.length >= 12 + hashBytes && bytes.readUInt32BE(0) === 0x44495243
}

/** Goes through an index from entry to entry. It gives itself for each, because an object for each would be most of what is done. */
class IndexWalk {
  start = 0
  mode = 0
  flagsAt = 0
  /** Further flags of the entry; 0 where it has none. */
  more = 0
  /** Where the bytes of its path are until the next entry. */
  source: Buffer
  from = 0
  to = 0
  /** Where the entries that were gone through end. */
  end = 12
  /** Whether all of the index was understood, behind the last entry. */
  isKnown = false
  readonly #bytes: Buffer
  readonly #hashBytes: number
  readonly #version: number

  constructor (bytes: Buffer, hashBytes: 20 | 32) {
    this.#bytes = this.source = bytes
    this.#hashBytes = hashBytes
    this.#version = bytes.readUInt32BE(4)
    // A path of version 4 is put together of what it shares with the one before and of what it has of its own.
    if (this.#version === 4) this.source = Buffer.alloc(4096)
  }

  * entries (): Generator<this, void> {
    const last = this.#bytes.length - this.#hashBytes
    if (this.#version < 2 || this.#version > 4) return
    for (let left = this.#bytes.readUInt32BE(8); left > 0; left--) {
      if (!this.#next(last) || this.mode === TREE) return
      yield this
    }
    // An extension in small letters must be understood: a split index (`link`), a sparse one (`sdir`).
    for (let at = this.end; at + 8 <= last; at += 8 + this.#bytes.readUInt32BE(at + 4)) {
      const first = this.#bytes[at]!
      if (first < 0x41 || first > 0x5A) return
    }
    this.isKnown = true
  }

  #next (last: number): boolean {
    const bytes = this.#bytes
    const start = this.start = this.end
    const flagsAt = this.flagsAt = start + 40 + this.#hashBytes
    if (flagsAt + 2 > last) return false
    this.mode = bytes.readUInt32BE(start + 24)
    const flags = bytes.readUInt16BE(flagsAt)
    const isExtended = (flags & EXTENDED) !== 0
    // A bit that git keeps free stands for having any, so that 0 means none.
    this.more = isExtended ? bytes.readUInt16BE(flagsAt + 2) | RESERVED : 0
    const pathAt = flagsAt + (isExtended ? 4 : 2)
    if (this.#version === 4) return this.#nextCompressed(pathAt, last)
    const length = flags & NAME_LENGTH
    const stop = length < NAME_LENGTH ? pathAt + length : bytes.indexOf(0, pathAt)
    if (stop < 0 || stop >= last || bytes[stop] !== 0) return false
    this.from = pathAt
    this.to = stop
    // One to eight NULs end an entry at a multiple of eight.
    this.end = start + ((stop - start + 8) & ~7)
    return true
  }

  #nextCompressed (pathAt: number, last: number): boolean {
    const strip = readOffset(this.#bytes, pathAt)
    const stop = this.#bytes.indexOf(0, strip.end)
    const kept = this.to - strip.value
    if (stop < 0 || stop >= last || kept < 0) return false
    const length = kept + stop - strip.end
    if (length > this.source.length) this.source = Buffer.concat([this.source], length * 2)
    this.#bytes.copy(this.source, kept, strip.end, stop)
    this.to = length
    this.end = stop + 1
    return true
  }
}

async function fitsChecksum (bytes: Buffer, hashBytes: 20 | 32): Promise<boolean> {
  const end = bytes.length - hashBytes
  const trailer = bytes.subarray(end)
  // `index.skipHash` leaves it empty.
  if (trailer.every((byte) => byte === 0)) return true
  const hash = createHash(hashBytes === 20 ? 'sha1' : 'sha256')
  await inSlices(pieces(bytes.subarray(0, end)), (piece) => { hash.update(piece) })
  return hash.digest().equals(trailer)
}

function * pieces (bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += PIECE) yield bytes.subarray(at, at + PIECE)
}

function blank (bytes: Buffer, start: number, end: number): void {
  // The call of `fill` takes longer than so few bytes.
  for (let at = start; at < end; at++) bytes[at] = 0
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

/** Adds the entries of an index to what was found in it. Names of a folder mostly stand one after the other. */
function collectorOf (found: Omit<IndexEntries, 'hash'>): (entry: IndexWalk) => void {
  /** Bytes of the latest folder with its slash. */
  let known = Buffer.alloc(0)
  let folder = ''
  let names: string[] | undefined

  return ({ source, from, to, mode, more }) => {
    let cut = to
    while (cut > from && source[cut - 1] !== SLASH) cut--
    if (names === undefined || !isSame(known, source, from, cut)) {
      const text = readText(source, from, Math.max(from, cut - 1))
      if (text === undefined) return addUnreadable(found, source, from, to)
      known = Buffer.from(source.subarray(from, cut))
      folder = text
      names = found.folders.get(folder)
      if (names === undefined) found.folders.set(folder, names = [])
    }
    const name = readText(source, cut, to)
    if (name === undefined) return addUnreadable(found, source, from, to)
    if (mode === GITLINK) found.gitlinks.push(pathOf(folder, name))
    // The stages of a conflict stand one after the other.
    else if (names.at(-1) !== name) names.push(name)
    if ((more & SKIP_WORKTREE) !== 0) found.skipped.push(pathOf(folder, name))
  }
}

function pathOf (folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`
}

function addUnreadable ({ unreadable }: Pick<IndexEntries, 'unreadable'>, source: Buffer, from: number, to: number): void {
  unreadable.push(source.toString('latin1', from, to))
}

/** Whether bytes are those of a part of others. */
function isSame (bytes: Buffer, source: Buffer, from: number, to: number): boolean {
  if (bytes.length !== to - from) return false
  // From the end: folders beside each other begin alike.
  for (let at = bytes.length - 1; at >= 0; at--) if (bytes[at] !== source[from + at]) return false
  return true
}

/** `undefined` for what is no UTF-8. */
function readText (source: Buffer, from: number, to: number): string | undefined {
  let isAscii = true
  for (let at = from; isAscii && at < to; at++) isAscii = source[at]! < ASCII
  if (isAscii) return source.toString('latin1', from, to)
  const text = source.toString('utf8', from, to)
  return text.includes('\uFFFD') && !Buffer.from(text, 'utf8').equals(source.subarray(from, to)) ? undefined : text
}
