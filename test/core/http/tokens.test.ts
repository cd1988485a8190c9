import { createHmac, createPublicKey, createSign, generateKeyPairSync, verify } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import type { TestSidecar } from '../../support/sidecar.js'
import { temporaryFolder } from '../../support/temporary.js'
import { startDocumented } from './documented.js'
import { writePlugin } from './plugin-file.js'

const MINUTE_MS = 60_000
const TYPES = {
  architect: 'chief-architect',
  coding: 'ai-engineer',
  'qa-security': 'code-reviewer',
  documentation: 'api-documenter',
  support: 'context-manager'
}
/** The table of the wire contract. */
const RIGHTS: Record<keyof typeof TYPES, { permissions: string[], perMinute: number | null, burst: number }> = {
  architect: { permissions: ['read_context', 'write_results', 'publish_events', 'spawn_agents'], perMinute: null, burst: Infinity },
  coding: { permissions: ['read_context', 'write_results', 'publish_events'], perMinute: 60, burst: 10 },
  'qa-security': { permissions: ['read_context', 'write_results', 'publish_events'], perMinute: 60, burst: 10 },
  documentation: { permissions: ['read_context', 'write_results'], perMinute: 30, burst: 5 },
  support: { permissions: ['read_context'], perMinute: 30, burst: 5 }
}

/** What every route asks for; an empty list is any token. */
const NEEDS: [method: 'GET' | 'POST' | 'PUT' | 'DELETE', url: string, permissions: string[]][] = [
  ['POST', '/api/tokens', ['spawn_agents']],
  ['POST', '/api/tokens/refresh', []],
  ['POST', '/api/tokens/revoke', ['admin']],
  ['GET', '/api/keys', ['admin']],
  ['POST', '/api/keys/rotate', ['admin']],
  ['GET', '/api/context/x!/y', ['read_context']],
  ['POST', '/api/results', ['write_results']],
  ['GET', '/api/results', ['read_context']],
  ['GET', '/api/results/absent', ['read_context']],
  ['POST', '/api/results/prune', ['admin']],
  ['PUT', '/api/issues/x', ['write_results']],
  ['GET', '/api/issues/absent', ['read_context']],
  ['POST', '/api/events/publish', ['publish_events']],
  ['GET', '/api/events/wait?timeout=0', []],
  ['GET', '/api/events/wait/any?timeout=0', []],
  ['GET', '/api/events', []],
  ['GET', '/api/events/stream?since=nonsense', []],
  ['GET', '/api/events/dead-letters', ['admin']],
  ['DELETE', '/api/events/dead-letters', ['admin']],
  ['POST', '/api/events/dead-letters/redrive', ['admin']],
  ['DELETE', '/api/events/dead-letters/absent', ['admin']],
  ['POST', '/api/events/dead-letters/absent/redrive', ['admin']],
  ['GET', '/api/events/groups', []],
  ['PUT', '/api/events/groups/absent', []],
  ['GET', '/api/events/groups/absent', []],
  ['DELETE', '/api/events/groups/absent', ['publish_events']],
  ['POST', '/api/events/ack', []],
  ['POST', '/api/events/nack', []],
  ['POST', '/api/events/extend', []],
  ['POST', '/api/webhooks', ['publish_events']],
  ['GET', '/api/webhooks', ['publish_events']],
  ['GET', '/api/webhooks/absent', ['publish_events']],
  ['DELETE', '/api/webhooks/absent', ['publish_events']],
  ['POST', '/api/webhooks/absent/test', ['publish_events']],
  ['POST', '/api/webhooks/absent/enable', ['publish_events']],
  ['POST', '/api/webhooks/absent/disable', ['publish_events']],
  ['POST', '/api/webhooks/absent/secret', ['publish_events']],
  ['POST', '/api/agents/spawn', ['spawn_agents']],
  ['GET', '/api/agents', ['read_context']],
  ['GET', '/api/agents/absent/status', ['read_context']],
  ['GET', '/api/agents/absent/logs', ['read_context']],
  ['DELETE', '/api/agents/absent', ['spawn_agents']],
  ['POST', '/api/agents/absent/retry', ['spawn_agents']],
  ['GET', '/api/workspaces', ['spawn_agents']],
  ['POST', '/api/workspaces/prune', ['spawn_agents']],
  ['GET', '/api/agents/absent/workspace', ['read_context']],
  ['GET', '/api/agents/absent/diff', ['spawn_agents']],
  ['POST', '/api/agents/absent/merge', ['spawn_agents']],
  ['GET', '/api/triggers', ['spawn_agents']],
  ['POST', '/api/triggers/evaluate', ['spawn_agents']],
  ['DELETE', '/api/cache/context/x', ['read_context']],
  ['DELETE', '/api/cache/all', ['admin']],
  ['GET', '/api/profiles', []],
  ['GET', '/api/profiles/absent', []],
  ['POST', '/api/projects', ['admin']],
  ['GET', '/api/projects', []],
  ['POST', '/api/trust', ['admin']],
  ['GET', '/api/plugins', []]
]

