import { createHmac, createPublicKey, sign } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { appendFile } from 'node:fs/promises'
import t from 'tap'
import type { Auth, Claims } from '../../../core/contracts/index.js'
import { encode, IDENTITY, partsOf, TTL_SECONDS } from '../../../core/testing/auth/tokens.js'
import { createFromPlugin, createPluginContext } from '../../../core/testing/index.js'
import jwt from '../../../plugins/auth/jwt/index.js'
import type { SigningKey } from '../../../plugins/auth/shared/keyring.js'
import { diskError, interceptFileHandles } from '../../support/file-handle.js'
import { foreign, openAuth, own, type Opened } from './opened-jwt.js'

const HOUR_MS = 3_600_000

/** A token of any header and payload with a right signature over them. */
function signed (header: object | string, payload: object | string, key: SigningKey = own): string {
  const text = [header, payload].map((part) => (typeof part === 'string' ? Buffer.from(part).toString('base64url') : encode(part))).join('.')
  return `${text}.${sign('RSA-SHA256', Buffer.from(text), key.private_pem).toString('base64url')}`
}

async function sampleToken ({ auth }: Opened): Promise<{ token: string, header: Record<string, unknown>, payload: Record<string, unknown> }> {
  const { token } = await auth.issue(IDENTITY, { ttlSeconds: TTL_SECONDS })
  return { token, ...partsOf(token)! }
}

t.test('a token is RS256 with a kid and the claims of the wire contract', async (t) => {
  const opened = await openAuth(t)
  const { header, payload, token } = await sampleToken(opened)
  const now = opened.clock() / 1000
  t.strictSame(header, { alg: 'RS256', typ: 'JWT', kid: own.kid })
  t.strictSame(payload, {
    sub: IDENTITY.agent_id,
    agent_type: IDENTITY.agent_type,
    project_id: IDENTITY.project_id,
    permissions: IDENTITY.permissions,
    iss: 'cco-sidecar',
    aud: 'cco-agents',
    iat: now,
    exp: now + TTL_SECONDS,
    jti: payload.jti,
    chain: now
  })
  t.equal(signed(header, payload), token, 'the signature of this test is that of the plugin')
  t.match(await opened.auth.verify(signed(header, payload)), IDENTITY)
})

