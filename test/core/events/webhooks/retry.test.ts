import t from 'tap'
import { parseRetryAfter, retryDelay } from '../../../../core/events/webhooks/retry.js'

const HOUR = 3_600_000

t.test('attempts follow the schedule, with up to a fifth more by chance, and end with it', async (t) => {
  const schedule = [5, 300, 1800]
  t.strictSame([1, 2, 3, 4, 9].map((attempt) => retryDelay(schedule, attempt, undefined, () => 0)), [5000, 300_000, 1_800_000, undefined, undefined])
  t.strictSame([1, 2, 3].map((attempt) => retryDelay(schedule, attempt, undefined, () => 0.999)), [5999, 359_940, 2_159_640])
  t.equal(new Set(Array.from({ length: 50 }, () => retryDelay(schedule, 2, undefined))).size > 10, true)
  t.equal(retryDelay([], 1, undefined), undefined)
})

t.test('a receiver that names a later time gets it', async (t) => {
  t.equal(retryDelay([5], 1, 60_000, () => 0), 60_000)
  t.equal(retryDelay([5], 1, 1000, () => 0), 5000, 'an earlier one is not of use')
  t.equal(retryDelay([7200], 1, HOUR, () => 0), 2 * HOUR)
  t.equal(retryDelay([5], 2, 60_000), undefined, 'and no further attempt')
})

t.test('Retry-After is seconds or a date, and counts for an hour at most', async (t) => {
  const now = Date.parse('2026-01-01T00:00:00Z')
  const said: [header: string | undefined, ms: number | undefined][] = [
    [undefined, undefined], ['0', 0], ['120', 120_000], [' 7 ', 7000], ['3601', HOUR], ['9999999999', HOUR],
    ['Thu, 01 Jan 2026 00:02:00 GMT', 120_000], ['Fri, 02 Jan 2026 00:02:00 GMT', HOUR], ['Wed, 31 Dec 2025 23:00:00 GMT', 0], ['Thursday, 01-Jan-26 00:00:10 GMT', 10_000],
    ['', undefined], ['-5', undefined], ['1.5', undefined], ['soon', undefined], ['2026-01-01', undefined], ['1e9', undefined], ['99999999999', undefined], ['Xyz, not a date at all GMT', undefined]
  ]
  for (const [header, ms] of said) t.equal(parseRetryAfter(header, now), ms, String(header))
})
