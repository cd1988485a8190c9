import assert from 'node:assert/strict'
import type { Claims } from '../../contracts/auth.js'
import { codeOf } from '../../errors.js'
import { rejectsWith } from '../expectations.js'
import { IDENTITY, identityOf, refuses, TTL_SECONDS, type AuthTest } from './tokens.js'

/** How long before the end of its life the suite refreshes a token. */
const LAST_MINUTE_MS = 60_000
const MAX_REFRESHES = 1_000

export function refreshTests (check: AuthTest): void {
  check('refresh gives the same identity a new life, and revokes the old token', async ({ instance: auth, clock }) => {
    if (!auth.supports.issue) return
    const old = await auth.issue(IDENTITY, { ttlSeconds: TTL_SECONDS })
    const beside = await auth.issue(IDENTITY, { ttlSeconds: TTL_SECONDS })
    clock.advance(TTL_SECONDS * 1_000 - LAST_MINUTE_MS)
    const fresh = await auth.refresh(old.claims)
    assert.deepEqual(await auth.verify(fresh.token), fresh.claims)
    assert.deepEqual(identityOf(fresh.claims), IDENTITY)
    assert.equal(fresh.claims.chain_started_at, old.claims.chain_started_at)
    assert.equal(fresh.claims.issued_at, Math.floor(clock() / 1_000))
    assert.ok(fresh.claims.expires_at > old.claims.expires_at)
    assert.notEqual(fresh.claims.jti, old.claims.jti)
    await refuses(auth, old.token, 'a token that was refreshed')
    await auth.verify(beside.token)
  })

  check('refresh is refused with VAL_001 while the token is young, which stays valid', async ({ instance: auth, clock }) => {
    if (!auth.supports.issue) return
    const { token, claims } = await auth.issue(IDENTITY, { ttlSeconds: TTL_SECONDS })
    await rejectsWith('VAL_001', () => auth.refresh(claims), 'refreshing a token at once')
    clock.advance(TTL_SECONDS * 500)
    await rejectsWith('VAL_001', () => auth.refresh(claims), 'refreshing a token at half its life')
    await auth.verify(token)
  })

  check('a chain of refreshes has an end, and is refused with VAL_001 there', async ({ instance: auth, clock }) => {
    if (!auth.supports.issue) return
    const first = await auth.issue(IDENTITY, { ttlSeconds: TTL_SECONDS })
    let claims: Claims = first.claims
    for (let refreshes = 0; refreshes < MAX_REFRESHES; refreshes++) {
      clock.set(Math.max(clock() + 1_000, claims.expires_at * 1_000 - LAST_MINUTE_MS))
      try {
        claims = (await auth.refresh(claims)).claims
      } catch (error) {
        assert.equal(codeOf(error), 'VAL_001')
        assert.ok(refreshes > 0, 'a token of an hour can be refreshed at least once')
        return
      }
      assert.equal(claims.chain_started_at, first.claims.chain_started_at, 'every token of the chain says when it began')
    }
    assert.fail(`a chain did not end within ${MAX_REFRESHES} refreshes`)
  })

  check('a token of an outside issuer is neither refreshed nor continued, however old it is', async ({ instance: auth, subject, clock }) => {
    if (subject.mint === undefined) return
    const token = await subject.mint(IDENTITY, { ttlSeconds: TTL_SECONDS })
    clock.advance(TTL_SECONDS * 1_000 - LAST_MINUTE_MS)
    const claims = await auth.verify(token)
    await rejectsWith('VAL_001', () => auth.refresh(claims), 'refreshing a token of an outside issuer')
    await rejectsWith('VAL_001', () => auth.issue(claims, { ttlSeconds: TTL_SECONDS, continues: claims }), 'continuing a token of an outside issuer')
    await auth.verify(token)
  })

  check('an auth that does not issue does not refresh', async ({ instance: auth, clock }) => {
    if (auth.supports.issue) return
    const now = Math.floor(clock() / 1_000)
    await assert.rejects(auth.refresh({ ...IDENTITY, jti: 'j', issued_at: now - TTL_SECONDS, expires_at: now + 60, chain_started_at: now - TTL_SECONDS }))
  })
}
