import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import type { EventBus, LiveEvent } from '../../../core/contracts/index.js'
import { toCursor } from '../../../core/events/cursor.js'
import { appendRange, draft, PROJECT, range } from '../../../core/testing/event-bus/events.js'
import { eventually, within } from '../../../core/testing/expectations.js'
import { createStage, numbers, READER, type Stage } from './stage.js'

const ENDS_MS = 20_000

/** A stage that counts reads, and whose bus may tell its listeners something else than what it heard itself. */
function createCounting (tell: (live: LiveEvent, listener: (live: LiveEvent) => void) => void = (live, listener) => listener(live)): Stage & { reads (): number } {
  let reads = 0
  const stage = createStage({
    wrap: (inner: EventBus) => ({
      ...inner,
      async read (project, query) {
        reads++
        return await inner.read(project, query)
      },
      subscribe: async (project, listener) => await inner.subscribe(project, (live) => { tell(live, listener) })
    })
  })
  return { ...stage, reads: () => reads }
}

/** Parks a wait and comes back when it has read and found nothing. */
async function parked (stage: Stage & { reads (): number }, changes: Parameters<Stage['wait']>[0] = {}): Promise<ReturnType<Stage['wait']>[]> {
  const before = stage.reads()
  const waiting = stage.wait(changes)
  await eventually(() => stage.reads() > before, 'the wait has read')
  await turn()
  return [waiting]
}

t.test('a wait that stands right in front of an event is handed it without a read', async (t) => {
  const stage = createCounting()
  await (await stage.wait({ timeoutMs: 0 })).delivered()
  // The first event shows where the bus is; from then on nothing is read.
  const [first] = await parked(stage)
  await stage.bus.append(PROJECT, draft(1))
  await (await first!).delivered()
  const [second] = await parked(stage)
  const reads = stage.reads()
  const { position } = await stage.bus.append(PROJECT, draft(2))
  const waited = await within(ENDS_MS, second!, 'the wait is answered')
  t.strictSame([numbers(waited), waited.page.next_cursor, waited.page.more_available], [[2], toCursor(position), false])
  t.equal(stage.reads(), reads)
})

t.test('what is appended in one turn is handed over as far as the limit goes, and the rest is said', async (t) => {
  const stage = createCounting()
  await stage.bus.append(PROJECT, draft(0))
  const waits = [1, 2, 3, 4].map(async (limit) => {
    const reader = { ...READER, agent_id: `agent-${limit}` }
    await (await stage.wait({ reader, since: 'latest', timeoutMs: 0 })).delivered()
    return { limit, reader }
  })
  // One event that all have heard, so that they are known to stand in front of the next.
  const readers = await Promise.all(waits)
  const [warm] = await parked(stage)
  await stage.bus.append(PROJECT, draft(1))
  await (await warm!).delivered()
  const answers = []
  for (const { limit, reader } of readers) answers.push({ limit, waiting: (await parked(stage, { reader, limit, since: 'latest' }))[0]! })
  const reads = stage.reads()
  await Promise.all(range(2, 4).map(async (number) => await stage.bus.append(PROJECT, draft(number))))
  for (const { limit, waiting } of answers) {
    const waited = await within(ENDS_MS, waiting, 'the wait is answered')
    t.strictSame([numbers(waited), waited.page.more_available], [range(2, Math.min(4, limit + 1)), limit < 3], `limit ${limit}`)
    await waited.delivered()
  }
  t.equal(stage.reads(), reads)
  const rest = await stage.wait({ reader: readers[0]!.reader, timeoutMs: 0 })
  t.strictSame(numbers(rest), [3, 4], 'and the rest lies behind the cursor')
})

for (const [what, tell] of [
  ['tells an event twice', (live, listener) => { listener(live); listener(live) }],
  ['says nothing of where an event lies', ({ after: _after, ...live }, listener) => listener(live)],
  ['leaves one out', (live, listener) => { if (live.event.data.number !== 2) listener(live) }]
] as [string, (live: LiveEvent, listener: (live: LiveEvent) => void) => void][]) {
  t.test(`a bus that ${what} costs a read, and no event is lost or doubled`, async (t) => {
    const stage = createCounting(tell)
    const seen: unknown[] = []
    const publish = async (number: number): Promise<void> => { await stage.bus.append(PROJECT, draft(number)) }
    await publish(1)
    while (seen.length < 5) {
      const waited = await within(ENDS_MS, stage.wait({ timeoutMs: 100 }), 'a wait is answered')
      seen.push(...numbers(waited))
      await waited.delivered()
      const [waiting] = await parked(stage)
      for (const number of seen.length === 1 ? [2, 3] : [seen.length + 1]) await publish(number)
      const next = await within(ENDS_MS, waiting!, 'a parked wait is answered')
      seen.push(...numbers(next))
      await next.delivered()
    }
    t.strictSame(seen, range(1, seen.length))
  })
}

t.test('of waits that overlap the one that came further counts, whichever was written out last', async (t) => {
  const { bus, wait } = createStage()
  await appendRange(bus, PROJECT, 1, 5)
  const [short, long] = [await wait({ limit: 1 }), await wait({ limit: 4 })]
  await long.delivered()
  await short.delivered()
  t.strictSame(numbers(await wait({ timeoutMs: 0 })), [5], 'the later did not lead back')
  const [first, second] = [await wait({ limit: 1 }), await wait({ since: 'earliest', limit: 3 })]
  await Promise.all([second.delivered(), first.delivered()])
  t.strictSame(numbers(await wait({ timeoutMs: 0 })), [], 'nor did it when both are saved at once')
  await (await wait({ since: 'earliest', limit: 2 })).delivered()
  t.strictSame(numbers(await wait({ timeoutMs: 0 })), [3, 4, 5], 'one that asks from earlier on leads back')
})

t.test('FAULT 8: a clock that is set back or forward by an hour neither ends a wait nor holds it', async (t) => {
  for (const hour of [-3_600_000, 3_600_000]) {
    const { bus, clock, wait, events } = createStage()
    const [short, long] = [wait({ type: 'other', timeoutMs: 20 }), wait({ reader: { ...READER, agent_id: 'other' } })]
    await eventually(() => events.statistics().waiting === 2, 'both wait')
    clock.advance(hour)
    t.equal((await within(ENDS_MS, short, 'a wait ends by its own time')).timedOut, true)
    t.equal(events.statistics().waiting, 1, 'the other goes on')
    await bus.append(PROJECT, draft(1))
    t.strictSame(numbers(await within(ENDS_MS, long, 'the other is answered')), [1])
    t.ok(events.statistics().avg_delivery_time_ms >= 0)
  }
})
