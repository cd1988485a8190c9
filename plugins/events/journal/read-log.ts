import { open } from 'node:fs/promises'
import { decodeRecord, RECORD_START, type LogRecord } from './record.js'

/** Is told of every line in its order. */
export interface LogReader {
  /** `offset` is where the record begins in the file, `length` is without its newline. */
  sound (record: LogRecord, offset: number, length: number): void
  damaged (line: Buffer): void
}

export interface LogEnd {
  /** Bytes up to and with the last whole line. */
  size: number
  /** What lies behind the last whole line: a crash cut it off. */
  torn: Buffer
}

const CHUNK_BYTES = 1024 * 1024
const NEWLINE = 10

/** Reads a log file line by line. */
export async function readLog (path: string, reader: LogReader): Promise<LogEnd> {
  let size = 0
  let torn: Buffer = Buffer.alloc(0)
  const handle = await open(path, 'r')
  try {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES)
    for (;;) {
      const { bytesRead } = await handle.read(chunk, 0, CHUNK_BYTES)
      if (bytesRead === 0) break
      const bytes = Buffer.concat([torn, chunk.subarray(0, bytesRead)])
      let start = 0
      for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
        readLine(bytes.subarray(start, end), size, reader)
        size += end + 1 - start
        start = end + 1
      }
      torn = Buffer.from(bytes.subarray(start))
    }
  } finally {
    await handle.close()
  }
  return { size, torn }
}

/** Whether a log begins as every segment does: with how far the numbering of each project had come. */
export async function beginsWithHeads (path: string): Promise<boolean> {
  const handle = await open(path, 'r')
  try {
    const first = await handle.readLines({ autoClose: false })[Symbol.asyncIterator]().next()
    return first.done !== true && 'heads' in (decodeRecord(Buffer.from(first.value)) ?? {})
  } finally {
    await handle.close()
  }
}

function readLine (line: Buffer, offset: number, reader: LogReader): void {
  const record = decodeRecord(line)
  if (record !== undefined) {
    reader.sound(record, offset, line.length)
    return
  }
  for (const [start, part] of splitAtRecords(line)) {
    // Where the newline itself is damaged, its byte stands behind the record.
    const whole = [part, part.subarray(0, -1)].find((bytes) => decodeRecord(bytes) !== undefined)
    if (whole === undefined) reader.damaged(Buffer.from(part))
    else reader.sound(decodeRecord(whole)!, offset + start, whole.length)
  }
}

/** A damaged newline joins two records in one line; inside a record its beginning cannot occur, because quotes are escaped there. */
function splitAtRecords (line: Buffer): [number, Buffer][] {
  const starts = [0]
  for (let next = line.indexOf(RECORD_START, 1); next >= 0; next = line.indexOf(RECORD_START, next + 1)) starts.push(next)
  return starts.map((start, index) => [start, line.subarray(start, starts[index + 1])])
}
