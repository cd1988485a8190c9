import { open } from 'node:fs/promises'
import { join } from 'node:path'
import type { AuditRecord } from '../contracts/index.js'
import { contentOf, fileName, listFiles } from './files.js'
import { decodeRecord, linesOf } from './record.js'

/** Records of the log, newest first; lines that are damaged are left to verifying. */
export async function * newestFirst (directory: string): AsyncGenerator<AuditRecord> {
  for (const file of (await listFiles(directory)).reverse()) {
    yield * recordsOf(await contentOf(directory, file)).reverse()
  }
}

/** Where a reader has got to: a file, and a position in it. */
export interface Position { file: number, offset: number }

/** The end of the log. */
export async function endOf (directory: string): Promise<Position> {
  const file = (await listFiles(directory)).at(-1) ?? 1
  return { file, offset: (await readFrom(directory, { file, offset: 0 })).length }
}

/** What was written since, oldest first, and where it ends. */
export async function recordsSince (directory: string, position: Position): Promise<{ records: AuditRecord[], position: Position }> {
  const records: AuditRecord[] = []
  let { file, offset } = position
  for (const next of (await listFiles(directory)).filter((number) => number >= position.file)) {
    if (next !== file) [file, offset] = [next, 0]
    const content = await readFrom(directory, { file, offset })
    records.push(...recordsOf(content))
    offset += content.length
  }
  return { records, position: { file, offset } }
}

/** Whole lines from a position on. */
async function readFrom (directory: string, { file, offset }: Position): Promise<Buffer> {
  const handle = await open(join(directory, fileName(file)), 'r')
  try {
    const { size } = await handle.stat()
    const content = Buffer.alloc(Math.max(0, size - offset))
    const { bytesRead } = await handle.read(content, 0, content.length, offset)
    return content.subarray(0, content.lastIndexOf('\n', bytesRead) + 1)
  } finally {
    await handle.close()
  }
}

function recordsOf (content: Buffer): AuditRecord[] {
  return [...linesOf(content)].flatMap(({ line, isComplete }) => (isComplete ? decodeRecord(line) ?? [] : []))
}
