import type { Span } from './build.js'

/** An answer, and where its files stand in it. */
export interface Rendered {
  /** For those who had it built. */
  built: Buffer
  /** For those who find it in the cache. */
  cached: Buffer
  files: Span[]
}

/** Completes an answer. Its time is that of the building, so that a hit is sent as it is kept, and equal tags stand for equal bytes. */
export function render (json: readonly Uint8Array[], files: Span[], now: number): Rendered {
  return { built: finish(json, false, now), cached: finish(json, true, now), files }
}

function finish (json: readonly Uint8Array[], hit: boolean, now: number): Buffer {
  return Buffer.concat([...json, Buffer.from(`,"cache_hit":${hit},"timestamp":"${new Date(now).toISOString()}"}`)])
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
