import { createHmac, createPublicKey, createSign, generateKeyPairSync, verify } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { temporaryFolder } from '../../support/temporary.js'
import { startDocumented } from './documented.js'
import { RIGHTS, TYPES } from './rights.js'
import { decode, works } from './tokens.js'

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

function encode (value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
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
