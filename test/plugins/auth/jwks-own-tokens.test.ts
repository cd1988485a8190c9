import { createPrivateKey, createPublicKey, sign, type KeyObject } from 'node:crypto'
import { existsSync } from 'node:fs'
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Auth, Identity } from '../../../core/contracts/index.js'
import { encode, IDENTITY, partsOf } from '../../../core/testing/auth/tokens.js'
import { createTestClock, type TestClock } from '../../../core/testing/clock.js'
import { createFromPlugin, createPluginContext } from '../../../core/testing/index.js'
import jwks from '../../../plugins/auth/jwks/index.js'
import { openKeyring } from '../../../plugins/auth/shared/keyring.js'
import { Caller, finish, openFleet, told } from '../../support/fleet-caller.js'
import { startIssuer, type Issuer, type IssuerKey } from '../../support/issuer.js'
import { startSidecar, type Answer } from '../../support/sidecar.js'
import { quickFolder, temporaryFolder } from '../../support/temporary.js'

const ALGORITHMS = ['RS256', 'RS512', 'PS256']

/** A key of a sidecar, made once: that takes longer than all else here. */
const ring = join(await temporaryFolder(t, 'cco-ring'), 'keyring.json')
const [made] = await openKeyring(ring, 0) as [Awaited<ReturnType<typeof openKeyring>>[number]]
const own: IssuerKey = { kid: made.kid, alg: 'RS256', privateKey: createPrivateKey(made.private_pem), publicKey: createPublicKey(made.public_pem) }

interface Stage { issuer: Issuer, auth: Auth, clock: TestClock, reopen (): Promise<Auth> }

async function stage (t: Test, options: object = {}): Promise<Stage> {
  const issuer = await startIssuer(t)
  const clock = createTestClock()
  const storage = await quickFolder(t)
  await mkdir(join(storage, 'keys'), { mode: 0o700 })
  await cp(ring, join(storage, 'keys', 'keyring.json'))
  const reopen = async (): Promise<Auth> => {
    const auth = await createFromPlugin<'auth'>(jwks, { issuer: issuer.name, audience: ['cco-agents', 'others'], algorithms: ALGORITHMS, jwksUrl: issuer.url, ...options }, createPluginContext({ storage, clock }))
    await auth.open!()
    return auth
  }
  return { issuer, clock, auth: await reopen(), reopen }
}

/** Signs whatever it is given; `payload` may be a text, which need not be what an encoder would write. */
function forge (header: object, payload: object | string, key: KeyObject, hash = 'sha256'): string {
  const text = `${encode(header)}.${typeof payload === 'string' ? Buffer.from(payload).toString('base64url') : encode(payload)}`
  return `${text}.${sign(hash, Buffer.from(text), key).toString('base64url')}`
}

t.test('a token of either issuer is never taken for one of the other', async (t) => {
  const { issuer, auth, clock } = await stage(t)
  const [theirs] = issuer.keys as [IssuerKey]
  const issued = await auth.issue(IDENTITY, { ttlSeconds: 600 })
  const { header, payload } = partsOf(issued.token)!
  const outside = partsOf(issuer.mint(clock, IDENTITY, 600))!
  const named = (kid: string, alg = 'RS256'): object => ({ alg, typ: 'JWT', kid })
  t.notOk('issuer' in await auth.verify(issued.token))
  t.equal((await auth.verify(forge(outside.header, outside.payload, theirs.privateKey))).issuer, issuer.name, 'a forgery that is right in everything is taken: what follows is refused for what it says')
  await auth.verify(forge(header, payload, own.privateKey))

  const forged: Record<string, string> = {
    'our claims, signed there': forge(named(theirs.kid), payload, theirs.privateKey),
    'our claims and our kid, signed there': forge(named(own.kid), payload, theirs.privateKey),
    'their claims, signed here': forge(named(own.kid), outside.payload, own.privateKey),
    'their claims and their kid, signed here': forge(named(theirs.kid), outside.payload, own.privateKey),
    'their claims in our name, signed here': forge(named(own.kid), { ...outside.payload, iss: 'cco-sidecar' }, own.privateKey),
    'our claims in their name, signed here': forge(named(own.kid), { ...payload, iss: issuer.name }, own.privateKey),
    'our token for their audience': forge(named(own.kid), { ...payload, aud: 'others' }, own.privateKey),
    'our token for both audiences': forge(named(own.kid), { ...payload, aud: ['cco-agents', 'others'] }, own.privateKey),
    'our token with an algorithm that is pinned for them alone': forge(named(own.kid, 'RS512'), payload, own.privateKey, 'sha512'),
    'our name twice and theirs last, signed here': forge(named(own.kid), `{"iss":"cco-sidecar",${JSON.stringify(payload).slice(1, -1)},"iss":"${issuer.name}"}`, own.privateKey),
    'their name first and ours last, signed there': forge(named(theirs.kid), `${JSON.stringify(outside.payload).slice(0, -1)},"iss":"cco-sidecar"}`, theirs.privateKey)
  }
  for (const iss of [['cco-sidecar'], ['cco-sidecar', issuer.name], [issuer.name], 'CCO-SIDECAR', 'cco-sidecar ', 'cco-sidecar\u0000', null, undefined, '', {}, 0]) {
    forged[`iss ${JSON.stringify(iss)}, our claims signed here`] = forge(named(own.kid), { ...payload, iss }, own.privateKey)
    forged[`iss ${JSON.stringify(iss)}, their claims signed there`] = forge(named(theirs.kid), { ...outside.payload, iss }, theirs.privateKey)
  }
  for (const [what, token] of Object.entries(forged)) await t.rejects(auth.verify(token), { code: 'AUTH_001' }, what)
})

