import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'

const MAX_BYTES = 1024 * 1024

/**
 * Reads a small text file. What a repository brings may be a FIFO or a link to a device, which would never end,
 * or be without bounds: all but regular files of at most 1 MiB are refused. Throws like `readFileSync`, with a code.
 * Synchronous: many small files are read much faster one after the other than through the thread pool.
 */
export function readPlainFile (path: string): string {
  return readPlainBytes(path, MAX_BYTES).toString()
}

/** The same of any bytes, with a bound of its own. */
export function readPlainBytes (path: string, maxBytes: number): Buffer {
  // O_NONBLOCK keeps a FIFO from hanging the open.
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const facts = fstatSync(descriptor)
    if (facts.isDirectory()) throw fault('EISDIR', 'it is a folder')
    if (!facts.isFile()) throw fault('EINVAL', 'it is no regular file')
    if (facts.size > maxBytes) throw fault('EFBIG', `it is larger than ${maxBytes} bytes`)
    const content = Buffer.alloc(facts.size)
    let length = 0
    for (let count = -1; length < facts.size && count !== 0; length += count) {
      count = readSync(descriptor, content, length, facts.size - length, length)
    }
    return content.subarray(0, length)
  } finally {
    closeSync(descriptor)
  }
}

function fault (code: string, message: string): Error {
  return Object.assign(new Error(message), { code })
}
