import fc from 'fast-check'
import t from 'tap'
import { Bounds, type TriggeredStart, type Wish } from '../../../../core/fleet/triggers/bounds.js'
import { createTestClock } from '../../../../core/testing/clock.js'

const LIMITS = { max_per_correlation: 50, max_per_hour: 200 }
const RULE = { name: 'a', maxRounds: 3, maxDepth: 4, cooldownMs: 0 }

function wishFor (eventId: string, more: Partial<Wish> = {}): Wish {
  return { rule: RULE, event_id: eventId, correlation: 'c', depth: 1, count: 1, ...more }
}

t.test('each bound refuses what is beyond it, and says which it is', async (t) => {
  const clock = createTestClock()
  const bounds = new Bounds({ max_per_correlation: 5, max_per_hour: 6 }, clock)
  const start = (eventId: string, more: Partial<TriggeredStart> = {}): void => { bounds.note({ rule: 'a', event_id: eventId, index: 0, correlation: 'c', at: clock(), ...more }) }
  t.equal(bounds.refuse(wishFor('1')), undefined)
  t.equal(bounds.refuse(wishFor('1', { depth: 5 }))?.bound, 'max_depth')
  for (const id of ['1', '2', '3']) start(id)
  t.equal(bounds.refuse(wishFor('4'))?.bound, 'max_rounds')
  t.equal(bounds.refuse(wishFor('3')), undefined, 'the rest of a round is no further one')
  t.equal(bounds.refuse(wishFor('4', { correlation: 'other' })), undefined, 'another correlation has its own rounds')
  const other = { ...RULE, name: 'b' }
  t.equal(bounds.refuse(wishFor('4', { rule: other, count: 2 })), undefined)
  t.equal(bounds.refuse(wishFor('4', { rule: other, count: 3 }))?.bound, 'max_per_correlation')
  t.equal(bounds.refuse(wishFor('4', { rule: other, correlation: 'other', count: 4 }))?.bound, 'max_per_hour')
  clock.advance(3_600_000)
  t.equal(bounds.refuse(wishFor('4', { rule: other, correlation: 'other', count: 4 })), undefined, 'an hour later')
})

t.test('a cooldown holds for the rule and the correlation, and not longer when the clock is set back', async (t) => {
  const clock = createTestClock()
  const bounds = new Bounds(LIMITS, clock)
  const rule = { ...RULE, cooldownMs: 10_000 }
  bounds.note({ rule: 'a', event_id: '1', index: 0, correlation: 'c', at: clock() })
  t.equal(bounds.refuse(wishFor('2', { rule }))?.bound, 'cooldown')
  t.equal(bounds.refuse(wishFor('2', { rule, correlation: 'other' })), undefined)
  clock.advance(9999)
  t.equal(bounds.refuse(wishFor('2', { rule }))?.bound, 'cooldown')
  clock.advance(1)
  t.equal(bounds.refuse(wishFor('2', { rule })), undefined)
  clock.advance(-3_600_000)
  t.equal(bounds.refuse(wishFor('2', { rule })), undefined)
})

t.test('a key is used by one event, for as long as its start stands', async (t) => {
  const bounds = new Bounds(LIMITS, createTestClock())
  const takeBack = bounds.note({ rule: 'a', event_id: '1', index: 0, correlation: 'c', dedupe_key: 'k', at: 0 })
  t.equal(bounds.startedUnder('a', 'k', '2'), '1')
  t.equal(bounds.startedUnder('a', 'k', '1'), undefined, 'it is its own')
  t.equal(bounds.startedUnder('b', 'k', '2'), undefined, 'another rule has its own keys')
  t.ok(bounds.hasStarted({ rule: 'a', event_id: '1', index: 0 }))
  takeBack()
  t.equal(bounds.startedUnder('a', 'k', '2'), undefined)
  t.notOk(bounds.hasStarted({ rule: 'a', event_id: '1', index: 0 }))
})

const events = fc.array(fc.record({
  rule: fc.constantFrom('a', 'b'), event_id: fc.integer({ min: 0, max: 30 }).map(String), correlation: fc.constantFrom('c', 'd'), depth: fc.integer({ min: 1, max: 6 }), count: fc.integer({ min: 1, max: 4 }), wait: fc.integer({ min: 0, max: 1_200_000 }), fails: fc.boolean()
}), { maxLength: 200 })

t.test('whatever comes, nothing is started beyond any bound', async () => {
  fc.assert(fc.property(events, (sequence) => {
    const clock = createTestClock()
    const limits = { max_per_correlation: 9, max_per_hour: 6 }
    const bounds = new Bounds(limits, clock)
    const begun: (TriggeredStart & { depth: number })[] = []
    for (const { rule, event_id: eventId, correlation, depth, count, wait, fails } of sequence) {
      clock.advance(wait)
      const indexes = Array.from({ length: count }, (_, index) => index).filter((index) => !bounds.hasStarted({ rule, event_id: `${correlation}${eventId}`, index }))
      if (indexes.length === 0 || bounds.refuse({ rule: { ...RULE, name: rule }, event_id: `${correlation}${eventId}`, correlation, depth, count: indexes.length }) !== undefined) continue
      for (const index of indexes) {
        const start = { rule, event_id: `${correlation}${eventId}`, index, correlation, at: clock() }
        const takeBack = bounds.note(start)
        if (fails) takeBack()
        else begun.push({ ...start, depth })
      }
      const hour = begun.filter(({ at }) => at > clock() - 3_600_000)
      if (hour.length > limits.max_per_hour || begun.some((each) => each.depth > RULE.maxDepth)) return false
      for (const name of ['c', 'd']) {
        const inCorrelation = begun.filter((each) => each.correlation === name)
        if (inCorrelation.length > limits.max_per_correlation) return false
        for (const one of ['a', 'b']) if (new Set(inCorrelation.filter((each) => each.rule === one).map((each) => each.event_id)).size > RULE.maxRounds) return false
      }
      if (new Set(begun.map((each) => `${each.rule} ${each.event_id} ${each.index}`)).size !== begun.length) return false
    }
    return true
  }))
})

t.test('what was taken back leaves no trace', async () => {
  fc.assert(fc.property(events, (sequence) => {
    const clock = createTestClock()
    const [bounds, fresh] = [new Bounds(LIMITS, clock), new Bounds(LIMITS, clock)]
    const undo = sequence.map(({ rule, event_id: eventId, correlation }, index) => bounds.note({ rule, event_id: eventId, index, correlation, dedupe_key: eventId, at: clock() }))
    for (const takeBack of undo) takeBack()
    return sequence.every(({ rule, event_id: eventId, correlation, depth, count }) => {
      const wish = { rule: { ...RULE, name: rule, cooldownMs: 1000 }, event_id: eventId, correlation, depth, count }
      return bounds.refuse(wish)?.bound === fresh.refuse(wish)?.bound && bounds.startedUnder(rule, eventId, 'x') === undefined
    })
  }))
})
