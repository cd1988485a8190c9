import type { EventBus, PlacedEvent } from '../../core/contracts/event-bus.js'
import { Hub } from '../../core/events/hub.js'
import { parseSubscription } from '../../core/events/subscription.js'
import { most, plain, ratio } from '../speed/figures.js'
import type { Subject } from '../shared/parts.js'

const WAITERS = 10_000
const EVENTS = 100_000
const SCANS = 200
const ROUNDS = 5

/** Finding who waits for an event among 10,000 with filters that differ, against asking each of them. */
export async function measureFilter (subject: Subject): Promise<void> {
  subject.say(`an event among ${WAITERS} filters`)
  let announce: (placed: PlacedEvent) => void = () => {}
  const bus = { async subscribe (_project: string, listener: (placed: PlacedEvent) => void) { announce = listener; return () => {} } } as unknown as EventBus
  const hub = new Hub(bus)
  let woken = 0
  const subscriptions = Array.from({ length: WAITERS }, (_, index) => parseSubscription({ type: 'code_ready', filter: `issue_id:issue-${index},status:success` }))
  for (const subscription of subscriptions) await hub.add('bench', { agentType: 'tester', subscription, wake: () => { woken++ } })
  const eventOf = (issue: number): PlacedEvent => ({
    position: '1',
    event: { event_id: `evt_${issue}`, event_type: 'code_ready', publisher: 'a', publisher_type: 'b', topic: 'testing', data: { issue_id: `issue-${issue}`, status: 'success' }, timestamp: new Date().toISOString(), ttl_seconds: 60 }
  })
  const nobody = Array.from({ length: 100 }, (_, index) => eventOf(WAITERS + index))
  const somebody = Array.from({ length: 100 }, (_, index) => eventOf(index * 97))
  const events = subject.quick ? 1000 : EVENTS
  const time = (placed: readonly PlacedEvent[]): number => {
    const started = performance.now()
    for (let event = 0; event < events; event++) announce(placed[event % placed.length]!)
    return (performance.now() - started) * 1000 / events
  }
  const scan = (): number => {
    const started = performance.now()
    let found = 0
    for (let event = 0; event < SCANS; event++) for (const { matches } of subscriptions) if (matches(nobody[event % nobody.length]!.event)) found++
    if (found > 0) subject.faults.push('a filter matched an event that it does not ask for')
    return (performance.now() - started) * 1000 / SCANS
  }
  const rounds = Array.from({ length: subject.quick ? 1 : ROUNDS }, () => ({ nobody: time(nobody), somebody: time(somebody), scan: scan() }))
  if (woken !== rounds.length * events) subject.faults.push(`${woken} were woken instead of ${rounds.length * events}`)
  subject.figures.push(
    ratio(`an event among ${WAITERS} filters, that nobody waits for`, rounds.map(({ nobody }) => nobody), rounds.map(({ scan }) => scan), 'µs', { note: 'against asking each' }),
    plain('the same, microseconds', Math.min(...rounds.map(({ nobody }) => nobody)), 'µs', { aim: most(1) }),
    plain('and that one waits for', Math.min(...rounds.map(({ somebody }) => somebody)), 'µs')
  )
}
