import assert from 'node:assert/strict'
import { IDENTITY, refuses, TTL_SECONDS, withTokens, type AuthTest } from './tokens.js'

export function revocationTests (check: AuthTest): void {
  check('a token revoked by its jti is refused with AUTH_001, another of the same agent is not', async (scope) => {
    await withTokens(scope, async (tokenFor) => {
      const { instance: auth } = scope
      const [revoked, kept] = [await tokenFor(), await tokenFor()]
      const { jti } = await auth.verify(revoked)
      assert.deepEqual(await auth.revoke({ jti }), { revoked: 1 })
      await refuses(auth, revoked, 'a revoked token')
      await auth.verify(kept)
      await auth.revoke({ jti })
      await refuses(auth, revoked, 'a token revoked twice')
    })
  })

  check('all tokens of a revoked agent are refused with AUTH_001, those of its neighbours are not', async (scope) => {
    await withTokens(scope, async (tokenFor) => {
      const { instance: auth } = scope
      const theirs = [await tokenFor(), await tokenFor()]
      const sameProject = await tokenFor({ ...IDENTITY, agent_id: 'test-engineer-11' })
      const sameName = await tokenFor({ ...IDENTITY, project_id: 'shop-2' })
      const { revoked } = await auth.revoke({ project_id: IDENTITY.project_id, agent_id: IDENTITY.agent_id })
      assert.ok(Number.isInteger(revoked) && revoked >= 0)
      for (const token of theirs) await refuses(auth, token, 'a token of a revoked agent')
      await auth.verify(sameProject)
      await auth.verify(sameName)
    })
  })

  check('revoking what nobody holds resolves and harms nobody', async (scope) => {
    await withTokens(scope, async (tokenFor) => {
      const { instance: auth } = scope
      const token = await tokenFor()
      await auth.revoke({ jti: 'unheard-of' })
      await auth.revoke({ jti: 'constructor' })
      await auth.revoke({ project_id: IDENTITY.project_id, agent_id: 'unheard-of' })
      await auth.verify(token)
    })
  })

  check('revoking a token revokes those that continue its chain, and no other', async ({ instance: auth, clock }) => {
    if (!auth.supports.issue) return
    const first = await auth.issue(IDENTITY, { ttlSeconds: TTL_SECONDS })
    const beside = await auth.issue(IDENTITY, { ttlSeconds: TTL_SECONDS })
    clock.advance((TTL_SECONDS - 60) * 1_000)
    const renewed = await auth.issue(IDENTITY, { ttlSeconds: TTL_SECONDS, continues: first.claims })
    assert.equal(renewed.claims.chain_started_at, first.claims.chain_started_at)
    const refreshed = await auth.refresh(first.claims)
    await auth.verify(refreshed.token)
    await auth.revoke({ jti: first.claims.jti })
    for (const { token } of [first, renewed, refreshed]) await refuses(auth, token, 'a token of a chain that was revoked')
    await auth.verify(beside.token)
  })

  check('many revocations at once all hold', async (scope) => {
    await withTokens(scope, async (tokenFor) => {
      const { instance: auth } = scope
      const tokens = await Promise.all(Array.from({ length: 12 }, () => tokenFor()))
      const jtis = await Promise.all(tokens.map(async (token) => (await auth.verify(token)).jti))
      await Promise.all(jtis.slice(0, 10).map((jti) => auth.revoke({ jti })))
      for (const token of tokens.slice(0, 10)) await refuses(auth, token, 'a revoked token')
      for (const token of tokens.slice(10)) await auth.verify(token)
    })
  })

  check('revocations are there after reopening without close', async (scope) => {
    await withTokens(scope, async (tokenFor) => {
      const { instance: auth, subject, reopen } = scope
      if (subject.reopen === undefined) return
      const [revoked, kept] = [await tokenFor(), await tokenFor()]
      const agent = { ...IDENTITY, agent_id: 'debugger-1' }
      const ofAgent = await tokenFor(agent)
      await auth.revoke({ jti: (await auth.verify(revoked)).jti })
      await auth.revoke({ project_id: agent.project_id, agent_id: agent.agent_id })
      const reopened = await reopen()
      await refuses(reopened, revoked, 'a token revoked before reopening')
      await refuses(reopened, ofAgent, 'a token of an agent revoked before reopening')
      await reopened.verify(kept)
    })
  })
}
