import fc from 'fast-check'
import t from 'tap'
import { createIds, randomId, timeOfId } from '../../core/ids.js'

const FORM = /^evt_[0-9A-HJKMNP-TV-Z]{26}$/

t.test('strictly increasing, and of one form, under any clock', async t => {
  const times = fc.array(fc.oneof(fc.integer({ min: 0, max: 2 ** 47 }), fc.integer(), fc.double(), fc.constantFrom(0, NaN, Infinity, -Infinity, -1, 2 ** 48, 2 ** 53, 0.5)), { minLength: 2, maxLength: 60 })
  fc.assert(fc.property(times, fc.option(fc.integer({ min: 0, max: 2 ** 47 }), { nil: undefined }), (clock, earlier) => {
    const after = earlier === undefined ? undefined : createIds('evt_', () => earlier)()
    let tick = 0
    const next = createIds('evt_', () => clock[tick++]!, after)
    const ids = clock.map(next)
    return ids.every((id, index) => FORM.test(id) && id > (ids[index - 1] ?? after ?? ''))
  }), { numRuns: 2000, seed: 1 })
})

t.test('carries the time it was made, to the millisecond', async t => {
  fc.assert(fc.property(fc.integer({ min: 0, max: 2 ** 48 - 1 }), (time) => timeOfId(createIds('res_', () => time)()) === time), { seed: 1 })
  t.equal(timeOfId(createIds('', () => 1_700_000_000_000)()), 1_700_000_000_000, 'without a prefix, too')
})

t.test('two makers do not meet', async t => {
  const one = createIds('evt_', () => 5)
  const other = createIds('evt_', () => 5)
  const ids = new Set(Array.from({ length: 5000 }, () => [one(), other()]).flat())
  t.equal(ids.size, 10_000)
})

t.test('goes on behind an identifier of an earlier run, whatever the clock says now', async t => {
  const last = createIds('evt_', () => 9_000_000_000_000)()
  const next = createIds('evt_', () => 5, last)
  const [first, second] = [next(), next()]
  t.ok(first > last && second > first)
  t.equal(timeOfId(first), 9_000_000_000_000)
})

t.test('UUIDs of chance have their form, and every digit that is free takes every value', async t => {
  const ids = Array.from({ length: 5000 }, randomId)
  t.equal(new Set(ids).size, ids.length)
  t.ok(ids.every((id) => /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id)))
  const seen = Array.from({ length: 36 }, (_, place) => new Set(ids.map((id) => id[place])).size)
  t.strictSame(seen, [...'xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx'].map((kind) => ({ x: 16, y: 4 })[kind] ?? 1))
})
