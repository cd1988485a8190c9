import { once } from 'node:events'
import { connect, createServer, type ServerHttp2Stream } from 'node:http2'
import { writeFileSync } from 'node:fs'
import { createConnection, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Settings } from '../../core/config/settings.js'
import { Allowance } from '../../core/http/http2/allowance.js'
import { boundRequest } from '../../core/http/http2/request-bounds.js'
import { SessionBounds } from '../../core/http/http2/session-bounds.js'
import { serverLimits } from '../../core/http/server-limits.js'
import { waiting } from '../core/http/event-requests.js'
import { makeCertificate } from '../support/certificate.js'
import { answerOf, codeOf, fields, FLAG, FRAME, frame, GET, openFrames, openHttp2 } from '../support/http2-client.js'
import { portOf } from '../support/raw-http.js'
import { startSidecar } from '../support/sidecar.js'
import { quickFolder } from '../support/temporary.js'

const folder = await quickFolder(t)
const { cert: ca, key } = makeCertificate()
const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
writeFileSync(certFile, ca)
writeFileSync(keyFile, key)
const { sidecar, operator, ask } = await startSidecar(t, {
  settings: { 'tls-cert': certFile, 'tls-key': keyFile, 'requests-max-streams': '20', 'requests-max-connections': '40', 'requests-headers-seconds': '1', 'rate-limit-enabled': 'false' }
})
const port = await portOf(sidecar.app)
const [NO_ERROR, REFUSED_STREAM, CANCEL, ENHANCE_YOUR_CALM] = [0, 7, 8, 11]
const WHOLE = FLAG.endHeaders | FLAG.endStream
const head = fields([...GET('/api/events/wait/never?timeout=120000'), ['authorization', `Bearer ${operator}`]])
const cancelled = (stream: number): Buffer => frame(FRAME.reset, 0, stream, Buffer.from([0, 0, 0, CANCEL]))

async function calm (t: Test): Promise<void> {
  t.equal((await (await openHttp2(t, port, ca)).ask('/health')).status, 200, 'the server is well')
  await waiting(ask, 0)
}

t.test('rapid reset: requests that are taken back as soon as they are sent end their session', async (t) => {
  const attacker = await openFrames(t, port, ca)
  for (let stream = 1; stream < 4000; stream += 2) attacker.send(frame(FRAME.headers, WHOLE, stream, head), cancelled(stream))
  // Who still sends while the connection is closed may miss the farewell.
  const farewell = await attacker.frame(FRAME.goaway)
  if (farewell !== undefined) t.equal(codeOf(farewell), ENHANCE_YOUR_CALM)
  await attacker.closed
  const polite = await openHttp2(t, port, ca, operator)
  for (let round = 0; round < 3; round++) {
    const waits = Array.from({ length: 20 }, () => polite.open({ ':path': '/api/events/wait/never?timeout=120000' }).end())
    await waiting(ask, 20)
    for (const wait of waits) wait.close(CANCEL)
    await waiting(ask, 0)
  }
  t.equal((await polite.ask('/api/plugins')).status, 200, 'who drops all its waits at once is none')
  await calm(t)
})

t.test('frames that ask for nothing end their session: pings, settings, and requests that are none', async (t) => {
  const floods: [what: string, flood: Buffer][] = [
    ['pings', frame(FRAME.ping, 0, 0, Buffer.alloc(8))],
    ['settings', frame(FRAME.settings, 0, 0, Buffer.from([0, 3, 0, 0, 0, 100]))],
    ['empty bodies', frame(FRAME.data, 0, 1)]
  ]
  for (const [what, flood] of floods) {
    const attacker = await openFrames(t, port, ca)
    attacker.send(frame(FRAME.headers, FLAG.endHeaders, 1, fields([...GET('/api/events/note').with(0, [':method', 'POST']), ['content-type', 'application/json'], ['authorization', `Bearer ${operator}`]])))
    // Fewer than nghttp2 itself holds.
    for (let n = 0; n < 900; n++) attacker.send(flood)
    await attacker.closed
    t.pass(what)
  }
  const malformed = await openFrames(t, port, ca)
  for (let stream = 1; stream < 1000; stream += 2) malformed.send(frame(FRAME.headers, WHOLE, stream, fields([...GET('/health'), ['Upper', 'x']])))
  await malformed.closed
  await calm(t)
})

t.test('a request that is cut off is not carried out, also where what came of it would do', async (t) => {
  const attacker = await openFrames(t, port, ca)
  const post = fields([[':method', 'POST'], ...GET('/api/events/cut').slice(1), ['content-type', 'application/json'], ['authorization', `Bearer ${operator}`]])
  const body = Buffer.from('{"topic":"coordination"}')
  attacker.send(frame(FRAME.headers, FLAG.endHeaders, 1, post), frame(FRAME.data, 0, 1, body), cancelled(1))
  attacker.send(frame(FRAME.headers, FLAG.endHeaders, 3, post), frame(FRAME.data, 0, 3, body))
  // So that the body is read when the stream is reset.
  attacker.send(frame(FRAME.headers, WHOLE, 5, fields(GET('/health'))))
  await attacker.frame(FRAME.headers, (stream) => stream === 5)
  attacker.send(cancelled(3), frame(FRAME.headers, FLAG.endHeaders, 7, post), frame(FRAME.data, FLAG.endStream, 7, body))
  t.ok(await attacker.frame(FRAME.headers, (stream) => stream === 7))
  t.equal((await ask('GET', '/api/events?type=cut')).body.events.length, 1, 'but the whole one')
  await calm(t)
})

