import assert from 'node:assert/strict'
import { createPublicKey, verify, type JsonWebKey } from 'node:crypto'
import { IDENTITY, partsOf, TTL_SECONDS, withTokens, type AuthTest } from './tokens.js'

/** Private members of a JSON Web Key (RFC 7518, section 6). */
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']

export function keyTests (check: AuthTest): void {
  check('publicKeys is a key set without private parts', async ({ instance: auth }) => {
    const set = await auth.publicKeys()
    assert.ok(Array.isArray(set.keys))
    if (auth.supports.issue) assert.ok(set.keys.length > 0)
    assert.deepEqual(JSON.parse(JSON.stringify(set)), set)
    for (const key of set.keys) {
      assert.equal(typeof key.kty, 'string')
      assert.notEqual(key.kty, 'oct', 'a shared secret is not public')
      for (const member of PRIVATE_MEMBERS) assert.ok(!(member in key), `'${member}' is private`)
      createPublicKey({ key: key as JsonWebKey, format: 'jwk' })
    }
    const kids = set.keys.map(({ kid }) => kid)
    assert.equal(new Set(kids).size, kids.length, 'each key has a kid of its own')
  })

  check('a token can be verified by anybody with the public keys', async (scope) => {
    await withTokens(scope, async (tokenFor) => {
      // Beside an auth that issues itself, an outside issuer publishes its keys where it is.
      if (scope.instance.supports.issue && scope.subject.mint !== undefined) return
      const parts = partsOf(await tokenFor())
      if (parts === undefined || parts.header.alg !== 'RS256') return
      const { header, raw: [first, second, signature] } = parts
      const key = (await scope.instance.publicKeys()).keys.find(({ kid }) => kid === header.kid)
      assert.ok(key, `the key '${String(header.kid)}' of the token is among the public ones`)
      const publicKey = createPublicKey({ key: key as JsonWebKey, format: 'jwk' })
      assert.ok(verify('RSA-SHA256', Buffer.from(`${first}.${second}`), publicKey, Buffer.from(signature, 'base64url')))
    })
  })

  check('after a rotation old and new tokens verify, both keys are published, and all of it is there after reopening', async ({ instance: auth, subject, clock, reopen }) => {
    if (auth.rotateKeys === undefined || auth.listKeys === undefined) return
    const old = await auth.issue(IDENTITY, { ttlSeconds: TTL_SECONDS })
    const [before] = await auth.listKeys()
    const rotated = await auth.rotateKeys()
    assert.deepEqual(rotated, await auth.listKeys())
    assert.equal(rotated.filter(({ state }) => state === 'signs').length, 1)
    assert.notEqual(rotated[0]?.kid, before?.kid, 'a new key signs')
    const retired = rotated.find(({ kid }) => kid === before?.kid)
    assert.ok(retired?.verifies_until, 'the old key says how long it verifies')
    assert.ok(Date.parse(retired.verifies_until) >= old.claims.expires_at * 1_000, 'as long as its tokens can live')
    for (const instance of subject.reopen === undefined ? [auth] : [auth, await reopen()]) {
      const fresh = await instance.issue(IDENTITY, { ttlSeconds: TTL_SECONDS })
      assert.equal(partsOf(fresh.token)?.header.kid, rotated[0]?.kid)
      assert.deepEqual(await instance.verify(fresh.token), fresh.claims)
      assert.deepEqual(await instance.verify(old.token), old.claims)
      const kids = (await instance.publicKeys()).keys.map(({ kid }) => kid)
      for (const { kid } of rotated) assert.ok(kids.includes(kid), `the key '${kid}' is published`)
    }
    if (subject.reopen === undefined) return
    clock.set(Date.parse(retired.verifies_until) + 1_000)
    const later = await reopen()
    assert.deepEqual((await later.publicKeys()).keys.map(({ kid }) => kid), [rotated[0]?.kid], 'a key whose tokens have ended is forgotten')
  })

  check('keys are there after reopening without close', async ({ instance: auth, subject, reopen }) => {
    if (subject.reopen === undefined || !auth.supports.issue) return
    const issued = await auth.issue(IDENTITY, { ttlSeconds: TTL_SECONDS })
    const { keys } = await auth.publicKeys()
    const reopened = await reopen()
    assert.deepEqual(await reopened.verify(issued.token), issued.claims)
    const kids = (await reopened.publicKeys()).keys.map(({ kid }) => kid)
    for (const { kid } of keys) assert.ok(kids.includes(kid!), `the key '${String(kid)}' is still published`)
    const later = await reopened.issue(IDENTITY, { ttlSeconds: TTL_SECONDS })
    assert.deepEqual(await reopened.verify(later.token), later.claims)
  })
}