t.test('an issuer that publishes a key under the name of ours gains nothing, and is kept out of our key set', async (t) => {
  const { issuer, auth, clock } = await stage(t)
  const { token } = await auth.issue(IDENTITY, { ttlSeconds: 6000 })
  const { payload } = partsOf(token)!
  const twin = { ...issuer.keys[0]!, kid: own.kid }
  issuer.keys = [twin]
  clock.advance(601_000)
  t.equal((await auth.verify(issuer.mint(clock, IDENTITY, 600, { key: twin }))).issuer, issuer.name, 'in its own name it is good')
  await t.rejects(auth.verify(forge({ alg: 'RS256', typ: 'JWT', kid: own.kid }, payload, twin.privateKey)), { code: 'AUTH_001' })
  await auth.verify(token)
  const { keys } = await auth.publicKeys()
  t.strictSame(keys.map(({ kid, n }) => [kid, n]), [[own.kid, own.publicKey.export({ format: 'jwk' }).n]])
})

t.test('what was verified of one issuer is judged by that one again', async (t) => {
  const { issuer, auth, clock } = await stage(t)
  const outside = issuer.mint(clock, IDENTITY, 6000)
  const { token } = await auth.issue(IDENTITY, { ttlSeconds: 6000 })
  for (const one of [outside, token]) await auth.verify(one)
  issuer.keys = [issuer.makeKey()]
  clock.advance(601_000)
  await t.rejects(auth.verify(outside), { code: 'AUTH_001' }, 'its key was taken back')
  await auth.verify(token)
  issuer.answer = (_request, response) => { response.writeHead(500).end() }
  clock.advance(4_300_000)
  await t.rejects(auth.verify(outside), { code: 'SRV_002' })
  await auth.verify(token)
  clock.advance(1_200_000)
  await t.rejects(auth.verify(token), { code: 'AUTH_002' })
})

t.test('revoking reaches the tokens of both, over a restart, and no neighbour', async (t) => {
  const { issuer, auth, clock, reopen } = await stage(t)
  const neighbour: Identity = { ...IDENTITY, agent_id: 'debugger-1' }
  const [theirs, kept] = [issuer.mint(clock, IDENTITY, 600), issuer.mint(clock, neighbour, 600)]
  const [ours, keptToo] = await Promise.all([IDENTITY, neighbour].map(async (identity) => (await auth.issue(identity, { ttlSeconds: 600 })).token)) as [string, string]
  const single = issuer.mint(clock, neighbour, 600)
  t.strictSame(await auth.revoke({ jti: (await auth.verify(single)).jti }), { revoked: 1 })
  t.strictSame(await auth.revoke({ jti: (await auth.verify(single).catch(() => ({ jti: String(partsOf(single)!.payload.jti) }))).jti }), { revoked: 0 }, 'twice is once')
  await auth.revoke({ project_id: IDENTITY.project_id, agent_id: IDENTITY.agent_id })
  for (const instance of [auth, await reopen()]) {
    for (const token of [theirs, ours, single]) await t.rejects(instance.verify(token), { code: 'AUTH_001' })
    for (const token of [kept, keptToo]) await instance.verify(token)
  }
})

t.test('an issuer of our own name is refused', async (t) => {
  const made = (more: object): Promise<Auth> => createFromPlugin<'auth'>(jwks, { issuer: 'cco-sidecar', audience: ['x'], jwksUrl: 'http://127.0.0.1:1/', ...more }, createPluginContext({ storage: '/nonexistent', clock: createTestClock() }))
  await t.rejects(made({}), { code: 'SIDECAR_ERR_PLUGIN_OPTIONS', message: /'cco-sidecar'.*ownTokens to false/ })
  await made({ ownTokens: false })
})

