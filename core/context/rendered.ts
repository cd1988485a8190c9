import type { Span } from './build.js'

/** An answer in parts that follow each other, all but what differs from call to call: an object in JSON whose closing brace is still to come. */
export interface Parts {
  start: readonly Buffer[]
  /** Entries of files, in memory that may have room for the other parts around them. */
  files: Uint8Array
  end: string
}

/** An answer, and where its files stand in it. */
export interface Rendered {
  /** For those who had it built, in pieces to be sent one after the other. */
  built: readonly Buffer[]
  /** For those who find it in the cache. */
  cached: Buffer
  files: Span[]
}

/** What `finish` adds takes no more. */
export const CLOSING_BYTES = 80
/** A larger answer goes out in pieces rather than being copied: what it takes is memory that the collector of garbage has to hear of. */
const LARGE = 256 * 1024

/** Completes an answer. Its time is that of the building, so that a hit is sent as it is kept, and equal tags stand for equal bytes. */
export function render ({ start, files, end }: Parts, spans: Span[], now: number): Rendered {
  const hit = closing(true, now)
  const cached = around(start, files, [Buffer.from(end), hit])
  const last = closing(false, now)
  const same = cached.subarray(0, cached.length - hit.length)
  return { built: cached.length > LARGE ? [same, last] : [Buffer.concat([same, last])], cached, files: spans }
}

function closing (hit: boolean, now: number): Buffer {
  return Buffer.from(`,"cache_hit":${hit},"timestamp":"${new Date(now).toISOString()}"}`)
}

/** Writes what comes before and behind the files into the room around them; copies all where there is too little. */
function around (before: readonly Buffer[], files: Uint8Array, behind: readonly Buffer[]): Buffer {
  const sum = (parts: readonly Buffer[]): number => parts.reduce((all, { length }) => all + length, 0)
  const length = sum(before) + files.length + sum(behind)
  // Memory before it would be nobody's, but kept as long as the answer is.
  if (files.byteOffset !== sum(before) || length > files.buffer.byteLength) return Buffer.concat([...before, files, ...behind])
  const whole = Buffer.from(files.buffer, 0, length)
  let at = 0
  for (const part of before) at += part.copy(whole, at)
  at += files.length
  for (const part of behind) at += part.copy(whole, at)
  return whole
}

/** An answer whose files are only those that an earlier one did not have, or had otherwise. */
export function difference (body: Buffer, files: readonly Span[], earlier: readonly Span[], since: string): Buffer {
  const known = new Map(earlier.map(([path, digest]) => [path, digest]))
  const present = new Set(files.map(([path]) => path))
  const changed = files.filter(([path, digest]) => known.get(path) !== digest)
  const delta = { since, removed: earlier.map(([path]) => path).filter((path) => !present.has(path)), unchanged: files.length - changed.length }
  const first = files[0]
  const last = files.at(-1)
  const end = body.length - 1
  const told = Buffer.from(`,"delta":${JSON.stringify(delta)}}`)
  if (first === undefined || last === undefined) return Buffer.concat([body.subarray(0, end), told])
  const comma = Buffer.from(',')
  const entries = changed.flatMap(([, , start, end], index) => (index === 0 ? [body.subarray(start, end)] : [comma, body.subarray(start, end)]))
  return Buffer.concat([body.subarray(0, first[2]), ...entries, body.subarray(last[3], end), told])
}
