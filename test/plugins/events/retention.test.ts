import t from 'tap'
import type { EventDraft } from '../../../core/contracts/index.js'
import { createTestClock, TEST_TIME } from '../../../core/testing/clock.js'
import { draft, appendRange, earliest, NEIGHBOUR, numbersOf, PROJECT, range, readAll } from '../../../core/testing/event-bus/events.js'
import { BUSES } from './buses.js'
import { HOUR } from './journal/open-journal.js'

for (const [name, create] of BUSES) {
  t.test(`retention: ${name}`, async (t) => {
    t.test('by number, and missed is exact for every reader', async (t) => {
      const bus = await create(t, { clock: createTestClock(), retention: { count: 50 } })
      const start = await earliest(bus, PROJECT)
      const placed = await appendRange(bus, PROJECT, 1, 3000)
      t.strictSame(await readAll(bus, PROJECT), placed.slice(-50))
      for (const [index, after] of [start, ...placed.map(({ position }) => position)].entries()) {
        const page = await bus.read(PROJECT, { after, limit: 2 })
        const missed = Math.max(0, 2950 - index)
        if (page.missed !== missed || page.items.length + missed + index > 3000) t.fail(`behind event ${index}: missed ${page.missed}`)
        if (JSON.stringify(page.items) !== JSON.stringify(placed.slice(index + missed, index + missed + 2))) t.fail(`behind event ${index}: ${JSON.stringify(numbersOf(page.items))}`)
      }
    })

    t.test('by age, to the hour', async (t) => {
      const clock = createTestClock()
      const bus = await create(t, { clock })
      const start = await earliest(bus, PROJECT)
      for (const hour of range(1, 48)) {
        clock.set(TEST_TIME + hour * HOUR)
        await bus.append(PROJECT, draft(hour, { ttl_seconds: 86_400 * 3 }))
      }
      t.strictSame(numbersOf(await readAll(bus, PROJECT)), range(24, 48))
      t.equal((await bus.read(PROJECT, { after: start, limit: 1 })).missed, 23)
      clock.advance(23 * HOUR)
      t.strictSame(numbersOf(await readAll(bus, PROJECT)), [47, 48])
      clock.advance(2 * HOUR)
      t.strictSame(await readAll(bus, PROJECT), [])
      t.equal((await bus.read(PROJECT, { after: start, limit: 1 })).missed, 48)
      t.equal((await bus.stats(PROJECT)).retained, 0)
    })

    t.test('by bytes, of each project for itself, and the newest event whatever its size', async (t) => {
      const bus = await create(t, { clock: createTestClock(), retention: { bytes: 20_000 } })
      const sized = (number: number, size: number): EventDraft => draft(number, { data: { number, text: 'x'.repeat(size) } })
      const start = await earliest(bus, PROJECT)
      await bus.append(NEIGHBOUR, sized(1, 15_000))
      for (const number of range(1, 50)) await bus.append(PROJECT, sized(number, 1000))
      const kept = numbersOf(await readAll(bus, PROJECT))
      t.ok(kept.length >= 10 && kept.length < 20, `${kept.length} events of more than 1000 bytes`)
      t.strictSame(kept, range(51 - kept.length, 50))
      t.equal((await bus.read(PROJECT, { after: start, limit: 1 })).missed, 50 - kept.length, 'what was taken is said')
      t.strictSame(numbersOf(await readAll(bus, NEIGHBOUR)), [1])
      await bus.append(PROJECT, sized(51, 30_000))
      t.strictSame(numbersOf(await readAll(bus, PROJECT)), [51], 'one that alone is more')
      await bus.append(PROJECT, sized(52, 10))
      t.strictSame(numbersOf(await readAll(bus, PROJECT)), [52])
    })
  })
}
