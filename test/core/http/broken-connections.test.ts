import { once } from 'node:events'
import t from 'tap'
import { openRaw, portOf } from '../../support/raw-http.js'
import { createRepository } from '../../support/repository.js'
import { startSidecarProcess } from '../../support/sidecar-process.js'
import { startSidecar } from '../../support/sidecar.js'
import { temporaryFolder } from '../../support/temporary.js'
import { eventually } from './eventually.js'

t.test('FAULT 24: requests in slices of one byte are answered as if they came at once, also two in a row', async (t) => {
  const { sidecar, operator, ask } = await startSidecar(t)
  const port = await portOf(sidecar.app)
  const body = JSON.stringify({ topic: 'coordination', data: { text: 'größer' } })
  const request = `POST /api/events/sliced HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${operator}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
  const connection = await openRaw(t, port)
  // The second one also cuts letters in two.
  for (const byte of Buffer.from(request + request)) {
    if (!connection.socket.write(Buffer.from([byte]))) await once(connection.socket, 'drain')
    await new Promise((resolve) => { setImmediate(resolve) })
  }
  t.match(await connection.answer(), { status: 202, body: { published: true } })
  const listed = async (): Promise<{ data: unknown }[]> => (await ask('GET', '/api/events?type=sliced')).body.events
  t.match(await eventually(listed, ({ length }) => length === 2), [{ data: { text: 'größer' } }, { data: { text: 'größer' } }])
})

t.test('FAULT 24: a connection that is reset in the middle of an answer, or of a request, harms nobody', async (t) => {
  const { sidecar, operator, ask } = await startSidecar(t)
  const text = 'x'.repeat(200_000)
  for (let n = 0; n < 20; n++) await ask('POST', '/api/events/large', { body: { topic: 'coordination', data: { n, text } } })
  const port = await portOf(sidecar.app)
  const head = (method: string, path: string): string => `${method} ${path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${operator}\r\n`
  // More than the system buffers, so that it is under way for a while.
  const path = '/api/events?type=large&limit=1000'
  t.equal((await ask('GET', path)).body.events.length, 20)
  for (let round = 0; round < 10; round++) {
    const reader = await openRaw(t, port)
    reader.write(`${head('GET', path)}\r\n`)
    await once(reader.socket, 'data')
    reader.socket.resetAndDestroy()
    const writer = await openRaw(t, port)
    writer.write(`${head('POST', '/api/events/broken')}content-type: application/json\r\ncontent-length: 1000\r\n\r\n{"topic":`)
    writer.socket.resetAndDestroy()
    const waiter = await openRaw(t, port)
    waiter.write(`${head('GET', '/api/events/wait/never')}\r\n`)
    await eventually(async () => (await ask('GET', '/status')).body.events.active_subscriptions === 1)
    waiter.socket.resetAndDestroy()
    await eventually(async () => (await ask('GET', '/status')).body.events.active_subscriptions === 0)
  }
  const connections = async (): Promise<number> => await new Promise((resolve, reject) => {
    sidecar.app.server.getConnections((error, count) => { if (error === null) resolve(count); else reject(error) })
  })
  t.equal(await eventually(connections, (count) => count === 0), 0)
  t.equal((await ask('GET', path)).body.events.length, 20)
  t.strictSame((await ask('GET', '/api/events?type=broken')).body.events, [])
})

t.test('FAULT 23: SIGTERM drains: waits are answered empty, what was acknowledged is kept, nothing new is taken', async (t) => {
  const storage = `${await temporaryFolder(t, 'cco-storage')}/storage`
  const root = await temporaryFolder(t, 'cco-project')
  await createRepository(root, { 'README.md': '# Sample\n' })
  const server = await startSidecarProcess(t, { storage, root })
  const port = Number(new URL(server.address).port)
  const wait = server.ask('GET', '/api/events/wait/never?timeout=120000')
  const idle = await openRaw(t, port)
  const halfSent = await openRaw(t, port)
  halfSent.write('GET /health HTTP/1.1\r\nhost: localhost\r\n')
  await eventually(async () => (await server.ask('GET', '/status')).body.events.active_subscriptions === 1)
  const publishers = { areDone: false }
  const acknowledged: string[] = []
  const publishing = Promise.all(Array.from({ length: 10 }, async (_, writer) => {
    for (let n = 0; !publishers.areDone; n++) {
      // After the end of the server there is no answer, and before it there is a refusal.
      const answer = await server.ask('POST', '/api/events/note', { body: { topic: 'coordination', data: { writer, n } } }).catch(() => undefined)
      if (answer?.status === 202) acknowledged.push((answer.body as { event_id: string }).event_id)
      else if (answer === undefined || answer.body?.code === 'SRV_002') return
      else throw new Error(`It answered ${answer.status}: ${answer.text}`)
    }
  }))
  await eventually(() => acknowledged.length > 50)
  t.equal(await server.stop(), 0)
  publishers.areDone = true
  await publishing
  const { status, body } = await wait
  t.match({ status, body }, { status: 200, body: { events: [], timeout: true } })
  await Promise.all([idle.closed(), halfSent.closed()])
  const next = await startSidecarProcess(t, { storage, root })
  const kept = new Set<string>()
  for (let since: string | undefined = 'earliest'; since !== undefined;) {
    const page: { events: { event_id: string }[], more_available: boolean, next_cursor: string } = (await next.ask('GET', `/api/events?type=note&limit=1000&since=${since}`)).body
    for (const { event_id: id } of page.events) kept.add(id)
    since = page.more_available ? page.next_cursor : undefined
  }
  t.strictSame(acknowledged.filter((id) => !kept.has(id)), [])
})
