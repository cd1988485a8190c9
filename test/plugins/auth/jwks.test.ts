import { createHmac, createPublicKey, generateKeyPairSync } from 'node:crypto'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Auth, JsonObject } from '../../../core/contracts/index.js'
import { encode, IDENTITY } from '../../../core/testing/auth/tokens.js'
import { createTestClock, type TestClock } from '../../../core/testing/clock.js'
import { createFromPlugin, createPluginContext } from '../../../core/testing/index.js'
import jwks from '../../../plugins/auth/jwks/index.js'
import { startIssuer, type Issuer } from '../../support/issuer.js'
import { createLogSpy } from '../../support/log-spy.js'
import { startSidecar } from '../../support/sidecar.js'
import { quickFolder } from '../../support/temporary.js'

interface Stage { issuer: Issuer, auth: Auth, clock: TestClock, log: ReturnType<typeof createLogSpy>, mint (payload?: object, header?: object, ttl?: number): string }

async function stage (t: Test, options: object = {}): Promise<Stage> {
  const issuer = await startIssuer(t)
  const [clock, log] = [createTestClock(), createLogSpy()]
  const auth = await createFromPlugin<'auth'>(jwks, { issuer: issuer.name, audience: ['cco-agents', 'others'], jwksUrl: issuer.url, ownTokens: false, ...options }, createPluginContext({ storage: join(await quickFolder(t), 'storage'), clock, log }))
  await auth.open!()
  return { issuer, auth, clock, log, mint: (payload = {}, header = {}, ttl = 600) => issuer.mint(clock, IDENTITY, ttl, { payload, header }) }
}

t.test('who a token is for, and what it allows, is mapped from the claims of its issuer', async (t) => {
  const { auth, mint } = await stage(t, {
    claims: { agentId: 'client_id', agentType: 'https://login.example/type', permissions: 'realm.roles' },
    defaults: { projectId: 'shop', agentType: 'test-engineer' },
    permissions: { reader: 'read_context', boss: 'admin' }
  })
  const claims = { client_id: 'bot-1', agent_type: undefined, project_id: undefined, permissions: ['admin'], realm: { roles: ['reader', 'gardener', 'reader', 'constructor', 7] } }
  t.match(await auth.verify(mint(claims)), { agent_id: 'bot-1', agent_type: 'test-engineer', project_id: 'shop', permissions: ['read_context'] })
  t.match(await auth.verify(mint({ ...claims, 'https://login.example/type': 'code-reviewer', realm: { roles: 'boss reader' } })), { agent_type: 'code-reviewer', permissions: ['admin', 'read_context'] })
  for (const wrong of [{ client_id: undefined }, { client_id: '../x' }, { client_id: 'a b' }, { client_id: ['bot-1'] }, { client_id: { toString: 'x' } }, { project_id: 'x/y' }]) {
    await t.rejects(auth.verify(mint({ ...claims, ...wrong })), { code: 'AUTH_001', message: /is no identifier/ }, JSON.stringify(wrong))
  }
  t.strictSame((await auth.verify(mint({ ...claims, realm: undefined }))).permissions, [])
})

t.test('tokens that are not of this issuer, for this audience and of this time are refused', async (t) => {
  const { auth, mint, clock, issuer } = await stage(t)
  const now = clock() / 1000
  await auth.verify(mint())
  for (const good of [{ aud: ['x', 'others'] }, { nbf: now + 20 }, { iat: now + 20 }, { iat: now - 0.5 }, { jti: undefined }]) await auth.verify(mint(good))
  const bad: Record<string, object> = {
    'another issuer': { iss: 'https://login.example/' },
    'an issuer in a list': { iss: [issuer.name] },
    'another audience': { aud: 'x' },
    'no audience': { aud: undefined },
    'audience in an object': { aud: { 0: 'others' } },
    'no end': { exp: undefined },
    'end as text': { exp: String(now + 60) },
    'no beginning': { iat: undefined },
    'a time of tomorrow': { iat: now + 86_400, exp: now + 90_000 },
    'not before tomorrow': { nbf: now + 86_400 },
    'a life of days': { exp: now + 86_401 },
    'an odd identifier': { jti: 7 }
  }
  for (const [what, payload] of Object.entries(bad)) await t.rejects(auth.verify(mint(payload)), { code: 'AUTH_001' }, what)
  await t.rejects(auth.verify(mint({ exp: now - 31, iat: now - 600 })), { code: 'AUTH_002' })
})

