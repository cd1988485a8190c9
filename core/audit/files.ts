import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { codeOf } from '../errors.js'

const NAME = /^audit-(\d{6,})\.jsonl$/

/** Files are numbered from 1 in the order in which they were written. */
export function fileName (number: number): string {
  return `audit-${String(number).padStart(6, '0')}.jsonl`
}

/** Numbers of the files that are there, oldest first; none where there is no folder. */
export async function listFiles (directory: string): Promise<number[]> {
  let names: string[]
  try {
    names = await readdir(directory)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return []
    throw error
  }
  return names.flatMap((name) => NAME.exec(name)?.[1] ?? []).map(Number).sort((a, b) => a - b)
}

/** What is in a file; nothing, where retention took it since it was listed. */
export async function contentOf (directory: string, number: number): Promise<Buffer> {
  try {
    return await readFile(join(directory, fileName(number)))
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return Buffer.alloc(0)
    throw error
  }
}
