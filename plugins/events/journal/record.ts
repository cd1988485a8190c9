import { crc32 } from 'node:zlib'
import type { SidecarEvent } from '../../../core/plugin-api.js'

/** The idempotency key stands beside the event: it is between the publisher and the bus. */
export interface EventRecord {
  seq: number
  project_id: string
  key?: string | undefined
  event: SidecarEvent
}

/** Where the numbering of each project stands, and the last identifier that the bus gave there. */
export type Heads = Record<string, { next: number, last_id: string | null }>

/** One line of the log: an event of a project, or the numbering when a segment began. */
export type LogRecord = EventRecord | { heads: Heads }

// `{"crc":"0011aabb",` – the checksum covers everything behind it, so it stands at a fixed place.
export const RECORD_START = '{"crc":"'
const CHECKED_FROM = RECORD_START.length + 8 + '",'.length
const OWN_ID = /^evt_[0-9A-HJKMNP-TV-Z]{26}$/

export function encodeHeads (heads: Heads): string {
  return encode(JSON.stringify({ heads }).slice(1))
}

/** `event` is the event as JSON. */
export function encodeEvent ({ seq, project_id, key }: Omit<EventRecord, 'event'>, event: string): string {
  const own = key === undefined ? '' : `,"key":${JSON.stringify(key)}`
  return encode(`"seq":${seq},"project_id":${JSON.stringify(project_id)}${own},"event":${event}}`)
}

/** The record of a line without its newline, or `undefined` when the line is damaged. */
export function decodeRecord (line: Buffer): LogRecord | undefined {
  if (line.toString('latin1', 0, RECORD_START.length) !== RECORD_START) return undefined
  if (line.toString('latin1', RECORD_START.length, RECORD_START.length + 8) !== checksumOf(line.subarray(CHECKED_FROM))) return undefined
  try {
    return JSON.parse(line.toString('utf8')) as LogRecord
  } catch {
    // Its first bytes are not covered, or a checksum fits by chance; the line is as good as damaged.
    return undefined
  }
}

/** Whether an identifier is one that the bus may have given. */
export function isOwnId (id: string): boolean {
  return OWN_ID.test(id)
}

function encode (rest: string): string {
  return `${RECORD_START}${checksumOf(rest)}",${rest}\n`
}

function checksumOf (content: string | Buffer): string {
  return crc32(content).toString(16).padStart(8, '0')
}
