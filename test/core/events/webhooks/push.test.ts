import { once } from 'node:events'
import { createServer as createNetServer, type AddressInfo, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { createPusher, type PushAnswer, type Pusher } from '../../../../core/events/webhooks/push.js'
import { createTargetGuard } from '../../../../core/events/webhooks/target-guard.js'
import { startReceiver } from './receiver.js'

const BODY = '{"type":"note","timestamp":"2026-01-01T00:00:00.000Z","data":{"text":"ä"}}'

function setUp (t: Test, more: { allow?: string[], timeoutMs?: number, resolve?: Parameters<typeof createTargetGuard>[0]['resolve'] } = {}): { push (url: string, signal?: AbortSignal): Promise<PushAnswer>, pusher: Pusher } {
  const { allow = ['127.0.0.0/8'], timeoutMs, resolve } = more
  const guard = createTargetGuard({ allow, ...(resolve === undefined ? {} : { resolve }) })
  const pusher = createPusher({ guard, userAgent: 'test/1', maxSockets: 8, ...(timeoutMs === undefined ? {} : { timeoutMs }) })
  t.teardown(() => pusher.close())
  return { pusher, push: async (url, signal = new AbortController().signal) => await pusher.push(url, { 'webhook-id': 'evt_1' }, BODY, signal) }
}

/** A server that does with a connection what no HTTP server would. */
async function startRaw (t: Test, onData: (socket: Socket, data: Buffer) => void): Promise<string> {
  const sockets = new Set<Socket>()
  const server = createNetServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('data', (data: Buffer) => onData(socket, data))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.teardown(async () => {
    server.close()
    for (const socket of sockets) socket.destroy()
    await once(server, 'close')
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

t.test('the body arrives as it was given, with the headers of a webhook', async (t) => {
  const { push } = setUp(t)
  const receiver = await startReceiver(t)
  t.match(await push(`${receiver.url}?key=1`), { status: 204, error: null, duration_ms: Number })
  const [message] = receiver.received
  t.equal(message!.text, BODY)
  t.match(message!.headers, { 'webhook-id': 'evt_1', 'content-type': 'application/json', 'user-agent': 'test/1', 'content-length': String(Buffer.byteLength(BODY)) })
})

t.test('a connection serves many pushes, and one that the receiver has closed costs no attempt', async (t) => {
  const { push } = setUp(t)
  let cut = false
  const receiver = await startReceiver(t, (response) => {
    if (!cut) return 204
    // As a server does whose idle time is over at the moment a request comes.
    cut = false
    response.socket!.resetAndDestroy()
    return undefined
  })
  for (let round = 0; round < 5; round++) t.equal((await push(receiver.url)).status, 204)
  t.equal(receiver.connections(), 1)
  cut = true
  t.match(await push(receiver.url), { status: 204, error: null })
  t.equal(receiver.connections(), 2)
})

t.test('a connection that breaks at its first message is an error', async (t) => {
  const { push } = setUp(t)
  t.match(await push(await startRaw(t, (socket) => socket.resetAndDestroy())), { status: null, error: /ECONNRESET/ })
  t.match(await push(await startRaw(t, (socket) => socket.end())), { status: null, error: /hang up/ })
  t.match(await push(await startRaw(t, (socket) => socket.end('no http\r\n\r\n'))), { status: null, error: /Parse Error/ })
  t.match(await push(await startRaw(t, (socket) => socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n'))), { status: null, error: String })
  t.match(await push(await startRaw(t, (socket) => socket.write(`HTTP/1.1 200 OK\r\nx: ${'x'.repeat(100_000)}`))), { status: null, error: /overflow/i })
})

t.test('every status but 2xx is an error that says what the receiver said', async (t) => {
  let status = 200
  const { push } = setUp(t)
  const { url } = await startReceiver(t, (response) => {
    response.writeHead(status, { 'retry-after': '7' }).end('no\u0007\u001b[31m \r\n\u202Eway\u2028')
    return undefined
  })
  for (status of [200, 201, 202, 299]) t.match(await push(url), { status, error: null }, String(status))
  for (status of [400, 404, 410, 429, 500, 503, 599]) {
    t.match(await push(url), { status, error: `the receiver answered ${status}: no [31m way`, retry_after: '7' }, String(status))
  }
})

t.test('a redirect is not followed', async (t) => {
  const { push } = setUp(t)
  const target = await startReceiver(t)
  for (const status of [301, 302, 303, 307, 308]) {
    const { url } = await startReceiver(t, (response) => {
      response.writeHead(status, { location: target.url }).end()
      return undefined
    })
    t.match(await push(url), { status, error: /redirects are not followed/ })
  }
  t.equal(target.received.length, 0)
})

t.test('of a huge answer only the beginning is read', async (t) => {
  const { push } = setUp(t)
  let written = 0
  for (const status of [200, 500]) {
    const { url } = await startReceiver(t, async (response) => {
      response.writeHead(status)
      for (written = 0; written < 1024 && !response.destroyed; written++) {
        if (!response.write('x'.repeat(1024 * 1024))) await Promise.race([once(response, 'drain'), once(response, 'close')])
      }
      return undefined
    })
    const answer = await push(url)
    t.equal(answer.status, status)
    t.equal(answer.error?.length ?? 0, status === 200 ? 0 : 'the receiver answered 500: '.length + 1024)
    t.ok(written < 1024, `${written} of 1024 MiB were taken`)
  }
})

t.test('a server that does not answer is given up, and the time counts for the whole', async (t) => {
  const { push } = setUp(t, { timeoutMs: 150 })
  const { url: silent } = await startReceiver(t, () => undefined)
  t.match(await push(silent), { status: null, error: 'there was no answer within 150 ms' })
  const slow = await startRaw(t, (socket) => {
    socket.write('HTTP/1.1 200 OK\r\nx: ')
    const timer = setInterval(() => socket.write('x'), 10)
    socket.once('close', () => clearInterval(timer))
  })
  t.match(await push(slow), { status: null, error: 'there was no answer within 150 ms' })
  const { push: unresolved } = setUp(t, { timeoutMs: 150, resolve: async () => await new Promise(() => {}) })
  t.match(await unresolved('http://slow.example.com/'), { status: null, error: 'there was no answer within 150 ms' })
})

t.test('what has been answered counts, also when the rest never comes', async (t) => {
  const { push } = setUp(t, { timeoutMs: 150 })
  for (const [status, error] of [[200, null], [500, 'the receiver answered 500: half']] as const) {
    const { url } = await startReceiver(t, (response) => {
      response.writeHead(status).write('half')
      return undefined
    })
    t.match(await push(url), { status, error })
    const cut = await startReceiver(t, (response) => {
      response.writeHead(status).write('half', () => response.socket!.resetAndDestroy())
      return undefined
    })
    t.match(await push(cut.url), { status, error })
  }
})

t.test('a push that is aborted ends at once', async (t) => {
  const { push } = setUp(t)
  const abort = new AbortController()
  const { url } = await startReceiver(t, () => {
    abort.abort()
    return undefined
  })
  t.match(await push(url, abort.signal), { status: null, error: /gave up/ })
  t.match(await push(url, abort.signal), { status: null, error: /gave up/ })
})

t.test('a server that is gone is an error', async (t) => {
  const { push } = setUp(t)
  const receiver = await startReceiver(t)
  await receiver.close()
  t.match(await push(receiver.url), { status: null, error: /ECONNREFUSED/ })
})

t.test('each connection goes to an address that was checked for it', async (t) => {
  const receiver = await startReceiver(t)
  const leads = ['127.0.0.1', '127.0.0.2']
  const { push } = setUp(t, { allow: ['127.0.0.1'], resolve: async () => [{ address: leads.shift()!, family: 4 }] })
  const url = `http://rebound.example.com:${receiver.port}/hook`
  t.match(await push(url), { status: 204 })
  t.equal(receiver.received[0]!.headers.host, `rebound.example.com:${receiver.port}`)
  await receiver.close()
  t.match(await push(url), { status: null, error: /'rebound\.example\.com' at 127\.0\.0\.2, which is not public/ })
  t.match(await push('http://127.0.0.9:1/'), { status: null, error: /127\.0\.0\.9, which is not public/ })
})

t.test('over TLS the server is asked for by the name of the url', async (t) => {
  const { push } = setUp(t, { resolve: async () => [{ address: '127.0.0.1', family: 4 }] })
  let hello = ''
  const url = new URL(await startRaw(t, (socket, data) => {
    hello += data.toString('latin1')
    socket.end()
  }))
  t.match(await push(`https://hooks.example.com:${url.port}/`), { status: null, error: String })
  t.match(hello, 'hooks.example.com')
})
