import { once } from 'node:events'
import { createConnection, type AddressInfo } from 'node:net'
import fc from 'fast-check'
import t from 'tap'
import { excessOf } from '../../../core/http/body.js'
import { MOST_COST, costOf } from '../../support/cost.js'
import { type Answer, startSidecar } from '../../support/sidecar.js'
import { checkConventions, startDocumented } from './documented.js'
import { eventually } from './eventually.js'
import { writePlugin } from './plugin-file.js'
import { temporaryFolder } from '../../support/temporary.js'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const MEBIBYTE = 1024 * 1024

const EVENT = { topic: 'coordination', event_type: 'note' }
const RESULT = { agent_id: 'operator', agent_type: 'operator', issue_id: 'issue-1', result: { status: 'success', files_created: [], files_modified: [] } }

/** Every route that takes a body, with one that is accepted as far as its members go. */
const BODIES: [method: 'POST' | 'PUT', url: string, body: Record<string, unknown>][] = [
  ['POST', '/api/tokens', { agent_type: 'chief-architect' }],
  ['POST', '/api/tokens/revoke', { agent_id: 'nobody' }],
  ['POST', '/api/results', RESULT],
  ['POST', '/api/events/publish', EVENT],
  ['POST', '/api/agents/spawn', { agent_type: 'chief-architect', issue_id: 'issue-1', task: 'Think' }],
  ['POST', '/api/agents/operator/status', {}],
  ['PUT', '/api/issues/issue-1', { title: 'One' }],
  ['POST', '/api/projects', { project_id: 'other', root: '/nonexistent' }]
]

/** Every route that takes a query. */
const QUERIES = [
  ['GET', '/api/context/issue-1/chief-architect'],
  ['DELETE', '/api/cache/context/issue-1'],
  ['GET', '/api/results'],
  ['GET', '/api/events'],
  ['GET', '/api/events/wait'],
  ['GET', '/api/events/wait/note'],
  ['GET', '/api/events/stream'],
  ['GET', '/api/agents'],
  ['GET', '/api/agents/nobody/logs'],
  ['DELETE', '/api/agents/nobody']
] as const

/** Every route with a parameter; `*` stands for it. */
const PARAMETERS = [
  ['GET', '/api/context/*/chief-architect'],
  ['GET', '/api/context/issue-1/*'],
  ['DELETE', '/api/cache/context/*'],
  ['GET', '/api/results/*'],
  ['GET', '/api/issues/*'],
  ['POST', '/api/events/*'],
  ['GET', '/api/events/wait/*?timeout=0'],
  ['POST', '/api/events/dead-letters/*/redrive'],
  ['GET', '/api/agents/*/status'],
  ['GET', '/api/agents/*/logs'],
  ['DELETE', '/api/agents/*'],
  ['GET', '/api/profiles/*']
] as const

const BAD_IDENTIFIERS = [
  '..%2f..%2fetc%2fpasswd', '%2e%2e', '%2e%2e%2f', '..', '.', '%00', 'a%00b', 'a%2fb', 'a%5cb', '-a', '_a', 'a%20b', 'a%0ab', '%F0%9F%98%80', 'ä', '%E0%A4', '%', '*%2f',
  'x'.repeat(129), 'x'.repeat(5000), '%25%32%66', '~', '$(id)', 'a;b', "a'b"
]

/** For questions that leave nothing behind which others look at. */
const common = await startDocumented(t)

t.test('the request id is the client\'s where it is sane, and a new one otherwise', async (t) => {
  const { ask } = common
  t.match((await ask('GET', '/health')).headers['x-request-id'], UUID)
  for (const sane of ['abc', 'trace:1.2_3-4', '0', 'x'.repeat(128)]) {
    t.equal((await ask('GET', '/health', { headers: { 'x-request-id': sane } })).headers['x-request-id'], sane)
    const refused = await ask('GET', '/nowhere', { headers: { 'x-request-id': sane } })
    t.equal(refused.headers['x-request-id'], sane)
    t.equal(refused.body.request_id, sane)
  }
  for (const wrong of ['', 'a b', '../x', '<script>', 'x'.repeat(129), 'a, b']) {
    t.match((await ask('GET', '/health', { headers: { 'x-request-id': wrong } })).headers['x-request-id'], UUID, `${wrong} is not taken over`)
  }
})