t.test('a sidecar of an outside issuer starts agents with tokens of its own', async (t) => {
  const issuer = await startIssuer(t)
  const fleet = await openFleet(t, { plugins: [{ use: 'auth/jwks', options: { issuer: issuer.name, audience: ['cco-agents'], jwksUrl: issuer.url } }] })
  const mint = (permissions: string[], payload: object = {}, ttl = 600): string => issuer.mint(Date.now, { ...IDENTITY, agent_id: 'lead-1', agent_type: 'chief-architect', project_id: 'sample', permissions: permissions as Identity['permissions'] }, ttl, { payload })
  const lead = mint(['read_context', 'spawn_agents', 'write_results'])

  await t.test('the operator has a token in the storage', async (t) => {
    const file = (await readFile(join(fleet.storage, 'operator.token'), 'utf8')).trim()
    t.match(partsOf(file)!.payload, { iss: 'cco-sidecar', sub: 'operator', permissions: ['admin'] })
    t.equal((await fleet.ask('DELETE', '/api/cache/all', { token: file })).status, 200)
  })

  await t.test('an agent gets a token that is bounded, its own, and ends with it', async (t) => {
    const caller = new Caller(t, async (method, url, options = {}) => await fleet.ask(method, url, { token: lead, ...options }), fleet.storage)
    const agent = await caller.spawn('later success')
    await told(agent, 'ready')
    const { payload, header } = partsOf(agent.token)!
    t.match(payload, { iss: 'cco-sidecar', aud: 'cco-agents', sub: agent.id, project_id: 'sample' })
    t.strictSame(payload.permissions, ['read_context', 'write_results'], 'no more than who asked for it may, and than its profile says')
    t.ok(Number(payload.exp) - Number(payload.iat) <= 3600)
    const { body } = await fleet.ask('GET', '/.well-known/jwks.json', { token: '' })
    t.strictSame(body.keys.map(({ kid }: { kid: string }) => kid), [header.kid])
    await finish(agent)
    t.match(await caller.ended(agent.id), { state: 'completed' }, 'it stored its result with that token')
    t.match(await caller.ask('GET', '/api/agents', { token: agent.token }), { status: 401, body: { code: 'AUTH_001' } })
  })

  await t.test('who may start agents issues tokens for its own project, and none that can do more than itself', async (t) => {
    const { status, body } = await fleet.ask('POST', '/api/tokens', { token: lead, body: { agent_type: 'chief-architect' } })
    t.match([status, body.permissions], [201, ['read_context', 'write_results', 'spawn_agents']])
    t.equal((await fleet.ask('POST', '/api/tokens', { token: lead, body: { agent_type: 'chief-architect', project_id: 'elsewhere' } })).status, 403)
    t.equal((await fleet.ask('POST', '/api/tokens', { token: mint(['read_context']), body: { agent_type: 'chief-architect' } })).status, 403)
  })

  await t.test('a token of the issuer is renewed by nobody else', async (t) => {
    // A life of which one more would be longer.
    const short = mint(['read_context', 'spawn_agents'], { iat: Math.floor(Date.now() / 1000) - 400 }, 200)
    const answer: Answer = await fleet.ask('GET', '/api/profiles', { token: short })
    t.equal(answer.status, 200)
    t.notOk('x-refreshed-token' in answer.headers)
    t.match(await fleet.ask('POST', '/api/tokens/refresh', { token: short }), { status: 400, body: { code: 'VAL_001', message: /login\.example/ } })
    const { body: { token } } = await fleet.ask('POST', '/api/tokens', { token: short, body: { agent_type: 'ai-engineer', ttl_seconds: 200 } })
    t.equal((await fleet.ask('POST', '/api/tokens/refresh', { token })).status, 200, 'unlike one of our own')
  })

  await t.test('nobody acts under a name that the audit log keeps for the sidecar and its operator', async (t) => {
    for (const sub of ['operator', 'sidecar', 'cli']) {
      t.match(await fleet.ask('GET', '/api/profiles', { token: mint(['admin'], { sub }) }), { status: 401, body: { code: 'AUTH_001' } }, sub)
    }
  })
})

t.test('without tokens of its own a sidecar starts no agent, and leaves no token of the operator', async (t) => {
  const issuer = await startIssuer(t)
  const storage = join(await quickFolder(t), 'storage')
  await mkdir(storage, { mode: 0o700 })
  await writeFile(join(storage, 'operator.token'), 'of a start before', { mode: 0o600 })
  const { ask, sidecar } = await startSidecar(t, {
    storage, withoutOperator: true, plugins: [{ use: 'auth/jwks', options: { issuer: issuer.name, audience: ['cco-agents'], jwksUrl: issuer.url, ownTokens: false } }]
  })
  await sidecar.app.listen({ host: '127.0.0.1', port: 0 })
  t.notOk(existsSync(join(storage, 'operator.token')))
  const admin = issuer.mint(Date.now, { ...IDENTITY, project_id: 'sample', permissions: ['admin'] }, 600)
  t.match(await ask('POST', '/api/tokens', { token: admin, body: { agent_type: 'test-engineer' } }), { status: 400, body: { code: 'VAL_001', message: /login\.example/ } })
  t.match(await ask('POST', '/api/agents/spawn', { token: admin, body: { agent_type: 'test-engineer', issue_id: 'issue-1', task: 'x' } }), { status: 500, body: { code: 'AGT_001', message: /login\.example/ } })
  t.match(await ask('POST', '/api/keys/rotate', { token: admin }), { status: 404, body: { code: 'NOT_001' } })
  t.match((await ask('GET', '/.well-known/jwks.json', { token: '' })).body, { keys: [{ kid: issuer.keys[0]!.kid }] })
})