const OPEN = ['/health', '/health/live', '/health/ready', '/.well-known/jwks.json', '/openapi.json', '/docs']

function decode (token: string): { header: Record<string, unknown>, payload: Record<string, unknown> } {
  const [header, payload] = token.split('.').slice(0, 2).map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>)
  return { header: header!, payload: payload! }
}

function encode (value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

async function works ({ ask }: Pick<TestSidecar, 'ask'>, token: string): Promise<boolean> {
  const { status, body } = await ask('GET', '/api/plugins', { token })
  if (status !== 200 && body.code !== 'AUTH_001') throw new Error(`Answered ${status} ${body.code}`)
  return status === 200
}

t.test('a token says who its agent is, and anybody can check it with the public keys', async (t) => {
  const { ask } = await startDocumented(t)
  const before = Math.floor(Date.now() / 1000)
  const { status, body } = await ask('POST', '/api/tokens', { body: { agent_type: 'ai-engineer', agent_id: 'ada.1' } })
  t.equal(status, 201)
  t.match(body, { agent_id: 'ada.1', agent_type: 'ai-engineer', project_id: 'sample', permissions: RIGHTS.coding.permissions })
  const { header, payload } = decode(body.token)
  t.match(header, { alg: 'RS256', kid: String })
  t.match(payload, {
    sub: 'ada.1', agent_type: 'ai-engineer', project_id: 'sample', permissions: RIGHTS.coding.permissions, iss: 'cco-sidecar', aud: 'cco-agents', jti: String
  })
  t.ok(Math.abs(Number(payload.iat) - before) < 30)
  t.equal(Number(payload.exp) - Number(payload.iat), 3600)
  t.equal(Date.parse(body.expires_at), Number(payload.exp) * 1000)

  const keys = await ask('GET', '/.well-known/jwks.json', { token: '' })
  t.equal(keys.status, 200)
  t.notOk(keys.body.keys.some((key: object) => 'd' in key), 'no private part is shown')
  const jwk = keys.body.keys.find((key: { kid: string }) => key.kid === header.kid)
  const [signedHeader, signedPayload, signature] = body.token.split('.')
  t.ok(verify('RSA-SHA256', Buffer.from(`${signedHeader}.${signedPayload}`), createPublicKey({ key: jwk, format: 'jwk' }), Buffer.from(signature, 'base64url')))

  const unnamed = await ask('POST', '/api/tokens', { body: { agent_type: 'ai-engineer' } })
  const again = await ask('POST', '/api/tokens', { body: { agent_type: 'ai-engineer' } })
  t.match(unnamed.body.agent_id, /^ai-engineer-[a-z0-9]+$/)
  t.not(unnamed.body.agent_id, again.body.agent_id)
})

t.test('the life of a token can be shorter than the setting, never longer', async (t) => {
  const { ask } = await startDocumented(t, { settings: { 'auth-token-ttl-seconds': '1000' } })
  for (const [given, life] of [[10, 10], [86_400, 1000], [undefined, 1000]]) {
    const { payload } = decode((await ask('POST', '/api/tokens', { body: { agent_type: 'ai-engineer', ttl_seconds: given } })).body.token)
    t.equal(Number(payload.exp) - Number(payload.iat), life)
  }
  for (const ttl of [0, -1, 1.5, '10', 86_401]) {
    t.equal((await ask('POST', '/api/tokens', { body: { agent_type: 'ai-engineer', ttl_seconds: ttl } })).status, 400, `ttl_seconds ${ttl}`)
  }
})

t.test('the operator finds a token in the storage, for his eyes alone', async (t) => {
  const { ask, storage } = await startDocumented(t)
  const file = join(storage, 'operator.token')
  t.equal((await stat(file)).mode & 0o777, 0o600)
  const token = (await readFile(file, 'utf8')).trim()
  t.strictSame(decode(token).payload.permissions, ['admin'])
  t.equal((await ask('GET', '/api/projects', { token })).status, 200)
})

t.test('each group may do what the table says, on every route', async (t) => {
  const started = await startDocumented(t)
  const { ask, agent } = started
  for (const [method, url] of NEEDS) {
    const { status, body } = await ask(method, url, { token: '' })
    t.equal(status, 401, `${method} ${url} without a token`)
    t.equal(body.code, 'AUTH_001')
  }
  for (const [group, type] of Object.entries(TYPES)) {
    const { permissions } = RIGHTS[group as keyof typeof TYPES]
    const { token } = await agent(type)
    t.strictSame(decode(token).payload.permissions, permissions)
    for (const [method, url, needed] of NEEDS) {
      const { status, body } = await ask(method, url, { token })
      const isAllowed = needed.length === 0 || needed.some((permission) => permissions.includes(permission))
      if (isAllowed) t.ok(status !== 401 && status !== 403, `${group} may ${method} ${url}: ${status}`)
      else t.strictSame([status, body.code], [403, 'AUTH_003'], `${group} may not ${method} ${url}`)
    }
  }
  for (const [method, url] of NEEDS) {
    const { status } = await ask(method, url)
    t.ok(status !== 401 && status !== 403, `the operator may ${method} ${url}: ${status}`)
  }
  for (const url of OPEN) t.equal((await started.sidecar.app.inject({ url, remoteAddress: '10.0.0.9' })).statusCode, 200, `${url} is open`)
  const { body: { paths } } = await ask('GET', '/openapi.json')
  const listed = Object.entries(paths as Record<string, object>).flatMap(([path, operations]) => Object.keys(operations).map((method) => `${method} ${path.replace(/\{\w+\}/g, '*')}`))
  const tried = new Set([
    ...NEEDS.map(([method, url]) => `${method.toLowerCase()} ${url.split('?')[0]}`),
    ...OPEN.map((url) => `get ${url}`),
    'get /status', 'get /metrics', 'post /api/agents/absent/status'
  ].map((call) => call.replace(/\/(x!\/y|absent|any|x)(?=\/|$)/g, (_, name: string) => name === 'x!/y' ? '/*/*' : '/*').replace('post /api/events/publish', 'post /api/events/*')))
  t.strictSame(listed.filter((route) => !tried.has(route)), [], 'no route was forgotten')
})

t.test('who may start agents issues tokens for its own project, and none that can do more than itself', async (t) => {
  const { ask, agent } = await startDocumented(t)
  t.equal((await ask('POST', '/api/projects', { body: { project_id: 'other', root: await temporaryFolder(t) } })).status, 201)
  const architect = await agent(TYPES.architect)
  t.equal((await ask('POST', '/api/tokens', { body: { agent_type: 'ai-engineer' }, token: architect.token })).status, 201)
  for (const project of ['other', 'absent']) {
    const { status, body } = await ask('POST', '/api/tokens', { body: { agent_type: 'ai-engineer', project_id: project }, token: architect.token })
    t.strictSame([status, body.code], [403, 'AUTH_003'], 'whether it exists or not')
  }
  t.equal((await ask('POST', '/api/tokens', { body: { agent_type: 'ai-engineer', project_id: 'other' } })).body.project_id, 'other')
  const absent = await ask('POST', '/api/tokens', { body: { agent_type: 'ai-engineer', project_id: 'absent' } })
  t.strictSame([absent.status, absent.body.code], [404, 'PRJ_001'])
  const unknown = await ask('POST', '/api/tokens', { body: { agent_type: 'ai-enginer' } })
  t.strictSame([unknown.status, unknown.body.code], [404, 'AGT_002'])
  t.match(unknown.body.message, /'ai-engineer'/, 'the nearest type is named')
})

t.test('a token is refused for whatever is wrong with it', async (t) => {
  const { ask, agent, storage, operator } = await startDocumented(t)
  const stranger = await startDocumented(t, { storage: join(await temporaryFolder(t), 'storage') })
  const { token } = await agent('ai-engineer')
  const { header, payload } = decode(token)
  const [, , signature] = token.split('.')
  const keyring = JSON.parse(await readFile(join(storage, 'keys', 'keyring.json'), 'utf8')) as unknown
  const keyText = JSON.stringify(keyring)
  const pem = JSON.parse(`"${/-----BEGIN (?:RSA )?PRIVATE KEY-----.*?-----END (?:RSA )?PRIVATE KEY-----/.exec(keyText)![0]}"`) as string
  const publicPem = createPublicKey(pem).export({ type: 'spki', format: 'pem' }) as string
  const sign = (head: object, claims: object, key: string = pem): string => {
    const text = `${encode(head)}.${encode(claims)}`
    return `${text}.${createSign('RSA-SHA256').update(text).sign(key, 'base64url')}`
  }
  const mac = (secret: string): string => {
    const text = `${encode({ ...header, alg: 'HS256' })}.${encode(payload)}`
    return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
  }
  t.ok(await works({ ask }, sign(header, payload)), 'the forge works')
  const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
  const wrong: Record<string, string> = {
    'no token': 'x',
    'two parts': token.split('.').slice(0, 2).join('.'),
    'without a signature': `${token.split('.').slice(0, 2).join('.')}.`,
    'another agent': `${encode(header)}.${encode({ ...payload, sub: 'operator' })}.${signature}`,
    'more permissions': `${encode(header)}.${encode({ ...payload, permissions: ['admin'] })}.${signature}`,
    'alg none': `${encode({ ...header, alg: 'none' })}.${encode(payload)}.`,
    'alg NoNe': `${encode({ ...header, alg: 'NoNe' })}.${encode(payload)}.${signature}`,
    'the public key as a secret': mac(publicPem),
    'the public key as a secret, trimmed': mac(publicPem.trim()),
    'another key': sign(header, payload, other),
    'an unknown kid': sign({ ...header, kid: 'x' }, payload),
    'a kid that is a path': sign({ ...header, kid: '../../etc/passwd' }, payload),
    'no kid': sign({ alg: 'RS256', typ: 'JWT' }, payload),
    'another issuer': sign(header, { ...payload, iss: 'somebody' }),
    'several issuers': sign(header, { ...payload, iss: ['cco-sidecar', 'somebody'] }),
    'another audience': sign(header, { ...payload, aud: 'somebody' }),
    'no end': sign(header, { ...payload, exp: undefined }),
    'an end that is no number': sign(header, { ...payload, exp: '9999999999' }),
    'issued in the future': sign(header, { ...payload, iat: Number(payload.iat) + 600 }),
    'not before': sign(header, { ...payload, nbf: Number(payload.iat) + 600 }),
    'an unknown permission': sign(header, { ...payload, permissions: ['root'] }),
    'no agent': sign(header, { ...payload, sub: undefined }),
    'a hundred kilobytes': `${token}${'A'.repeat(8300)}`,
    'another sidecar\'s with the operator\'s rights': (await stranger.ask('POST', '/api/tokens', { body: { agent_type: 'ai-engineer' } })).body.token.replace(/.$/, (last: string) => last === 'A' ? 'B' : 'A')
  }
  for (const [what, given] of Object.entries(wrong)) {
    const { status, body, text } = await ask('GET', '/api/plugins', { token: given })
    t.strictSame([status, body.code], [401, 'AUTH_001'], what)
    t.notMatch(text, given.slice(-20))
  }
  for (const authorization of [`Basic ${token}`, token, 'Bearer', `Bearer ${token} ${token}`, `Bearer ${token}, Bearer ${operator}`]) {
    const { status, body } = await ask('GET', '/api/plugins', { token: '', headers: { authorization } })
    t.strictSame([status, body.code], [401, 'AUTH_001'], authorization.slice(0, 20))
  }
  t.equal((await ask('GET', '/api/plugins', { token: '', headers: { authorization: `bearer ${token}` } })).status, 200, 'the scheme is not case-sensitive')
})

t.test('an expired token is told from one that is wrong', async (t) => {
  let now = Date.now()
  const { ask, agent } = await startDocumented(t, { clock: () => now })
  const { token } = await agent('ai-engineer')
  now += 59 * MINUTE_MS
  t.equal((await ask('GET', '/api/plugins', { token })).status, 200)
  now += MINUTE_MS
  const { status, body } = await ask('GET', '/api/plugins', { token })
  t.strictSame([status, body.code], [401, 'AUTH_002'])
  t.equal((await ask('POST', '/api/tokens/refresh', { token })).body.code, 'AUTH_002')
})

t.test('a token in its last five minutes can be replaced, once, and until the chain ends', async (t) => {
  let now = Math.floor(Date.now() / 1000) * 1000
  const { ask, agent } = await startDocumented(t, { clock: () => now })
  const first = await agent('ai-engineer', { agent_id: 'ada' })
  const early = await ask('POST', '/api/tokens/refresh', { token: first.token })
  t.strictSame([early.status, early.body.code], [400, 'VAL_001'])
  now += 54 * MINUTE_MS
  t.equal((await ask('POST', '/api/tokens/refresh', { token: first.token })).status, 400)
  now += MINUTE_MS
  const { status, body } = await ask('POST', '/api/tokens/refresh', { token: first.token })
  t.equal(status, 200)
  t.match(body, { agent_id: 'ada', agent_type: 'ai-engineer', project_id: 'sample', permissions: RIGHTS.coding.permissions })
  t.equal(Date.parse(body.expires_at), now + 60 * MINUTE_MS)
  t.notOk(await works({ ask }, first.token), 'the old one is revoked')
  t.ok(await works({ ask }, body.token))
  t.equal((await ask('POST', '/api/tokens/refresh', { token: first.token })).body.code, 'AUTH_001', 'it cannot be replaced twice')

  const began = now - 55 * MINUTE_MS
  let { token } = body
  let end = Date.parse(body.expires_at)
  for (let round = 0; round < 20; round++) {
    now = end - MINUTE_MS
    const next = await ask('POST', '/api/tokens/refresh', { token })
    if (next.status !== 200) {
      t.strictSame([next.status, next.body.code], [400, 'VAL_001'])
      break
    }
    token = next.body.token
    end = Date.parse(next.body.expires_at)
  }
  t.equal(end, began + 8 * 60 * MINUTE_MS, 'the chain ends after eight hours')
  t.ok(await works({ ask }, token), 'until then the last token holds')
})

t.test('an agent that reads x-refreshed-token never expires', async (t) => {
  let now = Math.floor(Date.now() / 1000) * 1000
  const { ask, agent } = await startDocumented(t, { clock: () => now })
  const { token } = await agent('ai-engineer', { agent_id: 'ada' })
  now += 55 * MINUTE_MS - 1000
  t.equal((await ask('GET', '/api/plugins', { token })).headers['x-refreshed-token'], undefined)
  now += 1000
  const answer = await ask('GET', '/api/events/wait?timeout=0', { token })
  const next = String(answer.headers['x-refreshed-token'])
  t.match(decode(next).payload, { sub: 'ada', agent_type: 'ai-engineer', project_id: 'sample', permissions: RIGHTS.coding.permissions })
  t.equal(Number(decode(next).payload.exp), now / 1000 + 3600)
  t.equal((await ask('GET', '/api/plugins', { token })).headers['x-refreshed-token'], next, 'one token has one successor')
  t.ok(await works({ ask }, token), 'the old one holds until its end')
  const notModified = await ask('GET', '/api/context/issue-1/ai-engineer', { token })
  t.equal(notModified.headers['x-refreshed-token'], next)
  t.equal((await ask('GET', '/api/results/absent', { token })).headers['x-refreshed-token'], undefined, 'an error carries none')
  now += 10 * MINUTE_MS
  t.equal((await ask('GET', '/api/plugins', { token })).body.code, 'AUTH_002')
  t.ok(await works({ ask }, next))
})

t.test('an answer is given also when the next token cannot be made', async (t) => {
  const use = await writePlugin(await temporaryFolder(t), 'auth.mjs', `
    const claims = (id, clock) => ({
      agent_id: id, agent_type: 'ai-engineer', project_id: 'sample', permissions: id === 'operator' ? ['admin'] : [], jti: id,
      issued_at: Math.floor(clock() / 1000), expires_at: Math.floor(clock() / 1000) + 60, chain_started_at: 0
    })
    export default definePlugin({ kind: 'auth', name: 'half', create: (_options, { clock }) => ({
      supports: { issue: true },
      async issue ({ agent_id: id }) {
        if (id !== 'operator') throw new Error('no key')
        return { token: id, claims: claims(id, clock) }
      },
      verify: async (token) => claims(token, clock),
      async refresh () { throw apiError('VAL_001', 'Not now.') },
      revoke: async () => ({ revoked: 0 }),
      publicKeys: async () => ({ keys: [] })
    }) })`)
  const { ask } = await startDocumented(t, { plugins: [{ use }] })
  for (let call = 0; call < 2; call++) {
    const { status, headers } = await ask('GET', '/api/plugins', { token: 'ada' })
    t.strictSame([status, headers['x-refreshed-token']], [200, undefined])
  }
})

t.test('a revoked token is refused at once and after a restart', async (t) => {
  const folder = await temporaryFolder(t)
  const storage = join(folder, 'storage')
  const started = await startDocumented(t, { storage, root: folder })
  const { ask, agent } = started
  const [one, two, three, four] = [await agent('ai-engineer', { agent_id: 'ada' }), await agent('ai-engineer', { agent_id: 'ada' }), await agent('ai-engineer', { agent_id: 'bob' }), await agent('ai-engineer')]
  t.ok(await works(started, one.token), 'verified before, so that a cache would know it')
  const { jti } = decode(one.token).payload
  t.strictSame((await ask('POST', '/api/tokens/revoke', { body: { jti } })).body, { revoked: 1 })
  t.strictSame((await ask('POST', '/api/tokens/revoke', { body: { jti } })).body, { revoked: 0 })
  t.notOk(await works(started, one.token))
  t.ok(await works(started, two.token), 'the agent\'s other token holds')
  t.strictSame((await ask('POST', '/api/tokens/revoke', { body: { agent_id: 'ada' } })).body, { revoked: 1 })
  t.notOk(await works(started, two.token))
  t.ok(await works(started, three.token))
  const renewed = await agent('ai-engineer', { agent_id: 'ada' })
  t.ok(await works(started, renewed.token), 'what is issued afterwards holds')
  for (const body of [{}, { jti: 'a', agent_id: 'b' }, { jti: '' }, { jti: 7 }]) {
    t.equal((await ask('POST', '/api/tokens/revoke', { body })).status, 400, JSON.stringify(body))
  }
  await started.close()

  const again = await startDocumented(t, { storage, root: folder })
  for (const [token, holds] of [[one, false], [two, false], [three, true], [four, true], [renewed, true]] as const) {
    t.equal(await works(again, token.token), holds, 'after the restart as before')
  }
})

t.test('an agent of any project can be revoked', async (t) => {
  const started = await startDocumented(t)
  const { ask, agent } = started
  await ask('POST', '/api/projects', { body: { project_id: 'other', root: await temporaryFolder(t) } })
  const { token } = await agent('ai-engineer', { agent_id: 'ada', project_id: 'other' })
  t.strictSame((await ask('POST', '/api/tokens/revoke', { body: { agent_id: 'ada' } })).body, { revoked: 1 })
  t.notOk(await works(started, token))
})

t.test('agents are held to the rate of their group', async (t) => {
  const { ask, agent } = await startDocumented(t, { settings: { 'rate-limit-enabled': 'true' } })
  for (const [group, type] of Object.entries(TYPES)) {
    const { perMinute, burst } = RIGHTS[group as keyof typeof TYPES]
    const { token } = await agent(type)
    if (perMinute === null) {
      for (let call = 0; call < 30; call++) {
        const { status, headers } = await ask('GET', '/api/plugins', { token })
        t.equal(status, 200)
        t.equal(headers['x-ratelimit-limit'], undefined, `${group} has no limit`)
      }
      continue
    }
    const answers = []
    for (let call = 0; call <= burst; call++) answers.push(await ask('GET', '/api/plugins', { token }))
    t.strictSame(answers.map(({ status }) => status), [...Array<number>(burst).fill(200), 429], `${group} may make ${burst} at once`)
    t.strictSame(answers.slice(0, burst).map(({ headers }) => Number(headers['x-ratelimit-remaining'])), Array.from({ length: burst }, (_, call) => burst - 1 - call))
    for (const { headers } of answers) {
      t.equal(Number(headers['x-ratelimit-limit']), perMinute)
      t.match(String(headers['x-ratelimit-reset']), /^\d+$/)
    }
    const { headers, body } = answers.at(-1)!
    t.match(body, { code: 'RATE_001', limit: perMinute, retry_after_seconds: Number, details: { limit: perMinute, retry_after_seconds: Number } })
    t.equal(Number(headers['retry-after']), body.retry_after_seconds)
    t.ok(body.retry_after_seconds >= 1 && body.retry_after_seconds <= 60 / perMinute)
    t.equal(Number(headers['x-ratelimit-remaining']), 0)
    const colleague = await agent(type)
    t.equal((await ask('GET', '/api/plugins', { token: colleague.token })).status, 200, 'each agent has its own')
  }
  t.equal((await ask('GET', '/api/plugins')).status, 200, 'the operator has no limit')
})

t.test('all agents of a project share a limit', async (t) => {
  const { ask, agent } = await startDocumented(t, { settings: { 'rate-limit-enabled': 'true', 'rate-limit-project-per-minute': '3' } })
  const answers = []
  for (const type of [TYPES.architect, TYPES.coding, TYPES.support, TYPES.documentation]) {
    const { token } = await agent(type)
    answers.push(await ask('GET', '/api/plugins', { token }))
  }
  t.strictSame(answers.map(({ status }) => status), [200, 200, 200, 429])
  t.match(answers.at(-1)!.body, { code: 'RATE_001', limit: 3, retry_after_seconds: Number })
})