t.test('only pinned algorithms, with keys of their kind, count', async (t) => {
  const { auth, mint, issuer, clock } = await stage(t, { algorithms: ['RS256', 'EdDSA'] })
  const [own] = issuer.keys as [Issuer['keys'][number]]
  const foreign = issuer.makeKey()
  const forge = (header: object, key = foreign): string => issuer.mint(clock, IDENTITY, 600, { header, key })
  const pem = own.publicKey.export({ type: 'spki', format: 'pem' })
  const text = `${encode({ alg: 'HS256', typ: 'JWT', kid: own.kid })}.${mint().split('.')[1]}`
  const forged: Record<string, string> = {
    'signed by somebody else': forge({ kid: own.kid }),
    'with the key inside': forge({ jwk: foreign.publicKey.export({ format: 'jwk' }) }),
    'with an address of keys': forge({ kid: own.kid, jku: 'http://127.0.0.1:1/' }),
    'alg none': `${encode({ alg: 'none', kid: own.kid })}.${mint().split('.')[1]}.`,
    'HMAC with the public key': `${text}.${createHmac('sha256', pem).update(text).digest('base64url')}`,
    'an algorithm that is not pinned': mint({}, { alg: 'RS512' }),
    'the algorithm of another kind of key': mint({}, { alg: 'EdDSA' }),
    'without a kid': mint({}, { kid: undefined }),
    'a kid of another type': mint({}, { kid: [own.kid] }),
    'a critical extension': mint({}, { crit: ['x'], x: 1 }),
    'a token for something else': mint({}, { typ: 'logout+jwt' })
  }
  for (const [what, token] of Object.entries(forged)) await t.rejects(auth.verify(token), { code: 'AUTH_001' }, what)
  const small = generateKeyPairSync('rsa', { modulusLength: 1024 })
  const curve = issuer.makeKey('EdDSA')
  issuer.keys = [own, curve, { ...foreign, kid: 'small', ...small }, issuer.makeKey('ES256')]
  clock.advance(601_000)
  await auth.verify(issuer.mint(clock, IDENTITY, 600, { key: curve }))
  await t.rejects(auth.verify(issuer.mint(clock, IDENTITY, 600, { key: issuer.keys[2]! })), { code: 'AUTH_001' }, 'a key of 1024 bits')
  await t.rejects(auth.verify(issuer.mint(clock, IDENTITY, 600, { key: issuer.keys[3]! })), { code: 'AUTH_001' }, 'a key for an algorithm that is not pinned')
  t.strictSame((await auth.publicKeys()).keys.map(({ kid }) => kid), [own.kid, curve.kid])
})

t.test('keys are fetched when they are old or unknown, and not more often than that', async (t) => {
  const { auth, mint, issuer, clock, log } = await stage(t, { cacheSeconds: 600, cooldownSeconds: 30, staleSeconds: 300 })
  t.equal(issuer.asked, 1)
  const [own] = issuer.keys as [Issuer['keys'][number]]
  const long = mint({}, {}, 6000)
  for (let again = 0; again < 5; again++) await auth.verify(mint())
  t.equal(issuer.asked, 1, 'from memory')
  const next = issuer.makeKey()
  const early = issuer.mint(clock, IDENTITY, 6000, { key: next })
  await t.rejects(auth.verify(early), { code: 'AUTH_001' })
  t.equal(issuer.asked, 1, 'an unknown key so soon asks nobody')
  issuer.keys = [next, own]
  clock.advance(31_000)
  await Promise.all(Array.from({ length: 20 }, () => auth.verify(early)))
  t.equal(issuer.asked, 2, 'the key of a rotation is found by one fetch')
  for (let again = 0; again < 20; again++) await t.rejects(auth.verify(mint({}, { kid: `unknown-${again}` })), { code: 'AUTH_001' })
  t.equal(issuer.asked, 2, 'garbage does not make us ask')
  await auth.verify(long)
  issuer.keys = [next]
  clock.advance(601_000)
  await t.rejects(auth.verify(long), { code: 'AUTH_001' }, 'a key that was taken back verifies no more, also what it had verified')
  await auth.verify(early)
  issuer.answer = (_request, response) => { response.writeHead(500).end() }
  clock.advance(601_000)
  await auth.verify(early)
  t.match(log.said.warn, ['the keys of the issuer could not be fetched'], 'old keys are believed for a while')
  clock.advance(300_000)
  await t.rejects(auth.verify(early), { code: 'SRV_002' })
  await t.rejects(auth.verify('garbage'), { code: 'AUTH_001' })
  issuer.answer = undefined
  clock.advance(31_000)
  await auth.verify(early)
})

