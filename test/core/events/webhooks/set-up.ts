import type { EventBus, SidecarEvent } from '../../../../core/contracts/event-bus.js'
import { createPusher } from '../../../../core/events/webhooks/push.js'
import { createTargetGuard } from '../../../../core/events/webhooks/target-guard.js'
import { Webhooks, type WebhooksOptions } from '../../../../core/events/webhooks/webhooks.js'
import { createMemoryBus } from '../../../../plugins/events/memory.js'
import { createLogSpy, type LogSpy } from '../../../support/log-spy.js'

interface Teardown { teardown (handler: () => Promise<void>): unknown }

export interface Setting {
  bus: EventBus
  webhooks: Webhooks
  log: LogSpy
  publish (number: number, more?: Partial<SidecarEvent>, project?: string): Promise<string>
}

export const PROJECT = 'shop'
export const NEIGHBOUR = 'shop-2'

export function memoryBus (clock: () => number = Date.now): EventBus {
  return createMemoryBus({ retention: { age: 86_400_000, count: 10_000 }, clock, log: createLogSpy() })
}

/** Webhooks over a bus in memory that may push to this machine; closed when the test ends. Attempts follow each other quickly. */
export function setUp (t: Teardown, { bus = memoryBus(), timeoutMs, ...more }: Partial<WebhooksOptions> & { timeoutMs?: number } = {}): Setting {
  const log = createLogSpy()
  const guard = createTargetGuard({ allow: ['127.0.0.0/8'] })
  const webhooks = new Webhooks({
    bus,
    guard,
    pusher: createPusher({ guard, userAgent: 'test/1', maxSockets: 64, ...(timeoutMs === undefined ? {} : { timeoutMs }) }),
    projects: () => [PROJECT, NEIGHBOUR],
    maxWebhooks: 5,
    retrySeconds: [0.01, 0.01, 0.01],
    retentionMs: 86_400_000,
    clock: Date.now,
    log,
    ...more
  })
  webhooks.start()
  t.teardown(async () => await webhooks.close(0))
  return {
    bus,
    webhooks,
    log,
    async publish (number, changes = {}, project = PROJECT) {
      const { event } = await bus.append(project, {
        event_type: 'note', publisher: 'ada', publisher_type: 'ai-engineer', topic: 'coordination', data: { number }, ttl_seconds: 3600, ...changes
      })
      return event.event_id
    }
  }
}

export function numbersOf (received: readonly { body: { data: { data: Record<string, unknown> } } }[]): unknown[] {
  return received.map(({ body }) => body.data.data.number)
}