t.test('a traceparent is honoured where it is one', async (t) => {
  const { ask } = common
  const parent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
  t.equal((await ask('GET', '/health', { headers: { traceparent: parent } })).headers.traceparent, parent)
  t.equal((await ask('GET', '/nowhere', { headers: { traceparent: parent } })).headers.traceparent, parent)
  for (const wrong of ['00-xyz', `${parent}-01`, parent.toUpperCase()]) {
    t.equal((await ask('GET', '/health', { headers: { traceparent: wrong } })).headers.traceparent, undefined)
  }
})

t.test('errors of every layer have the one form', async (t) => {
  const { ask, storage, root } = await startDocumented(t)
  const cases: [Answer, number, string][] = [
    [await ask('GET', '/nowhere'), 404, 'NOT_001'],
    [await ask('PATCH', '/health'), 404, 'NOT_001'],
    [await ask('GET', '/api/results/absent'), 404, 'NOT_001'],
    [await ask('GET', '/%'), 400, 'VAL_001'],
    [await ask('GET', '/api/results/%E0%A4'), 400, 'VAL_001'],
    [await ask('GET', '/api/results?limit=none'), 400, 'VAL_001'],
    [await ask('GET', '/api/results', { token: '' }), 401, 'AUTH_001'],
    [await ask('GET', '/api/results', { token: 'x' }), 401, 'AUTH_001'],
    [await ask('POST', '/api/results', { body: RESULT, token: 'x' }), 401, 'AUTH_001'],
    [await ask('POST', '/api/results', { body: '{}', headers: { 'content-type': 'text/plain' } }), 415, 'VAL_001'],
    [await ask('POST', '/api/results', { body: '{}', headers: { 'content-type': 'nonsense' } }), 415, 'VAL_001'],
    [await ask('POST', '/api/results'), 400, 'VAL_001'],
    [await ask('POST', '/api/results', { body: '', headers: { 'content-type': 'application/json' } }), 400, 'VAL_001'],
    [await ask('POST', '/api/results', { body: '{"a":', headers: { 'content-type': 'application/json' } }), 400, 'VAL_001'],
    [await ask('POST', '/api/results', { body: '[]', headers: { 'content-type': 'application/json' } }), 400, 'VAL_001'],
    [await ask('POST', '/api/events/publish'), 400, 'EVT_002'],
    [await ask('GET', '/api/profiles/nobody'), 404, 'AGT_002']
  ]
  for (const [answer, status, code] of cases) {
    t.equal(answer.status, status, `${status} ${code}: ${answer.body.message}`)
    t.equal(answer.body.code, code)
    t.notMatch(answer.text, storage)
    t.notMatch(answer.text, root)
    if (status === 401) t.match(answer.headers['www-authenticate'], /^Bearer/)
  }
})

t.test('an unexpected fault says that it happened, and nothing else', async (t) => {
  const folder = await temporaryFolder(t)
  const use = await writePlugin(folder, 'boom.mjs', `
    export default definePlugin({ kind: 'http', name: 'boom', create: () => ({
      async register (app) {
        app.get('/boom', { config: { access: 'open' } }, async () => { throw new Error('the secret of /srv/place') })
        app.get('/teapot', { config: { access: 'open' } }, async () => { throw Object.assign(new Error('tea'), { statusCode: 418 }) })
        app.get('/null', { config: { access: 'open' } }, async () => { throw null })
      }
    }) })`)
  const { ask } = await startSidecar(t, { plugins: [{ use }] })
  const boom = await ask('GET', '/boom')
  checkConventions(boom)
  t.equal(boom.status, 500)
  t.equal(boom.body.code, 'SRV_001')
  t.notMatch(boom.text, /secret|srv|Error:|at /)
  const teapot = await ask('GET', '/teapot')
  checkConventions(teapot)
  t.equal(teapot.status, 400)
  const nothing = await ask('GET', '/null')
  checkConventions(nothing)
  t.equal(nothing.body.code, 'SRV_001')
  const { body } = await ask('GET', '/openapi.json')
  t.ok(body.paths['/boom'], 'routes of plugins are in the document, too')
})

