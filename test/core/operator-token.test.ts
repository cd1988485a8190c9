import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Auth } from '../../core/contracts/index.js'
import { keepOperatorToken } from '../../core/operator-token.js'
import { eventually } from '../../core/testing/expectations.js'
import { silentLog } from '../../core/testing/log.js'
import { temporaryFolder } from '../support/temporary.js'

/** Gives tokens that live a second, whatever is asked for, as the bound of a chain may have it. */
function createShortAuth (): Auth {
  let issued = 0
  return { supports: { issue: true }, issue: async () => ({ token: `token-${++issued}`, claims: { issued_at: 0, expires_at: 1 } }) } as unknown as Auth
}

t.test('the token of the operator is for the owner alone, and renewed before it ends', async (t) => {
  const storage = await temporaryFolder(t)
  const file = join(storage, 'operator.token')
  const kept = await keepOperatorToken({ auth: createShortAuth(), storage, project: 'sample', ttlSeconds: 3600, log: silentLog })
  t.teardown(() => kept.close())
  t.equal(readFileSync(file, 'utf8'), 'token-1\n')
  t.equal(statSync(file).mode & 0o777, 0o600)
  await eventually(() => readFileSync(file, 'utf8') === 'token-2\n', 'it is renewed')
})

t.test('where tokens come from outside there is none', async (t) => {
  const storage = await temporaryFolder(t)
  const kept = await keepOperatorToken({ auth: { supports: { issue: false } } as unknown as Auth, storage, project: 'sample', ttlSeconds: 3600, log: silentLog })
  kept.close()
  t.throws(() => statSync(join(storage, 'operator.token')), { code: 'ENOENT' })
})
