import assert from 'node:assert/strict'
import { createHmac, createPublicKey, type JsonWebKey } from 'node:crypto'
import { codeOf } from '../../errors.js'
import { encode, IDENTITY, identityOf, partsOf, refuses, TTL_SECONDS, withTokens, type AuthTest } from './tokens.js'

const GARBAGE = ['', ' ', '.', '..', 'a.b.c', 'garbage', 'null', 'Bearer x', 'é', '\u0000', `${'a'.repeat(20_000)}.b.c`, 'eyJhbGciOiJub25lIn0.e30.']

export function identityTests (check: AuthTest): void {
  check('a token is verified as the identity that it was issued for', async (scope) => {
    await withTokens(scope, async (tokenFor) => {
      const { instance: auth, clock } = scope
      clock.advance(1_500)
      const claims = await auth.verify(await tokenFor())
      assert.deepEqual(identityOf(claims), IDENTITY)
      const now = Math.floor(clock() / 1000)
      assert.deepEqual([claims.issued_at, claims.expires_at], [now, now + TTL_SECONDS], 'times are whole seconds')
      assert.equal(claims.chain_started_at, claims.issued_at)
      assert.ok(claims.jti.length > 0)
    })
  })

  check('issue returns the claims that verify returns', async ({ instance: auth }) => {
    if (!auth.supports.issue) {
      await assert.rejects(auth.issue(IDENTITY, { ttlSeconds: TTL_SECONDS }), 'an auth that does not issue says so')
      return
    }
    const issued = await auth.issue(IDENTITY, { ttlSeconds: TTL_SECONDS })
    assert.deepEqual(await auth.verify(issued.token), issued.claims)
    const other = await auth.issue({ ...IDENTITY, agent_id: 'x.y_z-1', permissions: [] }, { ttlSeconds: 1 })
    assert.deepEqual(await auth.verify(other.token), other.claims)
    assert.deepEqual(other.claims.permissions, [])
  })

  check('every token has a jti of its own', async (scope) => {
    await withTokens(scope, async (tokenFor) => {
      const jtis = await Promise.all(Array.from({ length: 10 }, async () => (await scope.instance.verify(await tokenFor())).jti))
      assert.equal(new Set(jtis).size, 10)
    })
  })

  check('garbage is refused with AUTH_001', async ({ instance: auth }) => {
    for (const token of GARBAGE) await refuses(auth, token, `the token ${JSON.stringify(token.slice(0, 20))}`)
  })

  check('a token that was tampered with is refused with AUTH_001', async (scope) => {
    await withTokens(scope, async (tokenFor) => {
      const { instance: auth } = scope
      const token = await tokenFor()
      await auth.verify(token)
      for (const position of [5, Math.floor(token.length / 2), token.length - 20]) {
        const changed = token[position] === 'A' ? 'B' : 'A'
        await refuses(auth, token.slice(0, position) + changed + token.slice(position + 1), `a token changed at ${position}`)
      }
      await refuses(auth, token.slice(0, -20), 'a token cut short')
      await refuses(auth, `${token}.x`, 'a token with more behind it')
      const parts = partsOf(token)
      if (parts === undefined) return
      const { raw: [header, , signature], payload } = parts
      await refuses(auth, `${header}.${encode({ ...payload, permissions: ['admin'] })}.${signature}`, 'a token with another permission')
      await refuses(auth, `${header}.${encode({ ...payload, project_id: 'shop-2' })}.${signature}`, 'a token with another project')
    })
  })

  check('a token without a signature, or signed with a public key as secret, is refused with AUTH_001', async (scope) => {
    await withTokens(scope, async (tokenFor) => {
      const { instance: auth } = scope
      const parts = partsOf(await tokenFor())
      if (parts === undefined) return
      const { header, raw: [, payload] } = parts
      for (const alg of ['none', 'None', 'NONE']) await refuses(auth, `${encode({ ...header, alg })}.${payload}.`, `a token with the algorithm '${alg}'`)
      for (const jwk of (await auth.publicKeys()).keys) {
        const publicKey = createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' })
        const signed = `${encode({ ...header, alg: 'HS256', kid: jwk.kid })}.${payload}`
        for (const secret of [publicKey.export({ type: 'spki', format: 'pem' }), publicKey.export({ type: 'spki', format: 'der' }), JSON.stringify(jwk)]) {
          await refuses(auth, `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`, 'a token signed with a public key')
        }
      }
    })
  })

  check('a token of another issuer is refused with AUTH_001', async ({ instance: auth, another }) => {
    const other = await another()
    if (!other.supports.issue) return
    const { token } = await other.issue(IDENTITY, { ttlSeconds: TTL_SECONDS })
    await other.verify(token)
    await refuses(auth, token, 'a token signed with the keys of another')
  })

  check('a token is refused with AUTH_002 once it has expired by the clock', async (scope) => {
    await withTokens(scope, async (tokenFor) => {
      const { instance: auth, clock } = scope
      const short = await tokenFor(IDENTITY, 600)
      const long = await tokenFor(IDENTITY, 6_000)
      clock.advance(599_000)
      await auth.verify(short)
      // Two minutes leave room for a tolerance of clocks.
      clock.advance(121_000)
      await refuses(auth, short, 'an expired token', 'AUTH_002')
      await auth.verify(long)
    })
  })

  check('what is refused says why in words, and shows no token', async (scope) => {
    await withTokens(scope, async (tokenFor) => {
      const token = await tokenFor()
      try {
        await scope.instance.verify(token.slice(0, -20))
      } catch (error) {
        assert.equal(codeOf(error), 'AUTH_001')
        assert.ok(error instanceof Error && error.message.length > 0)
        assert.ok(!error.message.includes(token.slice(0, 40)))
        return
      }
      assert.fail('a token cut short must be refused')
    })
  })
}