t.test('an unknown member of an envelope is refused by name', async (t) => {
  const { ask } = common
  for (const [method, url, body] of BODIES) {
    const { status, body: { code, message, details } } = await ask(method, url, { body: { ...body, wrong_member: 1 } })
    t.equal(status, 400, `${method} ${url}`)
    t.equal(code, url.startsWith('/api/events/') ? 'EVT_002' : 'VAL_001')
    t.match(message, /'wrong_member'/)
    t.ok(details.issues.some(({ path }: { path: string }) => path === 'wrong_member'), 'the issue has its path')
  }
  for (const [method, url] of QUERIES) {
    const { status, body: { code, message, details } } = await ask(method, `${url}?wrong_member=1`)
    t.equal(status, 400, `${method} ${url}`)
    t.equal(code, 'VAL_001')
    t.match(message, /'wrong_member'/)
    t.equal(details.issues[0].path, 'wrong_member')
  }
})

t.test('an identifier that is none is never a path and never a fault of the server', async (t) => {
  const { ask } = common
  for (const [method, pattern] of PARAMETERS) {
    for (const bad of BAD_IDENTIFIERS) {
      const url = pattern.replace('*', bad.replaceAll('$', '$$$$'))
      const { status, body } = await ask(method, url, method === 'POST' ? { body: EVENT } : {})
      t.ok(status === 400 || status === 404, `${method} ${url.slice(0, 80)}: ${status} ${body.code}`)
    }
  }
  for (const [method, url, body] of BODIES) {
    for (const member of ['issue_id', 'project_id', 'agent_id', 'agent_type'].filter((name) => name in body)) {
      for (const bad of ['', '..', '../x', 'a/b', 'a\0b', 'x'.repeat(129), 7, null, ['a']]) {
        const answer = await ask(method, url, { body: { ...body, [member]: bad } })
        t.equal(answer.status, 400, `${method} ${url} ${member} ${JSON.stringify(bad)}`)
        t.ok(answer.body.details.issues.some(({ path }: { path: string }) => path === member))
      }
    }
  }
  for (const topic of ['', 'Upper', '1a', 'a b', 'a/b', 'x'.repeat(65), '..']) {
    t.equal((await ask('POST', '/api/events/note', { body: { topic } })).body.code, 'EVT_002', `topic ${topic}`)
  }
})

t.test('a member of the agent\'s own is kept verbatim, whatever it is called', async (t) => {
  const { ask } = await startDocumented(t)
  const own = { constructor: 'mine', toString: null, 'dotted.name': 1, '': 'nameless', 5: [1e21, 5e-324, 'é \u2028 🌍 \0'], nested: { wrong_member: [[{}]] } }
  const posted = await ask('POST', '/api/results', { body: { ...RESULT, result: { ...RESULT.result, metrics: own, artifacts: own, own } } })
  t.equal(posted.status, 201)
  const { body } = await ask('GET', `/api/results/${posted.body.id}`)
  t.strictSame(body.result, { ...RESULT.result, metrics: own, artifacts: own, own })
  await ask('POST', '/api/events/note', { body: { topic: 'coordination', data: own } })
  t.strictSame((await ask('GET', '/api/events?type=note')).body.events[0].data, own)
})

t.test('a body above the limit is answered with 413', async (t) => {
  const { ask, sidecar, operator } = await startDocumented(t, { settings: { 'body-limit-mb': '1' } })
  const fits = { ...EVENT, data: { text: 'x'.repeat(MEBIBYTE - 100) } }
  t.equal((await ask('POST', '/api/events/publish', { body: fits })).status, 202)
  const large = await ask('POST', '/api/events/publish', { body: { ...EVENT, data: { text: 'x'.repeat(MEBIBYTE) } } })
  t.equal(large.status, 413)
  t.match(large.body.message, /larger than the limit/)

  const address = await sidecar.app.listen({ port: 0, host: '127.0.0.1' })
  const chunks = new ReadableStream({
    pull (controller) { controller.enqueue(new Uint8Array(MEBIBYTE / 4).fill(32)) }
  })
  const chunked = await fetch(`${address}/api/events/publish`, {
    method: 'POST', body: chunks, duplex: 'half', headers: { authorization: `Bearer ${operator}`, 'content-type': 'application/json' }
  } as RequestInit).catch((error: unknown) => error as Error)
  t.ok(chunked instanceof Error || chunked.status === 413, 'an endless body is cut off')
  t.equal((await ask('GET', '/health')).status, 200)
})

