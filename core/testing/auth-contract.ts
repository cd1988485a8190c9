import type { Auth, Identity } from '../contracts/auth.js'
import { identityTests } from './auth/identity.js'
import { keyTests } from './auth/keys.js'
import { refreshTests } from './auth/refresh.js'
import { revocationTests } from './auth/revocation.js'
import { contractTest, lifecycleTests, type ContractOptions, type ContractSubject } from './contract-test.js'
import type { TestFunction } from './runner.js'

export interface AuthSubject extends ContractSubject<Auth> {
  /**
   * Makes a token as the outside issuer would, valid from now by the clock: what holds for any token is then tested with these.
   * Without it and where `supports.issue` is false, only refusals are tested.
   */
  mint? (identity: Identity, options: { ttlSeconds: number }): Promise<string>
}

export interface AuthContract {
  test: TestFunction
  /** Each subject has keys of its own. With `reopen` the suite holds it to keeping keys and revocations. */
  create: (options: ContractOptions) => Promise<AuthSubject>
}

/** Registers the tests that every auth passes. */
export function authContract ({ test, create }: AuthContract): void {
  const check = contractTest(test, create)
  lifecycleTests(check)
  identityTests(check)
  revocationTests(check)
  refreshTests(check)
  keyTests(check)
}
