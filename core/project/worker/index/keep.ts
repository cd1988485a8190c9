import { randomUUID } from 'node:crypto'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { deserialize, serialize } from 'node:v8'
import { SYMBOLS_VERSION } from '../symbols/symbols.js'
import type { FileRecord } from './record.js'

/** Of the form of records, and of what the words in them are. */
const RECORDS_VERSION = 1
const FORM = `records ${RECORDS_VERSION}, symbols ${SYMBOLS_VERSION}`

export interface KeptFile {
  path: string
  stamp: string
  record: FileRecord
}

interface Kept { form: string, root: string, files: KeptFile[] }

/**
 * Reads what was kept of a project's index. None where nothing was kept, or by another version, or where the file is
 * damaged: it is a cache, the project itself is the truth, and the next save replaces it.
 */
export async function readKept (file: string, root: string): Promise<KeptFile[]> {
  try {
    const kept = deserialize(await readFile(file)) as Partial<Kept> | undefined
    return kept?.form === FORM && kept.root === root && Array.isArray(kept.files) ? kept.files : []
  } catch {
    return []
  }
}

/** Replaces what was kept, whole or not at all. */
export async function keep (file: string, root: string, files: KeptFile[]): Promise<void> {
  const temporary = `${file}.${randomUUID()}.tmp`
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  try {
    await writeFile(temporary, serialize({ form: FORM, root, files } satisfies Kept), { mode: 0o600 })
    await rename(temporary, file)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}