t.test('the limit of a body is 10 MiB unless somebody sets it', async (t) => {
  const { ask } = common
  const padding = ' '.repeat(10 * MEBIBYTE - JSON.stringify(EVENT).length)
  const headers = { 'content-type': 'application/json' }
  t.equal((await ask('POST', '/api/events/publish', { body: JSON.stringify(EVENT) + padding, headers })).status, 202)
  t.equal((await ask('POST', '/api/events/publish', { body: `${JSON.stringify(EVENT)}${padding} `, headers })).status, 413)
})

t.test('JSON that nests too deep or reaches for a prototype is refused', async (t) => {
  const { ask } = common
  const headers = { 'content-type': 'application/json' }
  const nested = (depth: number): string => `{"topic":"coordination","data":{"a":${'['.repeat(depth - 2)}${']'.repeat(depth - 2)}}}`
  t.equal((await ask('POST', '/api/events/note', { body: nested(64), headers })).status, 202)
  for (const body of [
    nested(65),
    nested(500_000),
    '['.repeat(500_000),
    '{"topic":"coordination","__proto__":{"admin":true}}',
    '{"topic":"coordination","data":{"a":[{"__proto__":null}]}}',
    '{"topic":"coordination","data":{"\\u005f_proto__":{}}}',
    '{"topic":"coordination","data":{"constructor":{"prototype":{}}}}'
  ]) {
    const cost = await costOf(async () => {
      const { status, body: { code } } = await ask('POST', '/api/events/note', { body, headers })
      t.equal(status, 400, body.slice(0, 80))
      t.equal(code, 'VAL_001')
    })
    t.ok(cost < MOST_COST, `costs ${Math.round(cost)}`)
  }
  t.equal(({} as Record<string, unknown>).admin, undefined)
})

t.test('the depth of a JSON text is that of its value', async (t) => {
  const depthOf = (value: unknown): number => {
    if (typeof value !== 'object' || value === null) return 0
    return 1 + Math.max(0, ...Object.values(value).map(depthOf))
  }
  const isDeeperThan = (text: string, depth: number): boolean => excessOf(text, { depth, items: Infinity, values: Infinity }) !== undefined
  // Strings that look like structure are what could be miscounted.
  const text = fc.string({ unit: fc.constantFrom('{', '}', '[', ']', '"', '\\', 'a', '\n'), maxLength: 6 })
  const value = fc.letrec((tie) => ({
    value: fc.oneof({ maxDepth: 8, withCrossShrink: true }, text, fc.array(tie('value'), { maxLength: 3 }), fc.dictionary(text, tie('value'), { maxKeys: 3 }))
  })).value
  fc.assert(fc.property(
    value, fc.integer({ min: 0, max: 6 }), fc.constantFrom(undefined, 1, '\t'),
    (given, limit, space) => isDeeperThan(JSON.stringify(given, null, space), limit) === (depthOf(given) > limit)
  ), { numRuns: 1000 })
  // Text that is no JSON harms nobody either.
  fc.assert(fc.property(fc.string({ unit: fc.constantFrom('{', '}', '[', ']', '"', '\\', 'a') }), fc.nat(5), (text, limit) => typeof isDeeperThan(text, limit) === 'boolean'))
})