t.test('forged tokens are refused with AUTH_001', async (t) => {
  const opened = await openAuth(t)
  const { token, header, payload } = await sampleToken(opened)
  const now = opened.clock() / 1000
  const hmac = (secret: string | Buffer, alg = 'HS256'): string => {
    const text = `${encode({ ...header, alg })}.${encode(payload)}`
    return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
  }
  const [first, second, third] = token.split('.') as [string, string, string]
  const pem = own.public_pem
  const forged: Record<string, string> = {
    'a header with the key inside': signed({ ...header, jwk: createPublicKey(foreign.public_pem).export({ format: 'jwk' }) }, payload, foreign),
    'a header with an address of keys': signed({ ...header, jku: 'http://127.0.0.1:1/keys' }, payload, foreign),
    'a header with a certificate': signed({ ...header, x5c: [foreign.public_pem] }, payload, foreign),
    'the signature of another sidecar under this key\'s name': signed(header, payload, foreign),
    'a token of another sidecar': signed({ ...header, kid: foreign.kid }, payload, foreign),
    'a changed payload': `${first}.${encode({ ...payload, permissions: ['admin'] })}.${third}`,
    'a changed header': `${encode({ ...header, typ: 'x' })}.${second}.${third}`,
    'an empty signature': `${first}.${second}.`,
    'no signature': `${first}.${second}`,
    'a part too many': `${token}.${third}`,
    'a signature of nothing': `..${third}`,
    'padding behind it': `${token}==`,
    'white space behind it': `${token} `,
    'PS256 with an RS256 signature': `${encode({ ...header, alg: 'PS256' })}.${second}.${third}`,
    RS512: signed({ ...header, alg: 'RS512' }, payload),
    'an algorithm in an array': signed({ ...header, alg: ['RS256'] }, payload),
    'no algorithm': signed({ kid: own.kid, typ: 'JWT' }, payload),
    'a header that is no object': signed('[]', payload),
    'a header that is null': signed('null', payload),
    'a header that is no JSON': signed('{', payload),
    'a payload that is no object': signed(header, '"x"'),
    'a payload that is null': signed(header, 'null'),
    'a payload that is an array': signed(header, '[]'),
    'a payload that is no JSON': signed(header, '{"sub":'),
    'a token of 100 kB': signed(header, { ...payload, more: 'x'.repeat(100_000) }),
    'a text of 100 kB': 'x'.repeat(100_000),
    'a million dots': '.'.repeat(1_000_000)
  }
  // The last character of the signature holds two bits of it and four that stand for nothing.
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  for (const unused of [1, 8, 15]) {
    forged[`another spelling of the signature, ${unused}`] = token.slice(0, -1) + letters[letters.indexOf(token.at(-1)!) + unused]!
  }
  for (const alg of ['none', 'None', 'NONE', 'nOnE', 'none ', ' none', '', null, false, 0, [], {}]) {
    for (const [end, what] of [['', 'no signature'], [third, 'the signature of another algorithm']] as const) {
      forged[`alg ${JSON.stringify(alg)} with ${what}`] = `${encode({ ...header, alg })}.${second}.${end}`
    }
  }
  const secrets: Record<string, string | Buffer> = {
    PEM: pem,
    'PEM without its last newline': pem.trimEnd(),
    'PEM behind white space': ` \n\t${pem}`,
    DER: createPublicKey(pem).export({ type: 'spki', format: 'der' }),
    'PKCS 1': createPublicKey(pem).export({ type: 'pkcs1', format: 'pem' }),
    kid: own.kid,
    nothing: ''
  }
  for (const [name, secret] of Object.entries(secrets)) {
    for (const alg of ['HS256', 'hs256', 'RS256']) forged[`${alg} by HMAC with the public key as ${name}`] = hmac(secret, alg)
  }
  for (const kid of ['../../../../dev/null', '/dev/null', 'keyring.json', '', ' ', `${own.kid}\0`, own.kid.toUpperCase(), '__proto__', 'constructor', [own.kid], { 0: own.kid }, null, 0, true]) {
    forged[`kid ${JSON.stringify(kid)}`] = signed({ ...header, kid }, payload)
  }
  forged['no kid'] = signed({ alg: 'RS256', typ: 'JWT' }, payload)
  for (const [claim, values] of Object.entries({
    iss: ['other', '', 'cco-sidecar ', 'CCO-SIDECAR', ['cco-sidecar'], ['cco-sidecar', 'other'], { 0: 'cco-sidecar' }, null, true, undefined],
    aud: ['other', '', ['other'], [], { 0: 'cco-agents' }, null, true, undefined],
    exp: [undefined, null, `${now + 60}`, now + 60.5, Number.MAX_VALUE, 1e16, [now + 60], {}, true],
    iat: [undefined, null, `${now}`, now + 0.5, now + 60, now + 86_400, [now], {}],
    nbf: [now + 60, now - 60, `${now}`, null],
    chain: [undefined, null, `${now}`, [now]],
    sub: [undefined, null, 1, ['test-engineer-1'], {}],
    agent_type: [undefined, null, 1, ['architect']],
    project_id: [undefined, null, 1, ['shop']],
    jti: [undefined, null, 1, []],
    permissions: [undefined, null, 'admin', {}, { length: 1, 0: 'admin' }, ['root'], ['read_context', 'ADMIN'], [['admin']], [null], ['__proto__']]
  })) {
    for (const value of values) forged[`${claim} ${JSON.stringify(value)}`] = signed(header, { ...payload, [claim]: value })
  }
  for (const [what, forgery] of Object.entries(forged)) {
    await t.rejects(opened.auth.verify(forgery), { code: 'AUTH_001' }, what)
    const error = await opened.auth.verify(forgery).catch((reason: Error) => reason) as Error
    if (error.message.includes(forgery.slice(0, 30)) && forgery.trim() !== '') t.fail(`${what}: the message shows the token`)
  }
  t.match(await opened.auth.verify(token), IDENTITY, 'the true one is still accepted')
})

t.test('an expired token is refused with AUTH_002, also one that was verified before', async (t) => {
  const { auth, clock } = await openAuth(t)
  const { token } = await auth.issue(IDENTITY, { ttlSeconds: 60 })
  await auth.verify(token)
  clock.advance(59_999)
  await auth.verify(token)
  clock.advance(1)
  await t.rejects(auth.verify(token), { code: 'AUTH_002' })
  const never = await auth.issue(IDENTITY, { ttlSeconds: 60 })
  clock.advance(61_000)
  await t.rejects(auth.verify(never.token), { code: 'AUTH_002' }, 'also one that was never seen')
})

