import type { Requirement } from '../contracts/agent-profile.js'
import type { ContextStrategy } from '../contracts/context-strategy.js'
import { abortTests } from './context-strategy/abort.js'
import { itemTests } from './context-strategy/items.js'
import { purityTests } from './context-strategy/purity.js'
import { contractTest, lifecycleTests, type ContractFactory } from './contract-test.js'
import type { TestFunction } from './runner.js'

export interface ContextStrategyContract {
  test: TestFunction
  create: ContractFactory<ContextStrategy>
  /** What the suite asks of the strategy; by default each name that it satisfies, without parameters. */
  requirements?: readonly Requirement[]
}

/** Registers the tests that every context strategy passes, on the project of `createSampleProject()`. */
export function contextStrategyContract ({ test, create, requirements }: ContextStrategyContract): void {
  const check = contractTest(test, create)
  lifecycleTests(check)
  itemTests(check, requirements)
  purityTests(check, requirements)
  abortTests(check, requirements)
}
