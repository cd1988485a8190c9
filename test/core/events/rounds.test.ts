import t from 'tap'
import type { EventBus, EventDraft, PlacedEvent } from '../../../core/contracts/event-bus.js'
import { Events, type Publication } from '../../../core/events/events.js'
import { createMemoryBus } from '../../../plugins/events/memory.js'

const PUBLISHER = { agent_id: 'ada', agent_type: 'ai-engineer' }
const log = { debug () {}, info () {}, warn () {}, error () {} }

function setUp ({ wrap = (bus: EventBus) => bus, count = 10_000 } = {}) {
  const bus = createMemoryBus({ retention: { age: 86_400_000, count }, clock: Date.now, log })
  const start = (): Events => new Events({ bus: wrap(bus), maxWaits: 10, maxRounds: 50, clock: Date.now, log, groups: { rules: { ackWaitSeconds: 30, maxDeliveries: 5 }, maxGroups: 10 }, subscribedAgents: () => [] })
  const events = start()
  const publishOn = (on: Events) => async (round: number | undefined, more: Partial<Publication> = {}): Promise<string> => {
    const { event } = await on.publish('sample', PUBLISHER, { event_type: 'note', topic: 'error', correlation_id: 'talk', ...(round === undefined ? {} : { round }), ...more })
    return event.event_id
  }
  const rounds = async (): Promise<(number | undefined)[]> => {
    const { items } = await bus.read('sample', { after: (await bus.locate('sample', { at: 'earliest' }))!, limit: 1000 })
    return items.map(({ event }) => event.round)
  }
  return { bus, events, publish: publishOn(events), rounds, restart: () => publishOn(start()) }
}

const goesBack = { code: 'EVT_002', message: /the current round of 'talk' is 3/, details: { issues: [{ path: 'round' }] } }

t.test('a round never goes back within its correlation, and says where it is', async (t) => {
  const { publish, rounds } = setUp()
  for (const round of [1, 1, undefined, 3, 3]) await publish(round)
  for (const round of [2, 0]) await t.rejects(publish(round), goesBack)
  await publish(0, { correlation_id: 'other' })
  const { correlation_id: _none, ...alone } = { correlation_id: 'talk', event_type: 'note', topic: 'error', round: 1 }
  await t.resolves(setUp().events.publish('sample', PUBLISHER, alone), 'without a correlation there is nothing to go back in')
  t.strictSame(await rounds(), [1, 1, undefined, 3, 3, 0])
})

t.test('a round is bounded', async (t) => {
  const { publish } = setUp()
  await publish(50)
  await t.rejects(publish(51), { code: 'EVT_002', message: /above 50/ })
  await t.rejects(publish(51, { correlation_id: 'other' }), { code: 'EVT_002' })
})

t.test('what was published before a start, and by others on the same bus, counts', async (t) => {
  const { bus, publish, restart } = setUp()
  for (let round = 0; round < 1_200; round++) await publish(round % 40, { correlation_id: `c-${round % 40}` })
  await publish(3)
  const again = restart()
  await t.rejects(again(2), goesBack)
  await t.rejects(again(38, { correlation_id: 'c-39' }), { code: 'EVT_002' })
  await again(39, { correlation_id: 'c-39' })
  await again(4)
  await t.rejects(publish(3), { message: /the current round of 'talk' is 4/ }, 'the first one heard of it')
  await bus.append('sample', { event_type: 'note', publisher: 'x', publisher_type: 'y', topic: 'error', data: {}, ttl_seconds: 60, correlation_id: 'talk', round: 9 })
  await t.rejects(again(8), { message: /the current round of 'talk' is 9/ })
})

t.test('what retention took no longer counts', async (t) => {
  const { publish } = setUp({ count: 3 })
  await publish(3)
  await t.rejects(publish(1), goesBack)
  for (const n of [1, 2, 3]) await publish(undefined, { correlation_id: 'other', data: { n } })
  await publish(1)
  await publish(2)
  await t.rejects(publish(1), { message: /the current round of 'talk' is 2/ })
})

