import { truncate } from 'node:fs/promises'
import { join } from 'node:path'
import type { Json } from '../contracts/index.js'
import { contentOf, fileName, listFiles } from './files.js'
import { readHead } from './head.js'
import { decodeRecord, GENESIS, NEWLINE, type Link } from './record.js'

export interface LogEnd extends Link {
  /** File that the next record belongs to, and how long that is; a file that is not there yet has 0. */
  file: number
  size: number
  /** What was found that should not be, to be recorded. */
  repair: Record<string, Json> | undefined
}

/**
 * Finds out where the log ends. A last line that a crash left unfinished, and that nobody was told of, is cut off. Where the head says that
 * more was written than there is, nothing is touched: the chain goes on from the head in a new file, and the gap stays for verifying to find.
 */
export async function recoverEnd (directory: string): Promise<LogEnd> {
  const [head, files] = [await readHead(directory), await listFiles(directory)]
  const file = files.at(-1)
  const next = (file ?? head?.file ?? 0) + 1
  if (file === undefined) {
    if (head === undefined) return { seq: 0, hash: GENESIS, file: 1, size: 0, repair: undefined }
    return { seq: head.seq, hash: head.hash, file: next, size: 0, repair: { missing_through: head.seq } }
  }
  const { last, size, rest, isSound } = await readEnd(directory, files)
  const known = last ?? { seq: 0, hash: GENESIS }
  if (head !== undefined && (head.seq > known.seq || (head.seq === known.seq && head.hash !== known.hash))) {
    return { seq: head.seq, hash: head.hash, file: next, size: 0, repair: { file: fileName(file), found_through: known.seq, written_through: head.seq } }
  }
  if (!isSound) return { ...known, file: next, size: 0, repair: { file: fileName(file), damaged_after: known.seq } }
  if (rest > 0) await truncate(join(directory, fileName(file)), size)
  const repair = rest > 0 ? { file: fileName(file), unfinished_bytes: rest } : head === undefined && last !== undefined ? { missing: 'head' } : undefined
  return { ...known, file, size, repair }
}

/** The last whole record, in the last file or one before that has any; `size` and `rest` are of the last file. */
async function readEnd (directory: string, files: readonly number[]): Promise<{ last: Link | undefined, size: number, rest: number, isSound: boolean }> {
  let size = 0
  let rest = 0
  for (const [index, file] of [...files].reverse().entries()) {
    const content = await contentOf(directory, file)
    const whole = content.lastIndexOf(NEWLINE) + 1
    if (index === 0) [size, rest] = [whole, content.length - whole]
    // Mostly the first one that is looked at: checking a whole file takes verifying a third of a second.
    let isSound = true
    for (const line of linesBackwards(content.subarray(0, whole))) {
      const last = decodeRecord(line)
      if (last !== undefined) return { last, size, rest, isSound }
      isSound = false
    }
    if (!isSound) return { last: undefined, size, rest, isSound }
  }
  return { last: undefined, size, rest, isSound: true }
}

/** Whole lines without newlines, the last one first. */
function * linesBackwards (content: Buffer): Generator<Buffer> {
  for (let end = content.length - 1; end >= 0;) {
    const start = end === 0 ? 0 : content.lastIndexOf(NEWLINE, end - 1) + 1
    yield content.subarray(start, end)
    end = start - 1
  }
}
