import { randomUUID } from 'node:crypto'
import { mkdir, open, rename, rm, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { SYMBOLS_VERSION } from '../symbols/symbols.js'
import { STAMP_WORDS, type Corpus, type KeptFile } from './corpus.js'
import { isPacked } from './packed-record.js'

/**
 * What is kept is a title, and then files in groups, so that neither writing nor reading needs all of them at once. A group is a head of
 * three words (how many files, bytes of their paths, words of their records), the paths with a NUL behind each and filled up to whole
 * words, the stamps, and the records with the length before each. A head of noughts is the end.
 */
const HEAD_WORDS = 3
const GROUP = 512

/** Of the form of records, and of what the words in them are. */
const RECORDS_VERSION = 2

/** Another project and another version do not take what has another title. */
function titleOf (root: string): Buffer {
  return filledUp(`records ${RECORDS_VERSION}, symbols ${SYMBOLS_VERSION}\0${root}\0`)
}

function filledUp (text: string): Buffer {
  const bytes = Buffer.from(text)
  return Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)])
}

/**
 * Reads what was kept of a project's index, a group at a time. None where nothing was kept, or by another version, and no more where the
 * file is damaged: it is a cache, the project itself is the truth, and the next save replaces it.
 */
export async function * readKept (file: string, root: string): AsyncGenerator<readonly KeptFile[]> {
  let handle: FileHandle
  try {
    handle = await open(file, 'r')
  } catch {
    return
  }
  try {
    const { size } = await handle.stat()
    const title = titleOf(root)
    const found = await readWords(handle, title.length, size)
    if (found === undefined || !title.equals(bytesOf(found))) return
    for (;;) {
      const [count = 0, pathBytes = 0, words = 0] = await readWords(handle, HEAD_WORDS * 4, size) ?? []
      const group = count === 0 ? undefined : await readWords(handle, pathBytes + (count * STAMP_WORDS + words) * 4, size)
      const files = group === undefined ? undefined : unpackGroup(group, count, pathBytes)
      if (files === undefined) return
      yield files
    }
  } finally {
    await handle.close()
  }
}

/** `undefined` where there are not so many bytes, or no whole words. */
async function readWords (handle: FileHandle, length: number, size: number): Promise<Uint32Array | undefined> {
  if (length > size || length % 4 !== 0) return undefined
  const words = new Uint32Array(length / 4)
  const bytes = bytesOf(words)
  for (let at = 0, read = -1; at < length; at += read) {
    read = (await handle.read(bytes, at, length - at)).bytesRead
    if (read === 0) return undefined
  }
  return words
}

function unpackGroup (group: Uint32Array, count: number, pathBytes: number): KeptFile[] | undefined {
  const paths = bytesOf(group).toString('utf8', 0, pathBytes).split('\0')
  if (paths.length <= count) return undefined
  const files: KeptFile[] = []
  const stampsAt = pathBytes / 4
  let at = stampsAt + count * STAMP_WORDS
  for (let index = 0; index < count; index++) {
    const stampAt = stampsAt + index * STAMP_WORDS
    const end = at + 1 + (group[at] ?? group.length)
    const row = group.subarray(at + 1, end)
    if (end > group.length || !isPacked(row)) return undefined
    files.push({ path: paths[index]!, stamp: group.subarray(stampAt, stampAt + STAMP_WORDS), row })
    at = end
  }
  return files
}

/** Replaces what was kept, whole or not at all. What changes meanwhile may be kept as it was or as it is. */
export async function keep (file: string, root: string, corpus: Pick<Corpus, 'end' | 'kept'>): Promise<void> {
  const temporary = `${file}.${randomUUID()}.tmp`
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  try {
    const handle = await open(temporary, 'wx', 0o600)
    try {
      await handle.writeFile(titleOf(root))
      for (let start = 0; start < corpus.end; start += GROUP) {
        const group = packGroup(corpus, start)
        if (group !== undefined) await handle.writeFile(group)
      }
      await handle.writeFile(bytesOf(new Uint32Array(HEAD_WORDS)))
    } finally {
      await handle.close()
    }
    await rename(temporary, file)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

/** Copied at one moment, so that a stamp never goes with the record of another text. `undefined` where there is no file. */
function packGroup (corpus: Pick<Corpus, 'end' | 'kept'>, start: number): Buffer | undefined {
  const files: KeptFile[] = []
  for (let id = start; id < Math.min(start + GROUP, corpus.end); id++) {
    const file = corpus.kept(id)
    if (file !== undefined) files.push(file)
  }
  if (files.length === 0) return undefined
  const paths = filledUp(files.map(({ path }) => `${path}\0`).join(''))
  const words = files.reduce((sum, { row }) => sum + 1 + row.length, 0)
  return Buffer.concat([
    bytesOf(Uint32Array.of(files.length, paths.length, words)),
    paths,
    ...files.map(({ stamp }) => bytesOf(stamp)),
    ...files.flatMap(({ row }) => [bytesOf(Uint32Array.of(row.length)), bytesOf(row)])
  ])
}

function bytesOf (words: Uint32Array): Buffer {
  return Buffer.from(words.buffer, words.byteOffset, words.byteLength)
}
