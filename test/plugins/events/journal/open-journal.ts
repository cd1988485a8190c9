import { readdirSync } from 'node:fs'
import type { Test } from 'tap'
import type { EventBus, PlacedEvent } from '../../../../core/contracts/index.js'
import { createTestClock, type TestClock } from '../../../../core/testing/clock.js'
import { createJournal, type JournalOptions } from '../../../../plugins/events/journal/journal.js'
import type { Retention } from '../../../../plugins/events/retention.js'
import { createLogSpy, type LogSpy } from '../../../support/log-spy.js'

export const HOUR = 3_600_000
export const LOG = 'event-log.jsonl'
export const DAMAGED = 'event-log.damaged.jsonl'

export interface Opened { bus: EventBus, log: LogSpy, clock: TestClock, directory: string }

export interface OpenOptions extends Partial<Omit<JournalOptions, 'retention'>> {
  clock?: TestClock
  retention?: Partial<Retention>
  /** Another than the product's: one without a safeguard. */
  create?: typeof createJournal
}

export function retentionOf (retention: Partial<Retention> = {}): Retention {
  return { age: 24 * HOUR, count: 10_000, ...retention }
}

/**
 * Opens a journal, closed when the test ends. Opening a folder whose journal is not closed is what a crash looks like.
 * Where a test moves the clock, that much time has passed, unless it gives another clock as `elapsed`.
 */
export async function openJournal (t: Test, directory: string, { retention, create = createJournal, ...options }: OpenOptions = {}): Promise<Opened> {
  const log = createLogSpy()
  const clock = options.clock ?? createTestClock()
  const bus = create({ directory, segmentBytes: 1 << 20, log, elapsed: clock, ...options, retention: retentionOf(retention), clock })
  t.teardown(async () => await bus.close!())
  await bus.open!()
  return { bus, log, clock, directory }
}

export function closedSegments (directory: string): string[] {
  return readdirSync(directory).filter((name) => /^event-log\.\d+\.jsonl$/.test(name)).sort()
}

export function idsOf (items: readonly PlacedEvent[]): string[] {
  return items.map(({ event }) => event.event_id)
}

export function isRising (values: readonly string[]): boolean {
  return values.every((value, index) => index === 0 || value > values[index - 1]!)
}