t.test('a head without end, or one that unpacks to many times its size, is not kept', async (t) => {
  const endless = await openFrames(t, port, ca)
  endless.send(frame(FRAME.headers, 0, 1, fields(GET('/health'))))
  for (let n = 0; n < 1000; n++) endless.send(frame(FRAME.continuation, 0, 1, fields([[`x-${n}`, 'y'.repeat(1000)]])))
  await endless.closed
  // One field is put into the table, and then named by one byte each time (RFC 7541, 6.1).
  const bomb = await openFrames(t, port, ca)
  const entry = Buffer.concat([Buffer.from([0x40]), fields([['x', 'y'.repeat(3900)]]).subarray(1)])
  bomb.send(frame(FRAME.headers, WHOLE, 1, Buffer.concat([fields(GET('/health')), entry, Buffer.alloc(10_000, 0x80 | 62)])))
  const [reset, farewell] = await Promise.race([bomb.frame(FRAME.reset).then((one) => [one]), bomb.frame(FRAME.goaway).then((one) => [undefined, one])])
  t.ok(reset !== undefined || farewell !== undefined)
  await calm(t)
})

t.test('requests beyond those of a session, and beyond those of all, are refused so that they may be sent again', async (t) => {
  const attacker = await openFrames(t, port, ca)
  for (let n = 0; n < 21; n++) attacker.send(frame(FRAME.headers, WHOLE, 1 + n * 2, head))
  t.equal(codeOf((await attacker.frame(FRAME.reset, (stream) => stream === 41))!), REFUSED_STREAM)
  await waiting(ask, 20)
  const second = await openFrames(t, port, ca)
  for (let n = 0; n < 20; n++) second.send(frame(FRAME.headers, WHOLE, 1 + n * 2, head))
  await waiting(ask, 40)
  const third = await openFrames(t, port, ca)
  third.send(frame(FRAME.headers, WHOLE, 1, head))
  t.equal(codeOf((await third.frame(FRAME.reset))!), REFUSED_STREAM, 'as many in all as there may be connections')
  attacker.socket.destroy()
  await waiting(ask, 20)
  third.send(frame(FRAME.headers, WHOLE, 3, fields(GET('/health'))))
  t.ok(await third.frame(FRAME.data, (stream) => stream === 3))
  second.socket.destroy()
  await calm(t)
})

t.test('a handshake that does not end, and a session without a request, are let go', async (t) => {
  const silent = createConnection(port, '127.0.0.1')
  t.teardown(() => { silent.destroy() })
  const connections = [await openFrames(t, port, ca, { greet: false }), await openFrames(t, port, ca)]
  // A head of which the end does not come.
  const half = await openFrames(t, port, ca)
  half.send(frame(FRAME.headers, 0, 1, fields(GET('/health'))))
  // What was not HTTP/2 after all.
  const other = await openFrames(t, port, ca, { greet: false })
  other.send(Buffer.from('GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n'))
  await Promise.all([once(silent, 'close'), ...[...connections, half, other].map(async ({ closed }) => await closed)])
  t.pass('each of them')
  await calm(t)
})

t.test('who takes nothing of its answers holds up nobody', async (t) => {
  // A window of no bytes: not even an error can be sent (RFC 9113, 6.9.2).
  const attacker = await openFrames(t, port, ca, { settings: Buffer.from([0, 4, 0, 0, 0, 0]) })
  for (let n = 0; n < 20; n++) attacker.send(frame(FRAME.headers, WHOLE, 1 + n * 2, fields(GET('/api/plugins'))))
  t.ok(await attacker.frame(FRAME.headers, (stream) => stream === 39), 'heads are sent')
  const { open } = await openHttp2(t, port, ca, operator)
  t.equal((await answerOf(open({ ':path': '/api/plugins' }).end())).status, 200)
  attacker.socket.destroy()
  await calm(t)
})

t.test('CONNECT leads nowhere', async (t) => {
  const attacker = await openFrames(t, port, ca)
  attacker.send(frame(FRAME.headers, WHOLE, 1, fields([[':method', 'CONNECT'], [':authority', '127.0.0.1:22']])))
  t.ok(await attacker.frame(FRAME.reset))
  t.equal(attacker.socket.destroyed, false)
  await calm(t)
})

t.test('a session without a request under way, and an answer that nobody takes, end after a while', async (t) => {
  const given = { request_seconds: 60, headers_seconds: 30, idle_seconds: 180, header_kb: 16 } as Settings['requests']
  const limits = { ...serverLimits({ requests: given }), keepAliveTimeout: 20, connectionTimeout: 20 }
  const sessions = new Map<unknown, SessionBounds>()
  const server = createServer().listen(0, '127.0.0.1')
  t.teardown(() => { server.close() })
  server.on('session', (session) => { sessions.set(session, new SessionBounds(session, limits)) })
  server.on('stream', (stream: ServerHttp2Stream) => { sessions.get(stream.session)!.opened(stream) })
  server.on('request', (request, response) => {
    boundRequest(request, response, limits)
    response.end('whole')
  })
  await once(server, 'listening')
  for (const initialWindowSize of [65_535, 0]) {
    const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, { settings: { initialWindowSize } })
    const farewell = once(client, 'goaway')
    const request = client.request().resume()
    await once(request, 'close')
    t.equal(request.rstCode, initialWindowSize === 0 ? CANCEL : NO_ERROR)
    t.equal((await farewell)[0], NO_ERROR)
    await once(client, 'close')
  }
})

t.test('an allowance is used up by so many at once, and comes back with time', (t) => {
  let now = 0
  const allowance = new Allowance(3, 2, () => now)
  const taken = (): number => Array.from({ length: 10 }, () => allowance.take()).filter(Boolean).length
  t.equal(taken(), 3)
  now = 499
  t.equal(taken(), 0)
  now = 1500
  t.equal(taken(), 3)
  now = 100_000
  t.equal(taken(), 3, 'and is not saved up')
  t.end()
})
