import t from 'tap'
import type { EventBus, PlacedEvent } from '../../../core/contracts/index.js'
import { createTestClock, type TestClock } from '../../../core/testing/clock.js'
import { append, appendRange, draft, numbersOf, PROJECT, range, readAll } from '../../../core/testing/event-bus/events.js'
import { quickFolder } from '../../support/temporary.js'
import { BUSES } from './buses.js'
import { HOUR, idsOf, isRising, openJournal } from './journal/open-journal.js'

/** A clock, and the time that really passes: `set` moves only the first, `pass` both. */
function createTime (): { clock: TestClock, elapsed: TestClock, set (ms: number): void, pass (ms: number): void } {
  const clock = createTestClock()
  const elapsed = createTestClock(0)
  return {
    clock,
    elapsed,
    set (ms) { clock.advance(ms) },
    pass (ms) {
      clock.advance(ms)
      elapsed.advance(ms)
    }
  }
}

/** Events that outlive retention. */
async function appendLasting (bus: EventBus, first: number, last: number): Promise<PlacedEvent[]> {
  const placed: PlacedEvent[] = []
  for (const number of range(first, last)) placed.push(await append(bus, PROJECT, draft(number, { ttl_seconds: 3 * 86_400 })))
  return placed
}

for (const [name, create] of BUSES) {
  t.test(`FAULT 8: ${name}: a clock set forward 25 h takes nothing; ages go on, and so does retention`, async (t) => {
    const { clock, elapsed, set, pass } = createTime()
    const bus = await create(t, { clock, elapsed })
    const early = await appendLasting(bus, 1, 5)
    pass(HOUR)
    set(25 * HOUR)
    t.strictSame(await readAll(bus, PROJECT), early, 'neither for their age nor for their ttl')
    const late = await appendLasting(bus, 6, 8)
    const all = [...early, ...late]
    t.strictSame(await readAll(bus, PROJECT), all)
    t.ok(isRising(idsOf(all)))
    t.strictSame(await readAll(bus, PROJECT, await bus.locate(PROJECT, { at: 'time', time: clock() - HOUR })), late, 'a time is one of the clock')
    pass(23 * HOUR - 1)
    const last = await appendLasting(bus, 9, 9)
    t.equal((await bus.stats(PROJECT)).retained, 9, 'kept for 24 h of time that passed')
    pass(2)
    t.equal((await bus.stats(PROJECT)).retained, 4, 'and no longer')
    set(-25 * HOUR)
    t.equal((await bus.stats(PROJECT)).retained, 4, 'also when the clock is put right')
    pass(HOUR)
    t.strictSame(await readAll(bus, PROJECT), last)
    pass(24 * HOUR)
    t.equal((await bus.stats(PROJECT)).retained, 0)
  })

  t.test(`FAULT 8: ${name}: a ttl is the time that passed, however the clock is set`, async (t) => {
    for (const step of [25 * HOUR, -2 * HOUR, -HOUR]) {
      const { clock, elapsed, set, pass } = createTime()
      const bus = await create(t, { clock, elapsed })
      await bus.append(PROJECT, draft(1, { ttl_seconds: 600 }))
      set(step)
      await bus.append(PROJECT, draft(2, { ttl_seconds: 600 }))
      pass(599_000)
      t.strictSame(numbersOf(await readAll(bus, PROJECT)), [1, 2])
      await bus.append(PROJECT, draft(3, { ttl_seconds: 600 }))
      pass(2_000)
      t.strictSame(numbersOf(await readAll(bus, PROJECT)), [3])
    }
  })

  t.test(`FAULT 8: ${name}: a clock set back 2 h keeps order, drops nothing early and does not stop retention`, async (t) => {
    const { clock, elapsed, set, pass } = createTime()
    const bus = await create(t, { clock, elapsed, retention: { count: 30 } })
    const before = await appendRange(bus, PROJECT, 1, 10)
    set(-2 * HOUR)
    const after = await appendRange(bus, PROJECT, 11, 20)
    const all = [...before, ...after]
    t.strictSame(await readAll(bus, PROJECT), all)
    t.ok(isRising(idsOf(all)))
    const at = async (time: number): Promise<unknown[]> => numbersOf(await readAll(bus, PROJECT, await bus.locate(PROJECT, { at: 'time', time })))
    t.strictSame(await at(clock()), range(1, 20), 'a time finds all that was published since')
    t.strictSame(await at(clock() + 3 * HOUR), [])
    await appendRange(bus, PROJECT, 21, 45)
    t.strictSame(numbersOf(await readAll(bus, PROJECT)), range(16, 45), 'the number bounds them')
    pass(26 * HOUR + 1)
    t.equal((await bus.stats(PROJECT)).retained, 0, 'so does the age')
  })

  t.test(`${name}: a clock that is corrected by minutes is followed`, async (t) => {
    const { clock, elapsed, set } = createTime()
    const bus = await create(t, { clock, elapsed, retention: { age: HOUR } })
    await appendRange(bus, PROJECT, 1, 3)
    for (let step = 0; step < 31; step++) {
      t.equal((await bus.stats(PROJECT)).retained, 3)
      set(120_000)
    }
    t.equal((await bus.stats(PROJECT)).retained, 0)
  })
}

t.test('FAULT 8: identifiers rise strictly across restarts, whatever the clock does', async (t) => {
  const directory = await quickFolder(t)
  const clock = createTestClock()
  const ids: string[] = []
  for (const step of [0, -2 * HOUR, 25 * HOUR, -25 * HOUR, 1, -1000 * HOUR, -HOUR]) {
    clock.advance(step)
    const { bus } = await openJournal(t, directory, { clock, segmentBytes: 1000 })
    ids.push(...idsOf(await appendRange(bus, PROJECT, 1, 7)))
    clock.advance(-HOUR)
    ids.push(...idsOf(await appendRange(bus, PROJECT, 8, 9)))
    if (step > 0) await bus.close!()
  }
  t.equal(ids.length, 63)
  t.ok(isRising(ids))
})
