const JITTER = 0.2
// A receiver that asks for more gets this; else one wrong header would silence a webhook for days.
const MAX_RETRY_AFTER_MS = 3_600_000

/**
 * How long to wait after a failed attempt (1 for the first), milliseconds: what the schedule says and up to a fifth
 * more by chance, so that what failed together is not tried again together. A receiver that named a later time gets it.
 * `undefined` when the schedule has no further attempt.
 */
export function retryDelay (scheduleSeconds: readonly number[], attempt: number, retryAfterMs: number | undefined, random: () => number = Math.random): number | undefined {
  const seconds = scheduleSeconds[attempt - 1]
  if (seconds === undefined) return undefined
  const delay = seconds * 1000 * (1 + JITTER * random())
  return Math.ceil(Math.max(delay, retryAfterMs ?? 0))
}

/** `Retry-After` (RFC 9110, 10.2.3), seconds or a date, as milliseconds from now, at most an hour; `undefined` when it is neither. */
export function parseRetryAfter (header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined
  const text = header.trim()
  if (/^\d{1,10}$/.test(text)) return Math.min(Number(text) * 1000, MAX_RETRY_AFTER_MS)
  // Only the form of HTTP; Date.parse alone reads almost anything.
  const date = /^[A-Z][a-z]{2,8},? .{10,30} GMT$/.test(text) ? Date.parse(text) : NaN
  return Number.isNaN(date) ? undefined : Math.min(Math.max(0, date - now), MAX_RETRY_AFTER_MS)
}
