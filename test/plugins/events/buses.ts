import type { Test } from 'tap'
import type { EventBus } from '../../../core/contracts/index.js'
import type { TestClock } from '../../../core/testing/clock.js'
import { createMemoryBus } from '../../../plugins/events/memory.js'
import type { Retention } from '../../../plugins/events/retention.js'
import { createLogSpy } from '../../support/log-spy.js'
import { quickFolder } from '../../support/temporary.js'
import { openJournal, retentionOf } from './journal/open-journal.js'

export interface BusOptions {
  clock: TestClock
  /** Time that really passes; what the clock says by default. */
  elapsed?: TestClock
  retention?: Partial<Retention>
}

/** The buses that keep events themselves; the journal with segments of some events. */
export const BUSES: [string, (t: Test, options: BusOptions) => Promise<EventBus>][] = [
  ['journal', async (t, options) => (await openJournal(t, await quickFolder(t), { segmentBytes: 8000, ...options })).bus],
  ['memory', async (_t, { clock, elapsed = clock, retention }) => createMemoryBus({ clock, elapsed, retention: retentionOf(retention), log: createLogSpy() })]
]