t.test('of many at once in any order those that are published are in order', async (t) => {
  // Appends that take a while, and are in order all the same, as a log's are.
  let last: Promise<unknown> = Promise.resolve()
  const slow = (bus: EventBus): EventBus => ({
    ...bus,
    async append (project: string, draft: EventDraft) {
      const turn = last.then(async () => await bus.append(project, draft))
      last = turn.then(async () => await new Promise((resolve) => setImmediate(resolve)))
      return await turn
    }
  })
  const { publish, rounds } = setUp({ wrap: slow })
  const wanted = Array.from({ length: 80 }, (_, index) => (index * 37) % 41)
  const outcomes = await Promise.allSettled(wanted.map(async (round) => await publish(round)))
  const published = await rounds() as number[]
  t.strictSame(published, published.toSorted((a, b) => a - b))
  t.equal(published.length, outcomes.filter(({ status }) => status === 'fulfilled').length)
  t.ok(published.length > 1 && published.length < wanted.length, `${published.length} of ${wanted.length}`)
})

t.test('an append that fails leaves the round where it was', async (t) => {
  let release = (): void => {}
  let arrive = (): void => {}
  const arrived = new Promise<void>((resolve) => { arrive = resolve })
  const failing = (bus: EventBus): EventBus => ({
    ...bus,
    async append (project: string, draft: EventDraft) {
      if (draft.round !== 9) return await bus.append(project, draft)
      await new Promise<void>((resolve) => { release = resolve; arrive() })
      throw new Error('the disk is full')
    }
  })
  const { publish, rounds } = setUp({ wrap: failing })
  await publish(1)
  const ahead = publish(9)
  await arrived
  const behind = publish(2)
  await new Promise((resolve) => setImmediate(resolve))
  t.strictSame(await rounds(), [1], 'it waits for what is ahead of it')
  release()
  await t.rejects(ahead, { message: 'the disk is full' })
  await behind
  t.strictSame(await rounds(), [1, 2])
})

t.test('a publish that is tried again is answered, wherever the round is now', async (t) => {
  const { publish, rounds } = setUp()
  const byKey = await publish(1, { idempotency_key: 'k' })
  const byId = await publish(1, { event_id: 'mine' })
  await publish(3)
  t.equal(await publish(1, { idempotency_key: 'k' }), byKey)
  t.equal(await publish(1, { event_id: 'mine' }), byId)
  await t.rejects(publish(1, { idempotency_key: 'k', topic: 'testing' }), { code: 'VAL_001' })
  await t.rejects(publish(1, { idempotency_key: 'other' }), goesBack)
  t.strictSame(await rounds(), [1, 1, 3])
})

t.test('a history that cannot be read refuses the publish, and is read again', async (t) => {
  let isBroken = true
  const listeners = new Set<(placed: PlacedEvent) => void>()
  const breaking = (bus: EventBus): EventBus => ({
    ...bus,
    async read (project, query) { if (isBroken) throw Object.assign(new Error('unavailable'), { code: 'EVT_001' }); return await bus.read(project, query) },
    async subscribe (project, listener) { listeners.add(listener); const end = await bus.subscribe(project, listener); return () => { listeners.delete(listener); end() } }
  })
  const { publish, events } = setUp({ wrap: breaking })
  await t.rejects(publish(1), { code: 'EVT_001' })
  t.equal(listeners.size, 0)
  isBroken = false
  await publish(1)
  t.equal(listeners.size, 1)
  await events.close()
  t.equal(listeners.size, 0)
})

t.test('a reference of the form of an id is of an event of the project, or older than what is kept', async (t) => {
  const { bus, events, publish } = setUp({ count: 3 })
  const first = await publish(undefined)
  await publish(undefined, { references: first })
  const elsewhere = (await bus.append('other', { event_type: 'note', publisher: 'x', publisher_type: 'y', topic: 'error', data: {}, ttl_seconds: 60 })).event.event_id
  for (const reference of [elsewhere, `evt_${'7'.repeat(26)}`]) {
    await t.rejects(publish(undefined, { references: reference }), { code: 'EVT_002', details: { issues: [{ path: 'references' }] } }, reference)
  }
  for (const reference of ['JIRA-7', 'evt_short', 'res_01', `evt_${'0'.repeat(26)}`, 'https://tracker.example/7']) await publish(undefined, { references: reference })
  t.equal(await bus.locate('sample', { at: 'event', event_id: first }), undefined)
  await publish(undefined, { references: first })
  await events.announce('sample', PUBLISHER, { event_type: 'note', topic: 'error', references: elsewhere, round: 99 })
})
