import t from 'tap'
import { toCursor } from '../../../core/events/cursor.js'
import { appendRange, draft, earliest, NEIGHBOUR, PROJECT, range } from '../../../core/testing/event-bus/events.js'
import { eventually, within } from '../../../core/testing/expectations.js'
import { createStage, numbers, READER } from './stage.js'

t.test('FAULT 14: an event that is published between reading and parking wakes the wait', async (t) => {
  let reads = 0
  const { bus, wait } = createStage({
    wrap: (inner) => ({
      ...inner,
      async read (project, query) {
        const page = await inner.read(project, query)
        // The page is made and empty; the wait has not seen it yet.
        if (++reads === 1) await inner.append(project, draft(1))
        return page
      }
    })
  })
  t.strictSame(numbers(await within(20_000, wait(), 'the wait is answered')), [1])
  t.equal(reads, 2)
  await bus.close?.()
})

t.test('FAULT 14: one that is published before a wait is registered is found, and one during the registration', async (t) => {
  const { bus, wait } = createStage({
    wrap: (inner) => ({
      ...inner,
      async subscribe (project, listener) {
        await inner.append(project, draft(2))
        const off = await inner.subscribe(project, listener)
        await inner.append(project, draft(3))
        return off
      }
    })
  })
  await bus.append(PROJECT, draft(1))
  t.strictSame(numbers(await within(20_000, wait(), 'the wait is answered')), [1, 2, 3])
})

t.test('a position moves when the answer was written out, and not before', async (t) => {
  const { bus, wait } = createStage()
  await appendRange(bus, PROJECT, 1, 3)
  const lost = await wait({ limit: 2 })
  t.match(lost, { timedOut: false, page: { more_available: true } })
  const again = await wait({ limit: 2 })
  t.strictSame(numbers(again), [1, 2], 'an answer that never arrived is given again')
  await again.delivered()
  const next = await wait({ limit: 2 })
  t.strictSame(numbers(next), [3])
  await next.delivered()
  t.match(await wait({ timeoutMs: 0 }), { timedOut: true, page: { events: [] } })
  t.strictSame(numbers(await wait({ type: 'agent_completed', timeoutMs: 0 })), [1, 2, 3], 'another question has a position of its own')
})

t.test('FAULT 11: what retention took before a reader came is said', async (t) => {
  const { bus, wait } = createStage({ count: 5 })
  const start = await earliest(bus, PROJECT)
  const [first] = await appendRange(bus, PROJECT, 1, 20)
  for (const [since, missed] of [[toCursor(start), 15], [toCursor(first!.position), 14]] as const) {
    const waited = await wait({ since })
    t.strictSame(numbers(waited), range(16, 20))
    t.strictSame(waited.page.gap, { missed })
  }
  t.equal((await wait()).page.gap, undefined, 'a reader that never came before has missed nothing')
})

t.test('FAULT 12: a cursor of another project, from the future, or garbage is refused with VAL_001', async (t) => {
  const { bus, wait } = createStage()
  await appendRange(bus, PROJECT, 1, 2)
  const theirs = await appendRange(bus, NEIGHBOUR, 1, 2)
  const other = createStage()
  const ahead = (await appendRange(other.bus, PROJECT, 1, 9)).at(-1)!
  const wrong = [toCursor(theirs[0]!.position), toCursor(ahead.position), 'cur_', 'cur_%%%', 'cur_AAAA', `cur_${'A'.repeat(5000)}`, 'garbage', '', '-1', '../x', theirs[0]!.event.event_id, '2026-99-99T00:00:00Z', '2026-01-01']
  for (const since of wrong) await t.rejects(wait({ since, timeoutMs: 0 }), { code: 'VAL_001' }, JSON.stringify(since.slice(0, 30)))
})

t.test('FAULT 13: 10,000 waits whose clients are gone leave nothing behind', async (t) => {
  const { events, wait, bus } = createStage()
  const gone = new AbortController()
  const waits = range(1, 10_000).map(async (number) => await wait({ signal: gone.signal, reader: { ...READER, agent_id: `agent-${number}` } }))
  await eventually(() => events.statistics().waiting === 10_000, 'all wait')
  gone.abort()
  const answers = await within(20_000, Promise.all(waits), 'all end')
  t.ok(answers.every(({ page }) => page.events.length === 0))
  t.equal(events.statistics().waiting, 0)
  const { subscribers_notified: notified } = await events.publish(PROJECT, { agent_id: 'a', agent_type: 'b' }, { event_type: 'x', topic: 'coordination' })
  t.strictSame(notified, [], 'nobody is left in the list')
  t.equal((await bus.stats(PROJECT)).retained, 1)
})

t.test('waits are bounded, and a place that comes free is given again', async (t) => {
  const { events, wait } = createStage({ maxWaits: 2 })
  const gone = new AbortController()
  const held = [wait({ signal: gone.signal }), wait({ signal: gone.signal })]
  await t.rejects(wait(), { code: 'SRV_002' })
  gone.abort()
  await Promise.all(held)
  await t.rejects(wait({ since: 'garbage' }), { code: 'VAL_001' })
  t.equal(events.statistics().waiting, 0, 'a wait that is refused takes no place')
  t.match(await wait({ timeoutMs: 0 }), { timedOut: true })
})

t.test('a shutdown answers every wait at once, empty and with a cursor', async (t) => {
  const { events, bus, wait } = createStage()
  const waits = range(1, 50).map(async () => await wait())
  await eventually(() => events.statistics().waiting === 50, 'all wait')
  await events.close()
  for (const { timedOut, page } of await within(20_000, Promise.all(waits), 'all are answered')) t.match({ timedOut, page }, { timedOut: true, page: { events: [], next_cursor: /^cur_/ } })
  await bus.append(PROJECT, draft(1))
  t.strictSame(numbers(await within(20_000, wait(), 'a late wait is answered at once')), [1])
})