t.test('a token that was verified before is refused once it is revoked, also after a restart', async (t) => {
  const { auth, clock, reopen, revocations } = await openAuth(t)
  const [byId, byAgent, neighbour] = [
    await auth.issue(IDENTITY, { ttlSeconds: TTL_SECONDS }),
    await auth.issue({ ...IDENTITY, agent_id: 'other' }, { ttlSeconds: TTL_SECONDS }),
    await auth.issue({ ...IDENTITY, agent_id: 'other', project_id: 'shop-2' }, { ttlSeconds: TTL_SECONDS })
  ]
  for (const { token } of [byId, byAgent, neighbour]) await auth.verify(token)
  t.strictSame(await auth.revoke({ jti: byId.claims.jti }), { revoked: 1 })
  t.strictSame(await auth.revoke({ jti: byId.claims.jti }), { revoked: 0 })
  await auth.revoke({ project_id: IDENTITY.project_id, agent_id: 'other' })
  const later = await auth.issue({ ...IDENTITY, agent_id: 'other' }, { ttlSeconds: TTL_SECONDS })
  for (const opened of [auth, await reopen(), await reopen()]) {
    await t.rejects(opened.verify(byId.token), { code: 'AUTH_001' })
    await t.rejects(opened.verify(byAgent.token), { code: 'AUTH_001' })
    await opened.verify(neighbour.token)
    await opened.verify(later.token)
  }
  // When the clock was set back, what is issued next is not taken for what was revoked before.
  clock.advance(-2 * HOUR_MS)
  const reopened = await reopen()
  await reopened.verify((await reopened.issue({ ...IDENTITY, agent_id: 'other' }, { ttlSeconds: TTL_SECONDS })).token)
  clock.advance(48 * HOUR_MS)
  await reopen()
  t.equal(readFileSync(revocations, 'utf8'), '', 'a revocation is forgotten when no token can be left')
})

t.test('revocations outlive failed and torn writes', async (t) => {
  const { auth, reopen, revocations, log } = await openAuth(t)
  const issued = await Promise.all([1, 2, 3].map(async () => await auth.issue(IDENTITY, { ttlSeconds: TTL_SECONDS })))
  const [torn, kept, last] = issued.map(({ claims }) => ({ jti: claims.jti }))
  // A full disk takes a part of the line, and refuses the rest.
  const restore = interceptFileHandles(t, 'sync', async () => { throw diskError('ENOSPC') })
  const restoreData = interceptFileHandles(t, 'datasync', async () => { throw diskError('ENOSPC') })
  await auth.revoke(torn!).then(() => t.comment('the system syncs in another way here'), (error: { code: string }) => t.equal(error.code, 'STR_001'))
  restore()
  restoreData()
  await t.rejects(auth.verify(issued[0]!.token), { code: 'AUTH_001' }, 'it holds all the same')
  await appendFile(revocations, '{"jti":"tok_')
  await auth.revoke(kept!)
  await appendFile(revocations, '{"jti":"tok_')
  const reopened = await reopen()
  await t.rejects(reopened.verify(issued[1]!.token), { code: 'AUTH_001' }, 'what was acknowledged behind a torn line is in force')
  t.ok(log.said.warn.some((message) => message.includes('revocations')))
  await reopened.verify(issued[2]!.token)
  await reopened.revoke(last!)
  await t.rejects((await reopen()).verify(issued[2]!.token), { code: 'AUTH_001' })
})

t.test('refresh', async (t) => {
  t.test('is refused before the last five minutes, and then works once', async (t) => {
    const { auth, clock } = await openAuth(t)
    const { token, claims } = await auth.issue(IDENTITY, { ttlSeconds: TTL_SECONDS })
    clock.advance((TTL_SECONDS - 301) * 1000)
    await t.rejects(auth.refresh(claims), { code: 'VAL_001', message: /last 300 seconds/ })
    await auth.verify(token)
    clock.advance(1000)
    const outcomes = await Promise.allSettled([auth.refresh(claims), auth.refresh(claims), auth.refresh(claims)])
    const renewed = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
    t.equal(renewed.length, 1, 'of several at once one gets a token')
    for (const outcome of outcomes) if (outcome.status === 'rejected') t.match(outcome.reason, { code: 'AUTH_001' })
    await t.rejects(auth.refresh(claims), { code: 'AUTH_001' }, 'a second refresh')
    await t.rejects(auth.verify(token), { code: 'AUTH_001' }, 'the old token is revoked')
    t.match(await auth.verify(renewed[0]!.token), { ...IDENTITY, expires_at: clock() / 1000 + TTL_SECONDS, chain_started_at: claims.chain_started_at })
  })

  t.test('comes to an end: no token of a chain lives beyond its bound', async (t) => {
    const { auth, clock } = await openAuth(t, { chainSeconds: 3 * 3600 })
    let claims: Claims = (await auth.issue(IDENTITY, { ttlSeconds: TTL_SECONDS })).claims
    const begin = claims.chain_started_at
    let refreshes = 0
    for (; refreshes < 100; refreshes++) {
      clock.set((claims.expires_at - 100) * 1000)
      const next = await auth.refresh(claims).catch((error: { code: string }) => error)
      if ('code' in next) {
        t.equal(next.code, 'VAL_001')
        break
      }
      claims = next.claims
      if (claims.expires_at > begin + 3 * 3600) t.fail(`a token until ${claims.expires_at - begin} s after the chain began`)
    }
    t.equal(refreshes, 3)
    t.equal(claims.expires_at, begin + 3 * 3600)
  })
})

