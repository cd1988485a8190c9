import { open } from 'node:fs/promises'
import { decodeRecord, type LogRecord } from './record.js'

export interface LogContent {
  /** Damaged lines, whole. */
  damaged: Buffer[]
  /** Bytes behind the last whole line: what a crash cut off. */
  torn: number
  /** Bytes up to and with the last whole line. */
  size: number
}

const CHUNK_BYTES = 1024 * 1024
const NEWLINE = 10

/** Reads a log file line by line, giving each sound record to `take`. */
export async function readLog (path: string, take: (record: LogRecord) => void): Promise<LogContent> {
  const content: LogContent = { damaged: [], torn: 0, size: 0 }
  const handle = await open(path, 'r')
  try {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES)
    let rest: Buffer = Buffer.alloc(0)
    for (;;) {
      const { bytesRead } = await handle.read(chunk, 0, CHUNK_BYTES)
      if (bytesRead === 0) break
      const bytes = Buffer.concat([rest, chunk.subarray(0, bytesRead)])
      let start = 0
      for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
        const line = bytes.subarray(start, end)
        const record = decodeRecord(line.toString('utf8'))
        if (record === undefined) content.damaged.push(Buffer.from(line))
        else take(record)
        content.size += end + 1 - start
        start = end + 1
      }
      rest = Buffer.from(bytes.subarray(start))
    }
    content.torn = rest.length
  } finally {
    await handle.close()
  }
  return content
}
