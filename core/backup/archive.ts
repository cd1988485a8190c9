import { createHash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'

/**
 * A tar file in the form of POSIX.1-2001 (pax): regular files only, a name in an extended header where it does not fit, blocks of 512 bytes,
 * and two empty blocks at the end. Any `tar` reads it.
 */
const BLOCK = 512
const CHUNK = 1024 * 1024
const MAX_NAME = 100
const [REGULAR, EXTENDED] = ['0', 'x']

/** A file of the archive as it was written. */
export interface Member {
  path: string
  size: number
  /** Of the content, in hex. */
  sha256: string
}

/** Where the content of a member comes from. */
export interface Source {
  size: number
  /** Fills from a position on; gives how much. */
  read (buffer: Buffer, position: number): Promise<number>
}

export class ArchiveWriter {
  readonly #file: FileHandle
  #position = 0

  constructor (file: FileHandle) {
    this.#file = file
  }

  /** As much of the source as there is, up to its size: a file that became shorter is shorter in the archive. */
  async add (path: string, source: Source): Promise<Member> {
    const extended = Buffer.byteLength(path) > MAX_NAME ? paxRecord('path', path) : undefined
    if (extended !== undefined) {
      await this.#write(headerOf('PaxHeader', extended.length, EXTENDED))
      await this.#write(padded(extended))
    }
    const start = this.#position
    this.#position += BLOCK
    const hash = createHash('sha256')
    const buffer = Buffer.allocUnsafe(CHUNK)
    let size = 0
    while (size < source.size) {
      const count = await source.read(buffer.subarray(0, Math.min(CHUNK, source.size - size)), size)
      if (count === 0) break
      const chunk = buffer.subarray(0, count)
      hash.update(chunk)
      await this.#write(chunk)
      size += count
    }
    await this.#write(Buffer.alloc((BLOCK - size % BLOCK) % BLOCK))
    // Last, when the size is known.
    await writeAt(this.#file, headerOf(extended === undefined ? path : path.slice(-20).replace(/[^\x20-\x7e]/g, '_'), size, REGULAR), start)
    return { path, size, sha256: hash.digest('hex') }
  }

  async end (): Promise<void> {
    await this.#write(Buffer.alloc(2 * BLOCK))
  }

  async #write (bytes: Buffer): Promise<void> {
    await writeAt(this.#file, bytes, this.#position)
    this.#position += bytes.length
  }
}

/** Where a member lies in an archive. */
export interface Found {
  path: string
  size: number
  start: number
}

/** The members of an archive in their order. Throws for what is not of the form that `ArchiveWriter` writes, and for one that was cut. */
export async function listArchive (file: FileHandle): Promise<Found[]> {
  const found: Found[] = []
  const block = Buffer.alloc(BLOCK)
  let extended: string | undefined
  for (let position = 0; ;) {
    await readWhole(file, block, position)
    position += BLOCK
    if (block.every((byte) => byte === 0)) return found
    const { name, size, type } = parseHeader(block)
    if (type === EXTENDED) {
      if (size > 64 * 1024) throw damaged()
      const record = Buffer.alloc(size)
      await readWhole(file, record, position)
      extended = /^\d+ path=([^\n]*)\n$/.exec(record.toString('utf8'))?.[1]
      if (extended === undefined) throw damaged()
    } else {
      found.push({ path: extended ?? name, size, start: position })
      extended = undefined
    }
    position += Math.ceil(size / BLOCK) * BLOCK
  }
}

/** The content of a member, piece by piece. */
export async function * contentOf (file: FileHandle, { size, start }: Found): AsyncGenerator<Buffer> {
  for (let done = 0; done < size;) {
    const chunk = Buffer.allocUnsafe(Math.min(CHUNK, size - done))
    await readWhole(file, chunk, start + done)
    done += chunk.length
    yield chunk
  }
}

function damaged (): Error {
  return new Error('it is no whole backup')
}

async function readWhole (file: FileHandle, buffer: Buffer, position: number): Promise<void> {
  for (let done = 0; done < buffer.length;) {
    const { bytesRead } = await file.read(buffer, done, buffer.length - done, position + done)
    if (bytesRead === 0) throw damaged()
    done += bytesRead
  }
}

async function writeAt (file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) done += (await file.write(bytes, done, bytes.length - done, position + done)).bytesWritten
}

function headerOf (name: string, size: number, type: string): Buffer {
  const header = Buffer.alloc(BLOCK)
  const put = (text: string, offset: number): void => { header.write(text, offset, 'utf8') }
  put(name, 0)
  put('0000600\0', 100)
  put('0000000\0', 108)
  put('0000000\0', 116)
  put(`${size.toString(8).padStart(11, '0')}\0`, 124)
  put('00000000000\0', 136)
  put(type, 156)
  put('ustar\x0000', 257)
  put(`${checksumOf(header).toString(8).padStart(6, '0')}\0 `, 148)
  return header
}

/** Sum of all bytes, with blanks in the place of the sum. */
function checksumOf (header: Buffer): number {
  return header.reduce((sum, byte, index) => sum + (index >= 148 && index < 156 ? 0x20 : byte), 0)
}

function parseHeader (header: Buffer): { name: string, size: number, type: string } {
  const text = (from: number, to: number): string => header.toString('utf8', from, to).replace(/\0.*$/s, '')
  const [size, sum, type] = [parseInt(text(124, 136), 8), parseInt(text(148, 156), 8), text(156, 157)]
  if (sum !== checksumOf(header) || !(size >= 0) || ![REGULAR, EXTENDED].includes(type)) throw damaged()
  return { name: text(0, 100), size, type }
}

/** `<length> <key>=<value>\n`, where the length counts itself. */
function paxRecord (key: string, value: string): Buffer {
  const rest = Buffer.byteLength(` ${key}=${value}\n`)
  let length = rest + String(rest).length
  length = rest + String(length).length
  return Buffer.from(`${length} ${key}=${value}\n`)
}

function padded (bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((BLOCK - bytes.length % BLOCK) % BLOCK)])
}