t.test('a clock that is set back refuses nothing that was issued before', async (t) => {
  const { auth, clock, reopen } = await openAuth(t)
  const { token } = await auth.issue(IDENTITY, { ttlSeconds: TTL_SECONDS })
  clock.advance(-2 * HOUR_MS)
  await auth.verify(token)
  await auth.verify((await auth.issue(IDENTITY, { ttlSeconds: TTL_SECONDS })).token)
  clock.advance(2 * HOUR_MS - 29_000)
  await (await reopen()).verify(token)
  clock.advance(-2000)
  await t.rejects((await reopen()).verify(token), { code: 'AUTH_001', message: /not valid yet/ }, 'half a minute is allowed for over a restart')
})

t.test('a token names the first of its chain, so that revoking any of them revokes all', async (t) => {
  const { auth, clock, reopen } = await openAuth(t)
  const first = await auth.issue(IDENTITY, { ttlSeconds: TTL_SECONDS })
  clock.advance((TTL_SECONDS - 60) * 1000)
  const second = await auth.issue(IDENTITY, { ttlSeconds: TTL_SECONDS, continues: first.claims })
  const third = await auth.issue(IDENTITY, { ttlSeconds: TTL_SECONDS, continues: second.claims })
  t.match(second.claims.jti, new RegExp(`^${first.claims.jti}\\.tok_`))
  t.match(third.claims.jti, new RegExp(`^${first.claims.jti}\\.tok_[^.]*$`), 'and no longer name than that')
  await auth.verify(third.token)
  t.strictSame(await auth.revoke({ jti: second.claims.jti }), { revoked: 1 })
  t.strictSame(await auth.revoke({ jti: first.claims.jti }), { revoked: 0 })
  for (const opened of [auth, await reopen()]) {
    for (const { token } of [first, second, third]) await t.rejects(opened.verify(token), { code: 'AUTH_001', message: /revoked/ })
    await t.rejects(opened.refresh(third.claims).then(async ({ token }) => await opened.verify(token)), 'nothing follows')
  }
  const agent = { project_id: IDENTITY.project_id, agent_id: IDENTITY.agent_id }
  const chain = await auth.issue(IDENTITY, { ttlSeconds: TTL_SECONDS })
  await auth.revoke(agent)
  const after = await auth.issue(IDENTITY, { ttlSeconds: TTL_SECONDS, continues: chain.claims })
  await auth.verify(after.token)
  await t.rejects(auth.verify(chain.token), { code: 'AUTH_001' }, 'an agent is revoked up to a moment, also within a chain')
})

t.test('a shorter bound of chains does not forget what was revoked, nor an old key', async (t) => {
  const opened = await openAuth(t, { chainSeconds: 28_800 })
  const day = await opened.auth.issue(IDENTITY, { ttlSeconds: 28_800 })
  const shorter = async (): Promise<Auth> => {
    const auth = await createFromPlugin<'auth'>(jwt, { chainSeconds: 60 }, createPluginContext({ storage: opened.storage, clock: opened.clock, log: opened.log }))
    await auth.open!()
    return auth
  }
  await (await shorter()).revoke({ jti: day.claims.jti })
  const kept = await opened.auth.issue(IDENTITY, { ttlSeconds: 28_800 })
  await (await shorter()).rotateKeys!()
  opened.clock.advance(7 * HOUR_MS)
  const auth = await shorter()
  await t.rejects(auth.verify(day.token), { code: 'AUTH_001', message: /revoked/ })
  await auth.verify(kept.token)
})
