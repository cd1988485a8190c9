import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { request as httpsRequest } from 'node:https'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { connect } from 'node:tls'
import t from 'tap'
import { newestFirst } from '../../../core/audit/read.js'
import { makeCertificate } from '../../support/certificate.js'
import { answerOf, fields, FLAG, FRAME, frame, openFrames, openHttp2 } from '../../support/http2-client.js'
import { portOf } from '../../support/raw-http.js'
import { startSidecar, type TestSidecar } from '../../support/sidecar.js'
import { quickFolder } from '../../support/temporary.js'
import { checkConventions } from './documented.js'
import { publish, waiting } from './event-requests.js'
import { eventually } from './eventually.js'

const folder = await quickFolder(t)
const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
const { cert: ca, key } = makeCertificate()
writeFileSync(certFile, ca)
writeFileSync(keyFile, key)

async function start (scope: Parameters<typeof startSidecar>[0], settings: Record<string, string> = {}): Promise<TestSidecar & { port: number }> {
  const started = await startSidecar(scope, { settings: { 'tls-cert': certFile, 'tls-key': keyFile, 'requests-header-kb': '8', 'requests-max-headers': '30', 'body-limit-mb': '1', 'rate-limit-enabled': 'false', ...settings } })
  return { ...started, port: await portOf(started.sidecar.app) }
}

async function protocolOf (port: number, ALPNProtocols: string[]): Promise<string | false | null> {
  const socket = connect({ host: '127.0.0.1', port, ca, ALPNProtocols })
  await once(socket, 'secureConnect')
  socket.destroy()
  return socket.alpnProtocol
}

const shared = await start(t)
const { port, operator, ask, agent } = shared

t.test('HTTP/2 is spoken with who offers it, and HTTP/1.1 with all others', async (t) => {
  t.strictSame(await Promise.all([['h2', 'http/1.1'], ['http/1.1', 'h2'], ['http/1.1'], []].map(async (offer) => await protocolOf(port, offer))), ['h2', 'h2', 'http/1.1', false])
  const older = httpsRequest({ host: '127.0.0.1', port, ca, path: '/api/plugins', agent: false, headers: { authorization: `Bearer ${operator}` } })
  const [answer] = await once(older.end(), 'response')
  t.strictSame([answer.statusCode, answer.httpVersion], [200, '1.1'])
  await text(answer)
  const off = await start(t, { 'tls-http2': 'false' })
  t.equal(await protocolOf(off.port, ['h2', 'http/1.1']), 'http/1.1', 'and with none where it is switched off')
})

t.test('a request of HTTP/2 is answered as one of HTTP/1.1 is', async (t) => {
  const { ask: ask2 } = await openHttp2(t, port, ca, operator)
  for (const [method, path, body] of [
    ['GET', '/api/plugins'], ['GET', '/health'], ['GET', '/no-such-route'], ['GET', '/api/results/x%00'], ['DELETE', '/api/plugins'],
    ['POST', '/api/events/same', { topic: 'coordination', data: { n: 1 } }], ['POST', '/api/events/same', { topic: 'coordination', more: 1 }]
  ] as const) {
    const [one, two] = [await ask(method, path, { body }), await ask2(path, { method, body })]
    checkConventions(two, path === '/health')
    t.strictSame([two.status, two.body.code, Object.keys(two.body)], [one.status, one.body.code, Object.keys(one.body)], `${method} ${path}`)
  }
  const head = await ask2('/api/plugins', { method: 'HEAD' })
  t.strictSame([head.status, head.text], [200, ''])
  const traced = await ask2('/api/plugins', { headers: { 'x-request-id': 'mine-1' } })
  t.equal(traced.headers['x-request-id'], 'mine-1')
  const again = async (): Promise<unknown> => (await ask2('/api/events/once', { method: 'POST', body: { topic: 'coordination' }, headers: { 'idempotency-key': 'k1' } })).body.event_id
  t.equal(await again(), await again(), 'an idempotency key holds')
  t.equal((await ask2('/api/plugins', { headers: { authorization: 'Bearer x' } })).status, 401)
  t.equal((await ask2('/status', { headers: { authorization: undefined } })).status, 200, 'it is a connection of this machine')
  for await (const { action, address } of newestFirst(join(shared.storage, 'audit'))) if (action === 'token.refused') { t.equal(address, '127.0.0.1'); break }
})

