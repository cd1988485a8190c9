import { once } from 'node:events'
import { createConnection, type AddressInfo, type Socket } from 'node:net'
import t from 'tap'
import { RFC3339_UTC, startDocumented } from './documented.js'
import { ids, publish, waiting } from './event-requests.js'
import { eventually } from './eventually.js'

t.test('a plain loop of waits sees every event once, also those before and between the calls', async (t) => {
  const { ask, agent } = await startDocumented(t)
  const { token } = await agent('ai-engineer')
  const before = await publish(ask, 'note', { n: 0 })
  const first = await ask('GET', '/api/events/wait/note', { token })
  t.strictSame(ids(first.body), [before], 'published before the first wait')
  t.match(first.body, { more_available: false, next_cursor: String, timestamp: RFC3339_UTC })
  t.notOk('timeout' in first.body)
  const between = [await publish(ask, 'note', { n: 1 }), await publish(ask, 'other'), await publish(ask, 'note', { n: 2 })]
  t.strictSame(ids((await ask('GET', '/api/events/wait/note', { token })).body), [between[0], between[2]])

  const seen: number[] = []
  const total = 60
  const reading = (async () => {
    while (seen.length < total) {
      const { body } = await ask('GET', '/api/events/wait/count?timeout=60000&limit=7', { token })
      seen.push(...body.events.map((event: { data: { n: number } }) => event.data.n))
    }
  })()
  for (let n = 0; n < total; n++) await publish(ask, 'count', { n })
  await reading
  t.strictSame(seen, Array.from({ length: total }, (_, n) => n), 'every one, once, in order')
  t.strictSame((await ask('GET', '/api/events/wait/count?timeout=0', { token })).body.events, [])
})

t.test('a position belongs to one agent, and to one type, topic and filter', async (t) => {
  const { ask, agent } = await startDocumented(t)
  const [ada, bob] = [await agent('ai-engineer'), await agent('ai-engineer')]
  const id = await publish(ask, 'note', { a: 1, b: 2 })
  const urls = [
    '/api/events/wait/note?timeout=0', '/api/events/wait?timeout=0', '/api/events/wait/note,other?timeout=0', '/api/events/wait/note?timeout=0&topic=coordination',
    '/api/events/wait/note?timeout=0&filter=a:1', '/api/events/wait/note?timeout=0&filter=a:1,b:2'
  ]
  for (const { token } of [ada, bob]) {
    for (const url of urls) t.strictSame(ids((await ask('GET', url, { token })).body), [id], url)
    for (const url of urls) t.strictSame(ids((await ask('GET', url, { token })).body), [], `${url} again`)
  }
  for (const same of ['/api/events/wait/*?timeout=0', '/api/events/wait/other,note?timeout=0', '/api/events/wait/note?timeout=0&filter=b:2,a:1', '/api/events/wait/note?timeout=0&filter=']) {
    t.strictSame(ids((await ask('GET', same, { token: ada.token })).body), [], `${same} means the same`)
  }
})

t.test('timeout is in milliseconds, and an empty answer has a cursor to go on from', async (t) => {
  const { ask, agent } = await startDocumented(t)
  const { token } = await agent('ai-engineer')
  const started = performance.now()
  const { status, body } = await ask('GET', '/api/events/wait/note?timeout=40', { token })
  t.ok(performance.now() - started >= 35)
  t.equal(status, 200)
  t.match(body, { events: [], timeout: true, more_available: false, next_cursor: String, timestamp: RFC3339_UTC })
  const id = await publish(ask, 'note')
  t.strictSame(ids((await ask('GET', `/api/events/wait/note?timeout=0&since=${body.next_cursor}`, { token })).body), [id])
  t.match((await ask('GET', '/api/events/wait/other?timeout=0', { token })).body, { events: [], timeout: true })
  for (const timeout of ['-1', '120001', '1.5', 'soon', '']) {
    t.equal((await ask('GET', `/api/events/wait/note?timeout=${timeout}`, { token })).status, 400, `timeout ${timeout}`)
  }
})

t.test('a position moves only when the answer was written out', async (t) => {
  const { ask, agent, sidecar } = await startDocumented(t)
  const { token } = await agent('ai-engineer')
  await sidecar.app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = sidecar.app.server.address() as AddressInfo
  const request = `GET /api/events/wait/note?timeout=60000 HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${token}\r\n\r\n`

  const gone = createConnection(port, '127.0.0.1')
  gone.write(request)
  await waiting(ask, 1)
  gone.resetAndDestroy()
  await waiting(ask, 0)
  const id = await publish(ask, 'note')

  // A client that takes nothing of an answer which is larger than all buffers between, and goes away, has not been given it.
  const large = []
  for (let n = 0; n < 4; n++) large.push(await publish(ask, 'note', { text: 'x'.repeat(9_000_000) }))
  const accepted = once(sidecar.app.server, 'connection') as Promise<[Socket]>
  const stalled = createConnection(port, '127.0.0.1')
  stalled.pause()
  stalled.write(request)
  const [served] = await accepted
  await eventually(() => served.bytesWritten > 0)
  stalled.resetAndDestroy()
  await eventually(() => served.closed)
  t.strictSame(ids((await ask('GET', '/api/events/wait/note?timeout=0&limit=1', { token })).body), [id])

  const polite = createConnection(port, '127.0.0.1')
  polite.write(request.replace('60000', '0').replace('\r\n\r\n', '\r\nconnection: close\r\n\r\n'))
  const received: Buffer[] = []
  for await (const chunk of polite) received.push(chunk as Buffer)
  t.ok(large.every((event) => Buffer.concat(received).includes(event)))
  t.strictSame(ids((await ask('GET', '/api/events/wait/note?timeout=0', { token })).body), [])
})

t.test('an answer without its body is not offered where it would move a position', async (t) => {
  const { ask, agent } = await startDocumented(t)
  const { token } = await agent('ai-engineer')
  const id = await publish(ask, 'note')
  for (const url of ['/api/events/wait/note?timeout=0', '/api/events/wait?timeout=0', '/api/events/stream']) t.equal((await ask('HEAD', url, { token })).status, 404, url)
  t.strictSame(ids((await ask('GET', '/api/events/wait/note?timeout=0', { token })).body), [id])
})
