import type { ResultStore } from '../contracts/result-store.js'
import { contractTest, lifecycleTests, type ContractFactory } from './contract-test.js'
import { durabilityTests } from './result-store/durability.js'
import { idempotencyTests } from './result-store/idempotency.js'
import { issueTests } from './result-store/issues.js'
import { listTests } from './result-store/list.js'
import { pagingTests } from './result-store/paging.js'
import { pruneTests } from './result-store/prune.js'
import { putTests } from './result-store/put.js'
import { versionTests } from './result-store/version.js'
import type { TestFunction } from './runner.js'

export interface ResultStoreContract {
  test: TestFunction
  create: ContractFactory<ResultStore>
}

/** Registers the tests that every result store passes. */
export function resultStoreContract ({ test, create }: ResultStoreContract): void {
  const check = contractTest(test, create)
  lifecycleTests(check)
  putTests(check)
  idempotencyTests(check)
  listTests(check)
  pagingTests(check)
  pruneTests(check)
  issueTests(check)
  versionTests(check)
  durabilityTests(check)
}
