import { getEventListeners } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import type { Claims } from '../../../core/contracts/auth.js'
import type { EventBus, PlacedEvent } from '../../../core/contracts/event-bus.js'
import { Events, type Waited } from '../../../core/events/events.js'
import { parseSubscription } from '../../../core/events/subscription.js'
import { createMemoryBus } from '../../../plugins/events/memory.js'

const READER: Claims = { agent_id: 'ada', agent_type: 'ai-engineer', project_id: 'sample', permissions: [], jti: 'tok_1', issued_at: 0, expires_at: 0, chain_started_at: 0 }
const log = { debug () {}, info () {}, warn () {}, error () {} }

function setUp (change: (bus: EventBus) => EventBus = (bus) => bus) {
  const bus = change(createMemoryBus({ retention: { age: 86_400_000, count: 10_000 }, clock: Date.now, log }))
  const events = new Events({ bus, maxWaits: 10, maxRounds: 50, clock: Date.now, log, groups: { rules: { ackWaitSeconds: 30, maxDeliveries: 5 }, maxGroups: 10 }, subscribedAgents: () => [] })
  const publish = async (type = 'note') => (await events.publish('sample', READER, { event_type: type, topic: 'error' })).event.event_id
  const wait = async (timeoutMs: number, signal = new AbortController().signal): Promise<Waited> => await events.wait({
    project: 'sample', reader: READER, subscription: parseSubscription({ type: 'note' }), since: undefined, limit: 100, timeoutMs, signal
  })
  return { events, publish, wait }
}

t.test('a wait that has ended leaves nothing on its signal, however it ended', async (t) => {
  const { events, publish, wait } = setUp()
  const signals = Array.from({ length: 4 }, () => new AbortController())
  const waits = signals.map(async ({ signal }, index) => await wait(index === 0 ? 5 : 60_000, signal))
  t.equal((await waits[0]!).timedOut, true)
  signals[1]!.abort()
  t.equal((await waits[1]!).timedOut, true)
  await publish()
  t.equal((await waits[2]!).page.events.length, 1)
  await waits[3]
  for (const { signal } of signals) t.equal(getEventListeners(signal, 'abort').length, 0)
  t.equal(events.statistics().waiting, 0)
})

t.test('a stream that has ended leaves nothing either, and has not gathered anything on the way', async (t) => {
  const { events, publish } = setUp()
  const { signal } = new AbortController()
  const pages = events.stream('sample', READER, parseSubscription({}), 'earliest', 1, signal)
  for (let page = 0; page < 20; page++) {
    if (page % 2 === 0) await publish()
    await pages.next()
    t.equal(getEventListeners(signal, 'abort').length, 1)
  }
  await pages.return(undefined)
  t.equal(getEventListeners(signal, 'abort').length, 0)
  t.equal(events.statistics().waiting, 0)
})

t.test('an event between reading and parking wakes the wait', async (t) => {
  let between: (() => Promise<unknown>) | undefined
  const { publish, wait } = setUp((bus) => ({
    ...bus,
    async read (project, query) {
      const page = await bus.read(project, query)
      // What was read is old when the wait gets it.
      await between?.()
      return page
    }
  }))
  let id: string | undefined
  between = async () => {
    between = undefined
    id = await publish()
  }
  const { page } = await wait(60_000)
  t.strictSame(page.events.map((event) => event.event_id), [id])
})

t.test('an event while a wait is being registered is not missed', async (t) => {
  let id: string | undefined
  const { publish, wait } = setUp((bus) => ({
    ...bus,
    async subscribe (project, listener: (placed: PlacedEvent) => void) {
      id = await publish()
      return await bus.subscribe(project, listener)
    }
  }))
  t.strictSame((await wait(60_000)).page.events.map((event) => event.event_id), [id])
})

t.test('a position moves when it is told that the answer was delivered', async (t) => {
  const { publish, wait } = setUp()
  const id = await publish()
  const first = await wait(0)
  t.equal(first.page.events[0]!.event_id, id)
  const second = await wait(0)
  t.equal(second.page.events[0]!.event_id, id, 'the first was not delivered')
  await second.delivered()
  t.strictSame((await wait(0)).page.events, [])
})

t.test('draining ends what is held and lets nothing wait any more', async (t) => {
  const { events, wait } = setUp()
  const held = wait(60_000)
  const pages = events.stream('sample', READER, parseSubscription({}), undefined, 60_000, new AbortController().signal)
  await pages.next()
  const next = pages.next()
  await turn()
  events.drain()
  t.equal((await held).timedOut, true)
  t.equal((await next).done, true)
  t.equal((await wait(60_000)).timedOut, true)
})

t.test('a bus that cannot be subscribed to fails the wait and not the next one', async (t) => {
  let isBroken = true
  const { publish, wait, events } = setUp((bus) => ({
    ...bus,
    async subscribe (project, listener) {
      if (isBroken) throw new Error('away')
      return await bus.subscribe(project, listener)
    }
  }))
  await t.rejects(wait(60_000), { message: 'away' })
  t.equal(events.statistics().waiting, 0)
  isBroken = false
  const held = wait(60_000)
  await turn()
  const id = await publish()
  t.strictSame((await held).page.events.map((event) => event.event_id), [id])
})
