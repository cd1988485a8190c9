import type { Clock } from '../contracts/common.js'

/** Where a test clock starts: 2026-01-01T00:00:00Z, in ms since the epoch. */
export const TEST_TIME = Date.UTC(2026, 0, 1)

/** A clock that stands still until a test moves it. */
export interface TestClock extends Clock {
  /** Moves it by so many milliseconds; negative ones move it back. */
  advance (ms: number): void
  /** Sets it to milliseconds since the epoch. */
  set (time: number): void
}

export function createTestClock (start = TEST_TIME): TestClock {
  let now = start
  return Object.assign(() => now, {
    advance (ms: number) { now += ms },
    set (time: number) { now = time }
  })
}
