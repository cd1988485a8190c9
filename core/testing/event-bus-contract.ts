import type { EventBus } from '../contracts/event-bus.js'
import { contractTest, lifecycleTests, type ContractFactory, type ContractOptions, type ContractSubject } from './contract-test.js'
import { appendTests } from './event-bus/append.js'
import { deadLetterTests } from './event-bus/dead-letters.js'
import { durabilityTests } from './event-bus/durability.js'
import { groupRetentionTests, groupTests } from './event-bus/groups.js'
import { idempotencyTests } from './event-bus/idempotency.js'
import { liveTests } from './event-bus/live.js'
import { positionTests } from './event-bus/positions.js'
import { readerTests } from './event-bus/readers.js'
import { retentionTests } from './event-bus/retention.js'
import type { TestFunction } from './runner.js'

/** A bus that soon forgets. */
export interface SmallEventBus extends ContractSubject<EventBus> {
  /** How many events per project it promises to retain, at most 100; it may keep up to three times as many. */
  retained: number
}

export interface EventBusContract {
  test: TestFunction
  create: ContractFactory<EventBus>
  /** Without it nothing is said about retention. */
  createSmall?: (options: ContractOptions) => Promise<SmallEventBus>
}

/** Registers the tests that every event bus passes. */
export function eventBusContract ({ test, create, createSmall }: EventBusContract): void {
  const check = contractTest(test, create)
  lifecycleTests(check)
  appendTests(check)
  idempotencyTests(check)
  positionTests(check)
  liveTests(check)
  readerTests(check)
  deadLetterTests(check)
  groupTests(check)
  durabilityTests(check)
  if (createSmall === undefined) return
  const checkSmall = contractTest(test, createSmall)
  retentionTests(checkSmall)
  groupRetentionTests(checkSmall)
}
