import { createHash } from 'node:crypto'
import type { AuditEntry, AuditRecord, Json } from '../contracts/index.js'
import { redactSecrets } from '../secret-text.js'

/** What the first record follows. */
export const GENESIS = '0'.repeat(64)

const MAX_TEXT = 512
/** So much is looked at for secrets before it is cut: half a token would not be known for one. */
const MAX_REDACTED = 16_384
const MAX_MEMBERS = 32
const SEAL = ',"hash":"'
/** `,"hash":"` + 64 digits + `"}` */
const SEAL_LENGTH = SEAL.length + 64 + 2
export const NEWLINE = 0x0a

/** Where a chain has got to. */
export interface Link { seq: number, hash: string }

/**
 * One line for a record, and the link that the next one follows. The hash is taken over the bytes of the line before the
 * member `hash`, which is always the last: so a line can be checked without agreeing on how JSON is written.
 */
export function encodeRecord (entry: AuditEntry, time: string, after: Link): { line: string, link: Link } {
  const seq = after.seq + 1
  const { action, outcome, actor, actor_type, project, resource, request_id, address, code, count, details } = entry
  const body = JSON.stringify(bounded({ seq, time, prev: after.hash, action, outcome, actor, actor_type, project, resource, request_id, address, code, count, details })).slice(0, -1)
  const hash = digest(Buffer.from(body))
  return { line: `${body}${SEAL}${hash}"}\n`, link: { seq, hash } }
}

/** The record of a line without its newline, or `undefined` when it is none or not as it was written. */
export function decodeRecord (line: Buffer): AuditRecord | undefined {
  if (line.length <= SEAL_LENGTH) return undefined
  const body = line.subarray(0, line.length - SEAL_LENGTH)
  const seal = line.toString('latin1', line.length - SEAL_LENGTH)
  if (seal !== `${SEAL}${digest(body)}"}`) return undefined
  try {
    const record = JSON.parse(line.toString('utf8')) as Partial<AuditRecord>
    return Number.isSafeInteger(record.seq) && typeof record.prev === 'string' ? record as AuditRecord : undefined
  } catch {
    return undefined
  }
}

/** The lines of a file, without newlines; the last one may be incomplete. */
export function * linesOf (content: Buffer): Generator<{ line: Buffer, isComplete: boolean }> {
  for (let start = 0; start < content.length;) {
    const end = content.indexOf(NEWLINE, start)
    yield { line: content.subarray(start, end === -1 ? content.length : end), isComplete: end !== -1 }
    start = end === -1 ? content.length : end + 1
  }
}

function digest (bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function shortened (text: string): string {
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text
}

/** Texts are cut and lists end: what others chose must not make a record as large as they like. */
function bounded (value: unknown): Json | undefined {
  if (typeof value === 'string') return shortened(redactSecrets(value.slice(0, MAX_REDACTED)))
  if (Array.isArray(value)) return value.slice(0, MAX_MEMBERS).map((member) => bounded(member) ?? null)
  if (typeof value !== 'object' || value === null) return value as Json
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined).slice(0, MAX_MEMBERS).map(([name, member]) => [name.slice(0, MAX_TEXT), bounded(member) ?? null]))
}