t.test('what no request may bring is refused with the body that every error has', async (t) => {
  const client = await openHttp2(t, port, ca, operator)
  const refused: [what: string, headers: Record<string, string>, status: number, message: RegExp][] = [
    ['a strange authority', { ':authority': 'evil.example' }, 421, /does not go by the name/],
    ['another host beside the authority', { ':authority': 'localhost', host: 'evil.example' }, 400, /different hosts/],
    ['one header too many', Object.fromEntries(Array.from({ length: 30 }, (_, n) => [`x-${n}`, '1'])), 400, /30 headers/],
    ['headers that are too large', { x: 'a'.repeat(8 * 1024) }, 431, /too large/],
    ['too many parameters', { ':path': `/api/plugins?${'a&'.repeat(200)}` }, 400, /100 parameters/],
    ['a body that is packed', { ':method': 'POST', ':path': '/api/events/note', 'content-type': 'application/json', 'content-encoding': 'gzip' }, 415, /compressed/]
  ]
  for (const [what, headers, status, message] of refused) {
    const answer = await client.ask('/api/plugins', { headers })
    t.equal(answer.status, status, what)
    t.match(answer.body, { code: 'VAL_001', message }, what)
    checkConventions(answer)
  }
  t.equal((await client.ask('/api/plugins', { headers: Object.fromEntries(Array.from({ length: 29 }, (_, n) => [`x-${n}`, '1'])) })).status, 200, 'as many headers as are allowed')
  t.equal((await client.ask('/health', { headers: { host: 'localhost', ':authority': 'localhost' } })).status, 200)
  const twice = await openFrames(t, port, ca)
  twice.send(frame(FRAME.headers, FLAG.endHeaders | FLAG.endStream, 1, fields([
    [':method', 'GET'], [':scheme', 'https'], [':authority', 'localhost'], [':path', '/api/plugins'], ['authorization', 'Bearer x'], ['authorization', `Bearer ${operator}`]
  ])))
  t.match(String((await twice.frame(FRAME.data))?.payload), /authorization may come once only/)
})

t.test('a body that is too large or does not arrive in time is answered, and not read on', async (t) => {
  const { open } = await openHttp2(t, port, ca, operator)
  const post = { ':method': 'POST', ':path': '/api/events/note', 'content-type': 'application/json' }
  t.match(await answerOf(open({ ...post, 'content-length': '2000000' })), { status: 413, body: { code: 'VAL_001', error: 'payload_too_large' } }, 'before it was sent')
  t.match(await answerOf(open({ ...post, authorization: 'Bearer x' })), { status: 401 }, 'who may not send it is told before it is whole')
  const long = open(post)
  const refused = answerOf(long)
  const over = once(long, 'close')
  for (let sent = 0; sent < 64 && !long.closed; sent++) if (!long.write(' '.repeat(64 * 1024))) await Promise.race([once(long, 'drain'), over])
  t.match(await refused, { status: 413, body: { code: 'VAL_001' } })
  t.equal(long.rstCode, 0, 'and the rest is not wanted (RFC 9113, 8.1)')

  const slow = await start(t, { 'requests-request-seconds': '0.4', 'requests-headers-seconds': '0.3' })
  const half = (await openHttp2(t, slow.port, ca, slow.operator)).open(post)
  half.write('{"topic":')
  const late = await answerOf(half)
  t.match(late, { status: 408, body: { code: 'VAL_001', message: /in time/ } })
  checkConventions(late)
})

t.test('waits whose client goes away end, and what was not written out is given again', async (t) => {
  const { token } = await agent('ai-engineer')
  const { open, session, ask: ask2 } = await openHttp2(t, port, ca, token)
  const waits = Array.from({ length: 10 }, () => open({ ':path': '/api/events/wait/never?timeout=120000' }).end())
  await waiting(ask, 10)
  for (const wait of waits.slice(1)) wait.close(8)
  await waiting(ask, 1)
  const other = await openHttp2(t, port, ca, token)
  other.open({ ':path': '/api/events/wait/never?timeout=120000' }).end()
  await waiting(ask, 2)
  other.session.destroy()
  await waiting(ask, 1)

  // A client that takes nothing of an answer which is larger than its window, and resets it, has not been given it.
  const published = await publish(ask, 'large', { text: 'x'.repeat(500_000) })
  const unread = open({ ':path': '/api/events/wait/large?timeout=1000' }).end()
  await once(unread, 'response')
  unread.close(8)
  const given = await eventually(async () => (await ask2('/api/events/wait/large?timeout=0')).body.events, (events) => events.length === 1)
  t.equal(given[0].event_id, published)
  await eventually(async () => (await ask2('/api/events/wait/large?timeout=0')).body.events, (events) => events.length === 0)

  const answered = answerOf(waits[0]!)
  const id = await publish(ask, 'never')
  t.equal((await answered).body.events[0].event_id, id)
  session.close()
})

