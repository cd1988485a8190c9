import { closeSync, constants, fstatSync, lstatSync, openSync, readlinkSync, readSync, realpathSync, type Stats } from 'node:fs'
import { join, sep } from 'node:path'

export type ReadRefusal = 'gone' | 'not-a-file' | 'outside' | 'too-large' | 'binary'

export interface RawFile {
  bytes: Buffer
  size: number
  modified: number
}

// O_NONBLOCK keeps a FIFO from hanging the open; O_NOFOLLOW refuses a link in the last place.
const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/** Reads a regular file inside `root` (a real path), of at most `maxBytes`; what lies outside is never read. */
export function readGuarded (root: string, path: string, maxBytes: number): RawFile | ReadRefusal {
  let descriptor: number
  try {
    descriptor = openSync(join(root, path), FLAGS)
  } catch {
    return 'gone'
  }
  try {
    const facts = fstatSync(descriptor)
    if (!facts.isFile()) return 'not-a-file'
    if (!isInside(root, path, descriptor, facts)) return 'outside'
    if (facts.size > maxBytes) return 'too-large'
    return { bytes: readAll(descriptor, facts.size), size: facts.size, modified: facts.mtimeMs }
  } catch {
    return 'gone'
  } finally {
    closeSync(descriptor)
  }
}

/** Whether the opened descriptor itself lies inside the root: a folder swapped for a link after the listing does not. */
function isInside (root: string, path: string, descriptor: number, facts: Stats): boolean {
  const prefix = root.endsWith(sep) ? root : root + sep
  if (process.platform === 'linux') return readlinkSync(`/proc/self/fd/${descriptor}`).startsWith(prefix)
  const real = realpathSync(join(root, path))
  const now = lstatSync(real)
  return real.startsWith(prefix) && now.ino === facts.ino && now.dev === facts.dev
}

function readAll (descriptor: number, size: number): Buffer {
  const bytes = Buffer.allocUnsafe(size)
  let length = 0
  while (length < size) {
    const count = readSync(descriptor, bytes, length, size - length, length)
    if (count === 0) break
    length += count
  }
  return bytes.subarray(0, length)
}

/** Text of a file in UTF-8 or, where its mark says so, UTF-16; `undefined` for anything binary. */
export function decodeText (bytes: Buffer): string | undefined {
  if (bytes.length >= 2 && bytes[0] === 0xFF && bytes[1] === 0xFE) return new TextDecoder('utf-16le').decode(bytes)
  if (bytes.length >= 2 && bytes[0] === 0xFE && bytes[1] === 0xFF) return new TextDecoder('utf-16be').decode(bytes)
  if (bytes.subarray(0, 8192).includes(0)) return undefined
  return new TextDecoder('utf-8').decode(bytes)
}
