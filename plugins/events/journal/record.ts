import { crc32 } from 'node:zlib'
import type { SidecarEvent } from '../../../core/plugin-api.js'

/** The idempotency key stands beside the event: it is between the publisher and the bus. */
export interface EventRecord {
  seq: number
  project_id: string
  key?: string | undefined
  event: SidecarEvent
}

/** One line of the log: an event of a project, or where each project's numbering stood when a segment began. */
export type LogRecord =
  | EventRecord
  | { heads: Record<string, { next: number, last_id: string | null }> }

// `{"crc":"0011aabb",` – the checksum covers everything behind it, so it stands at a fixed place.
export const RECORD_START = '{"crc":"'
const CHECKED_FROM = RECORD_START.length + 8 + '",'.length

export function encodeRecord (record: LogRecord): string {
  const rest = JSON.stringify(record).slice(1)
  return `${RECORD_START}${crc32(rest).toString(16).padStart(8, '0')}",${rest}\n`
}

/** The record of a line without its newline, or `undefined` when the line is damaged. */
export function decodeRecord (line: string): LogRecord | undefined {
  if (!line.startsWith(RECORD_START)) return undefined
  const rest = line.slice(CHECKED_FROM)
  if (line.slice(RECORD_START.length, RECORD_START.length + 8) !== crc32(rest).toString(16).padStart(8, '0')) return undefined
  try {
    return JSON.parse(`{${rest}`) as LogRecord
  } catch {
    // A checksum that fits by chance; the line is as good as damaged.
    return undefined
  }
}