t.test('a fetch is bounded, and what it brings is checked', async (t) => {
  const answers: Record<string, Issuer['answer'] & object> = {
    'a redirect': (_request, response) => { response.writeHead(302, { location: '/elsewhere' }).end() },
    'an error': (_request, response) => { response.writeHead(503).end('{}') },
    'no JSON': (_request, response) => { response.end('<html>') },
    'no keys': (_request, response) => { response.end('{"keys":[]}') },
    null: (_request, response) => { response.end('null') },
    'a secret': (_request, response) => { response.end('{"keys":[{"kty":"oct","k":"AAAA","kid":"x","alg":"RS256"}]}') },
    'no end': (_request, response) => { response.write('{"keys":[') },
    'too much': (_request, response) => {
      const more = (): void => { while (!response.destroyed && response.write('x'.repeat(65_536))); }
      response.on('drain', more).on('error', () => {})
      more()
    }
  }
  const issuer = await startIssuer(t)
  const open = async (): Promise<void> => {
    const auth = await createFromPlugin<'auth'>(jwks, { issuer: issuer.name, audience: ['x'], jwksUrl: issuer.url, timeoutMs: 300 }, createPluginContext({ storage: await quickFolder(t), clock: createTestClock() }))
    await auth.open!()
  }
  for (const [what, answer] of Object.entries(answers)) {
    issuer.answer = answer
    await t.rejects(open(), { code: 'SIDECAR_ERR_PLUGIN_OPEN', message: /cannot be fetched from http/ }, what)
  }
  for (const jwksUrl of ['http://login.example/keys', 'ftp://127.0.0.1/', 'file:///etc/passwd', 'https://user:secret@login.example/', 'keys.json', 'http://127.0.0.1.example/']) {
    const made = createFromPlugin<'auth'>(jwks, { issuer: 'x', audience: ['x'], jwksUrl }, createPluginContext({ storage: await quickFolder(t), clock: createTestClock() }))
    await t.rejects(made, { code: 'SIDECAR_ERR_PLUGIN_OPTIONS', message: /^(?!.*secret)/ }, jwksUrl)
  }
})

t.test('a private key that an issuer publishes by mistake is not passed on', async (t) => {
  const { auth, issuer, clock } = await stage(t)
  const { privateKey, kid } = issuer.keys[0]!
  issuer.answer = (_request, response) => { response.end(JSON.stringify({ keys: [{ ...privateKey.export({ format: 'jwk' }) as JsonObject, kid }] })) }
  clock.advance(601_000)
  await auth.verify(issuer.mint(clock, IDENTITY, 60))
  const [key] = (await auth.publicKeys()).keys
  t.notOk(key !== undefined && 'd' in key)
  t.ok(createPublicKey({ key: key as never, format: 'jwk' }))
})

t.test('a sidecar lives on tokens of an outside issuer', async (t) => {
  const issuer = await startIssuer(t)
  const { ask } = await startSidecar(t, {
    plugins: [{ use: 'auth/jwks', options: { issuer: issuer.name, audience: ['cco-agents'], jwksUrl: issuer.url } }]
  })
  const token = issuer.mint(Date.now, { ...IDENTITY, project_id: 'sample' }, 600)
  t.equal((await ask('GET', '/api/profiles', { token })).status, 200)
  t.equal((await ask('GET', '/api/profiles', { token: `${token}x` })).status, 401)
  t.match(await ask('DELETE', '/api/cache/all', { token }), { status: 403 })
  const admin = issuer.mint(Date.now, { ...IDENTITY, project_id: 'sample', permissions: ['admin'] }, 600)
  t.equal((await ask('DELETE', '/api/cache/all', { token: admin })).status, 200)
  t.equal((await ask('POST', '/api/tokens/revoke', { token: admin, body: { agent_id: IDENTITY.agent_id } })).status, 200)
  t.equal((await ask('GET', '/api/profiles', { token })).status, 401)
})