t.test('what Node refuses before there is a request has the form of an error', async (t) => {
  const { sidecar, operator } = await startSidecar(t)
  await sidecar.app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = sidecar.app.server.address() as AddressInfo
  const speak = async (text: string): Promise<Answer> => {
    const socket = createConnection(port, '127.0.0.1')
    const chunks: Buffer[] = []
    socket.on('data', (chunk) => chunks.push(chunk))
    socket.on('error', () => {})
    socket.write(text)
    await once(socket, 'close')
    const [head = '', ...rest] = Buffer.concat(chunks).toString().split('\r\n\r\n')
    const [line = '', ...lines] = head.split('\r\n')
    const body = rest.join('\r\n\r\n')
    return {
      status: Number(line.split(' ')[1]),
      headers: Object.fromEntries(lines.map((header) => [header.slice(0, header.indexOf(':')).toLowerCase(), header.slice(header.indexOf(':') + 2)])),
      body: body === '' ? undefined : JSON.parse(body),
      text: body
    }
  }
  const get = (...headers: string[]): string => `GET /api/plugins HTTP/1.1\r\n${headers.map((header) => `${header}\r\n`).join('')}connection: close\r\n\r\n`
  const token = `authorization: Bearer ${operator}`
  t.equal((await speak(get('host: localhost', token))).status, 200)
  const cases: [string, number][] = [
    ['NONSENSE\r\n\r\n', 400],
    [get('host: localhost', `x-large: ${'x'.repeat(20_000)}`), 431],
    [get('host: localhost', token, token), 400],
    [get('host: localhost', 'host: b', token), 400],
    [get('host: localhost', token, 'idempotency-key: 1', 'idempotency-key: 2'), 400],
    ['POST /api/events/note HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n', 400]
  ]
  for (const [text, status] of cases) {
    const answer = await speak(text)
    t.equal(answer.status, status, text.slice(0, 60))
    t.equal(answer.body.code, 'VAL_001')
    if (status === 400) checkConventions(answer)
  }
})

t.test('a server that shuts down refuses new requests and answers the waits', async (t) => {
  const { ask, sidecar } = await startDocumented(t)
  const wait = ask('GET', '/api/events/wait/never?timeout=60000')
  await eventually(async () => (await ask('GET', '/status')).body.events.active_subscriptions === 1)
  const closed = sidecar.close()
  const refused = await ask('GET', '/health')
  t.equal(refused.status, 503)
  t.equal(refused.body.code, 'SRV_002')
  t.match(refused.headers['retry-after'], /^\d+$/)
  const waited = await wait
  t.equal(waited.status, 200)
  t.match(waited.body, { events: [], timeout: true, more_available: false })
  await closed
  await sidecar.close()
})

t.test('more waits than the bound are refused for a moment', async (t) => {
  const { ask, sidecar } = await startDocumented(t, { settings: { 'events-max-waits': '1' } })
  const wait = ask('GET', '/api/events/wait/never?timeout=60000')
  await eventually(async () => (await ask('GET', '/status')).body.events.active_subscriptions === 1)
  for (const url of ['/api/events/wait/never', '/api/events/stream']) {
    const { status, body, headers } = await ask('GET', url)
    t.equal(status, 503)
    t.equal(body.code, 'SRV_002')
    t.equal(headers['retry-after'], '1')
  }
  await sidecar.close()
  await wait
})

t.test('pages of other origins may call when they are named, and no others', async (t) => {
  const { ask } = await startSidecar(t, { settings: { 'cors-origins': 'https://dashboard.example' } })
  const preflight = await ask('OPTIONS', '/api/results', { token: '', headers: { origin: 'https://dashboard.example', 'access-control-request-method': 'POST' } })
  t.equal(preflight.status, 204)
  t.equal(preflight.headers['access-control-allow-origin'], 'https://dashboard.example')
  const answer = await ask('GET', '/health', { headers: { origin: 'https://dashboard.example' } })
  t.equal(answer.headers['access-control-allow-origin'], 'https://dashboard.example')
  t.match(answer.headers['access-control-expose-headers'], 'x-refreshed-token')
  t.equal((await ask('GET', '/health', { headers: { origin: 'https://evil.example' } })).headers['access-control-allow-origin'], undefined)
  const refused = await ask('GET', '/api/results', { token: '', headers: { origin: 'https://dashboard.example' } })
  t.equal(refused.status, 401)
  t.equal(refused.headers['access-control-allow-origin'], 'https://dashboard.example', 'a page can read why it was refused')
  const evil = await ask('OPTIONS', '/api/results', { token: '', headers: { origin: 'https://evil.example', 'access-control-request-method': 'POST' } })
  t.equal(evil.headers['access-control-allow-origin'], undefined)
  t.not((await ask('OPTIONS', '/api/results', { token: '' })).status, 500)
})
