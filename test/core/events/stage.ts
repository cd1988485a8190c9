import type { Claims, EventBus } from '../../../core/contracts/index.js'
import { Events, type Waited, type WaitQuery } from '../../../core/events/events.js'
import { parseSubscription } from '../../../core/events/subscription.js'
import { createTestClock, type TestClock } from '../../../core/testing/clock.js'
import { PROJECT } from '../../../core/testing/event-bus/events.js'
import { silentLog } from '../../../core/testing/log.js'
import { createMemoryBus } from '../../../plugins/events/memory.js'

export const READER = { agent_id: 'test-engineer-1', agent_type: 'test-engineer', project_id: PROJECT, permissions: [] } as unknown as Claims

export interface Stage {
  bus: EventBus
  events: Events
  clock: TestClock
  /** One minute long, of all types, from where the reader is, unless the changes say otherwise. */
  wait (changes?: Partial<WaitQuery> & { type?: string }): Promise<Waited>
}

/** Events over a bus in memory; `wrap` comes between them. */
export function createStage ({ wrap = (bus: EventBus) => bus, count = 10_000, maxWaits = 20_000 } = {}): Stage {
  const clock = createTestClock()
  const bus = createMemoryBus({ clock, retention: { age: 86_400_000, count }, log: silentLog })
  const events = new Events({ bus: wrap(bus), clock, maxWaits, maxRounds: 50, log: silentLog, groups: { rules: { ackWaitSeconds: 30, maxDeliveries: 5 }, maxGroups: 10 }, subscribedAgents: () => [] })
  return {
    bus,
    events,
    clock,
    wait: async ({ type, ...changes } = {}) => await events.wait({
      project: PROJECT, reader: READER, subscription: parseSubscription({ type }), since: undefined, limit: 100, timeoutMs: 60_000, signal: new AbortController().signal, ...changes
    })
  }
}

export function numbers ({ page }: Waited): unknown[] {
  return page.events.map(({ data }) => data.number)
}
