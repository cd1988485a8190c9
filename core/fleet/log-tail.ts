import { open } from 'node:fs/promises'
import { codeOf } from '../errors.js'

const MAX_BYTES = 1024 * 1024

/** The last lines of a file, at most a mebibyte of them; empty when there is no file. */
export async function tailOf (path: string, lines: number): Promise<string> {
  let handle
  try {
    handle = await open(path, 'r')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return ''
    throw error
  }
  try {
    const { size } = await handle.stat()
    const length = Math.min(size, MAX_BYTES)
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, size - length)
    const text = buffer.subarray(0, bytesRead).toString('utf8')
    const all = text.split('\n')
    const ended = all.at(-1) === '' ? 1 : 0
    return all.slice(Math.max(0, all.length - lines - ended)).join('\n')
  } finally {
    await handle.close()
  }
}
