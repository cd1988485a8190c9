import t from 'tap'
import type { EventBus } from '../../../core/contracts/index.js'
import { Events } from '../../../core/events/events.js'
import { createProfileSet } from '../../../core/profiles/profiles.js'
import { createResults, type ResultSubmission } from '../../../core/results/results.js'
import { createMemoryBus } from '../../../plugins/events/memory.js'
import { createMemoryStore } from '../../../plugins/storage/memory.js'
import { createLogSpy } from '../../support/log-spy.js'

const HOUR_MS = 3_600_000
const RETAINED = 5
const SUBMISSION: ResultSubmission = { agent_id: 'ada', agent_type: 'ai-engineer', issue_id: 'issue-1', result: { status: 'success' }, idempotency_key: 'k', correlation_id: 'talk', round: 1 }

function setUp (wrap: (bus: EventBus) => EventBus = (bus) => bus) {
  let now = Date.UTC(2026, 0, 1)
  const clock = (): number => now
  const log = createLogSpy()
  const bus = createMemoryBus({ retention: { age: 1000 * HOUR_MS, count: RETAINED }, clock, log })
  const events = new Events({ bus: wrap(bus), maxWaits: 10, maxRounds: 50, clock, log, groups: { rules: { ackWaitSeconds: 30, maxDeliveries: 5 }, maxGroups: 10 }, subscribedAgents: () => [] })
  const results = createResults({ store: createMemoryStore({ maxResults: 100 }), events, clock, log, onStored: () => {} })
  const profiles = createProfileSet([], [], true, new Map())
  return {
    log,
    events,
    later: (ms: number) => { now += ms },
    store: async () => await results.store('sample', profiles, SUBMISSION),
    announced: async () => (await bus.read('sample', { after: (await bus.locate('sample', { at: 'earliest' }))!, limit: 10 })).items.map(({ event }) => event.event_id)
  }
}

t.test('what was stored and not announced is announced when it is sent again', async (t) => {
  let isBroken = true
  const { store, announced, log } = setUp((bus) => ({ ...bus, append: async (...given) => { if (isBroken) throw new Error('unavailable'); return await bus.append(...given) } }))
  const first = await store()
  t.equal(first.event_id, null)
  t.strictSame(log.said.error, ['a result was stored and could not be announced'])
  isBroken = false
  const again = await store()
  t.strictSame([again.record.id, again.replayed], [first.record.id, true])
  t.strictSame(await announced(), [again.event_id])
  t.equal((await store()).event_id, again.event_id)
})

t.test('a result of which the event would be over is not announced anew', async (t) => {
  const { store, events, announced, later } = setUp()
  const first = await store()
  const others = []
  for (let n = 0; n < RETAINED; n++) others.push((await events.publish('sample', SUBMISSION, { event_type: 'note', topic: 'testing', data: { n } })).event.event_id)
  t.strictSame(await announced(), others, 'retention took it')
  later(23 * HOUR_MS)
  t.type((await store()).event_id, 'string', 'as long as the event would be news it is announced')
  for (let n = 0; n < RETAINED; n++) await events.publish('sample', SUBMISSION, { event_type: 'note', topic: 'testing', data: { n } })
  later(2 * HOUR_MS)
  const again = await store()
  t.strictSame([again.record.id, again.replayed, again.event_id], [first.record.id, true, null])
})

t.test('a result of an earlier round is announced: its work is done', async (t) => {
  const { store, events, announced } = setUp()
  await events.publish('sample', SUBMISSION, { event_type: 'note', topic: 'testing', correlation_id: 'talk', round: 3 })
  const { event_id: id } = await store()
  t.ok((await announced()).includes(id!))
})
