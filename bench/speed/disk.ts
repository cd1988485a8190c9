import { createHash } from 'node:crypto'
import { lstatSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readIndex } from '../../core/project/worker/git-index.js'
import { decodeText, isRedactionOf } from '../context/text.js'
import type { AnsweredFile } from '../context/product.js'

export async function timeOf (run: () => unknown): Promise<number> {
  const started = performance.now()
  await run()
  return performance.now() - started
}

/** Paths of a work tree by its index. */
export async function trackedFiles (root: string): Promise<string[]> {
  const reading = await readIndex(join(root, '.git', 'index'), 20)
  if (typeof reading === 'string') throw new Error(`The index of ${root} cannot be read: it is ${reading}.`)
  return [...reading.folders].flatMap(([folder, names]) => names.map((name) => (folder === '' ? name : `${folder}/${name}`)))
}

/** Time to parse the index and read some files: the least that making an answer of them can take. */
export async function timeToRead (root: string, paths: readonly string[]): Promise<number> {
  return await timeOf(async () => {
    await trackedFiles(root)
    for (const path of paths) readFileSync(join(root, path))
  })
}

/** Time to look at files: the least that knowing them unchanged takes without being told. */
export async function timeToLook (root: string, paths: readonly string[]): Promise<number> {
  return await timeOf(() => {
    for (const path of paths) lstatSync(join(root, path), { throwIfNoEntry: false })
  })
}

/** What in an answer is not as it is on the disk. Of other paths than `known` ones the text is a strategy's own. */
export function findStale (root: string, known: ReadonlySet<string>, files: readonly AnsweredFile[]): string[] {
  return files.filter(({ path, content, checksum, truncation }) => {
    if (!known.has(path)) return false
    let bytes: Buffer
    try {
      bytes = readFileSync(join(root, path))
    } catch {
      return true
    }
    if (checksum !== `sha256:${createHash('sha256').update(bytes).digest('hex')}`) return true
    return truncation === 'none' && !isRedactionOf(content.replace(/^\uFEFF/, ''), decodeText(bytes) ?? '')
  }).map(({ path }) => path)
}