t.test('a stream of events goes through, and ends with its client', async (t) => {
  const { open } = await openHttp2(t, port, ca, operator)
  const stream = open({ ':path': '/api/events/stream?type=flow&since=earliest' }).end()
  const [headers] = await once(stream, 'response')
  t.match(headers, { ':status': 200, 'content-type': /^text\/event-stream/, 'x-content-type-options': 'nosniff' })
  for (const name of ['connection', 'keep-alive', 'transfer-encoding']) t.notOk(name in headers, name)
  await waiting(ask, 1)
  let seen = ''
  stream.setEncoding('utf8').on('data', (part: string) => { seen += part })
  for (let n = 0; n < 3; n++) await publish(ask, 'flow', { n })
  await eventually(() => /"n":0.*"n":1.*"n":2/s.test(seen))
  stream.close(8)
  await waiting(ask, 0)
})

t.test('a reader of a stream that is slower than its events is waited for, and not when it is gone', async (t) => {
  const { open } = await openHttp2(t, port, ca, operator)
  const ids: string[] = []
  // More than the windows of stream and connection hold.
  for (let n = 0; n < 5; n++) ids.push(await publish(ask, 'bulk', { text: 'x'.repeat(100_000) }))
  const [slow, gone] = [0, 1].map(() => open({ ':path': '/api/events/stream?type=bulk&since=earliest' }).end())
  await Promise.all([once(slow!, 'response'), once(gone!, 'response'), waiting(ask, 2)])
  gone!.close(8)
  await waiting(ask, 1)
  let seen = ''
  slow!.setEncoding('utf8').on('data', (part: string) => { seen += part })
  ids.push(await publish(ask, 'bulk', { text: 'last' }))
  await eventually(() => ids.every((id) => seen.includes(id)))
  slow!.close(8)
  await waiting(ask, 0)
})

t.test('a session that was taken leave of is served to the end of its requests, and takes no further ones', async (t) => {
  const { sidecar, port, operator, ask } = await start(t)
  const { open, session } = await openHttp2(t, port, ca, operator)
  const idle = await openHttp2(t, port, ca)
  await idle.ask('/health')
  const openSessions = async (): Promise<string | undefined> => /^sidecar_http2_sessions (\d+)$/m.exec((await ask('GET', '/metrics')).text)?.[1]
  t.equal(await openSessions(), '2')
  const wait = answerOf(open({ ':path': '/api/events/wait/note?timeout=120000' }).end())
  await waiting(ask, 1)
  const farewells = Promise.all([once(session, 'goaway'), once(idle.session, 'close')])
  sidecar.app.server.closeIdleConnections()
  await farewells
  t.throws(() => open({ ':path': '/health' }), { code: 'ERR_HTTP2_GOAWAY_SESSION' })
  const id = await publish(ask, 'note')
  t.equal((await wait).body.events[0].event_id, id)
  if (!session.destroyed) await once(session, 'close')
  await eventually(openSessions, (count) => count === '0')
})

t.test('who asks in vain over one session is turned away as on one connection', async (t) => {
  const { port, operator } = await start(t, { 'rate-limit-enabled': 'true', 'rate-limit-address-per-minute': '5' })
  const { ask: guess } = await openHttp2(t, port, ca, 'x')
  const statuses: number[] = []
  while (statuses.length < 50 && statuses.at(-1) !== 429) statuses.push((await guess('/api/plugins')).status)
  t.strictSame([statuses[0], statuses.at(-1)], [401, 429])
  t.equal((await (await openHttp2(t, port, ca, operator)).ask('/api/plugins')).status, 200, 'and nobody beside it')
})

t.test('a shutdown answers the waits, ends the streams and takes leave of every session', async (t) => {
  const { sidecar, port, operator } = await start(t)
  const { open, session } = await openHttp2(t, port, ca, operator)
  const idle = await openHttp2(t, port, ca)
  const wait = answerOf(open({ ':path': '/api/events/wait/never?timeout=120000' }).end())
  const stream = open({ ':path': '/api/events/stream?type=never' }).end()
  await once(stream, 'response')
  const ended = once(stream.resume(), 'close')
  const farewells = Promise.all([once(session, 'goaway'), once(idle.session, 'goaway')])
  const closed = Promise.all([once(session, 'close'), once(idle.session, 'close')])
  await sidecar.close()
  t.match(await wait, { status: 200, body: { events: [], timeout: true } })
  await ended
  t.equal(stream.rstCode, 0)
  t.strictSame((await farewells).map(([code]) => code), [0, 0])
  await closed
})
