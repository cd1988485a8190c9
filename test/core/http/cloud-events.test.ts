import t from 'tap'
import { startDocumented } from './documented.js'
import { publish, type Ask } from './event-requests.js'
import { openStream } from './event-stream-client.js'

const EVENT = 'application/cloudevents+json'
const BATCH = 'application/cloudevents-batch+json'
const TRACE = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
const GIVEN = { specversion: '1.0', id: 'A234', source: 'https://ci.example/builds/7', type: 'build_done', topic: 'testing', data: { ok: true } }

async function send (ask: Ask, event: object, { path = 'publish', token, headers = {} }: { path?: string, token?: string, headers?: Record<string, string> } = {}) {
  return await ask('POST', `/api/events/${path}`, { token, body: event, headers: { 'content-type': EVENT, ...headers } })
}

t.test('a page of events is given as CloudEvents, whole or bare', async (t) => {
  const { ask, agent } = await startDocumented(t)
  const { token, agent_id: id } = await agent('ai-engineer')
  const first = await publish(ask, 'note')
  const { body: { event_id: second } } = await ask('POST', '/api/events/note', {
    token, headers: { traceparent: TRACE }, body: { topic: 'testing', data: { n: 1 }, correlation_id: 'talk', round: 2, references: first, ttl_seconds: 60, priority: 'high' }
  })
  const { body: plain } = await ask('GET', '/api/events')
  const page = await ask('GET', '/api/events', { headers: { accept: EVENT } })
  t.match(page.headers['content-type'], /^application\/cloudevents\+json/)
  t.match(page.headers.vary, /Accept/)
  t.strictSame({ ...page.body, events: [], timestamp: '' }, { ...plain, events: [], timestamp: '' })
  const expected = {
    specversion: '1.0',
    id: second,
    source: `/projects/sample/agents/${id}`,
    type: 'note',
    subject: 'testing',
    time: plain.events[1].timestamp,
    datacontenttype: 'application/json',
    topic: 'testing',
    publishertype: 'ai-engineer',
    correlationid: 'talk',
    causationid: first,
    round: 2,
    ttlseconds: 60,
    priority: 'high',
    traceparent: TRACE,
    data: { n: 1 }
  }
  t.strictSame(page.body.events[1], expected)
  t.strictSame(Object.keys(page.body.events[0]).sort(), ['data', 'datacontenttype', 'id', 'publishertype', 'source', 'specversion', 'subject', 'time', 'topic', 'ttlseconds', 'type'])

  const batch = await ask('GET', '/api/events?limit=1&topic=coordination', { headers: { accept: BATCH } })
  t.match(batch.headers['content-type'], /^application\/cloudevents-batch\+json/)
  t.strictSame(batch.body.map((event: { id: string }) => event.id), [first])
  const next = /^<([^>]+)>; rel="next"$/.exec(String(batch.headers.link))![1]!
  t.equal(new URL(next, 'http://x').searchParams.get('since'), batch.headers['x-next-cursor'])
  t.strictSame((await ask('GET', next, { headers: { accept: BATCH } })).body, [])
  for (const accept of ['application/json', '*/*', `${EVENT};q=0.1, application/json`]) {
    const answer = await ask('GET', '/api/events', { headers: { accept } })
    t.match(answer.headers['content-type'], /^application\/json/)
    t.strictSame(answer.body.events, plain.events)
    t.match(answer.headers.vary, /Accept/)
  }
})

t.test('a wait answers with CloudEvents, and its position moves as ever', async (t) => {
  const { ask } = await startDocumented(t)
  const first = await publish(ask, 'note')
  const page = await ask('GET', '/api/events/wait/note?timeout=0', { headers: { accept: EVENT } })
  t.strictSame(page.body.events.map((event: { id: string }) => event.id), [first])
  const empty = await ask('GET', '/api/events/wait/note?timeout=0', { headers: { accept: EVENT } })
  t.match(empty.body, { events: [], timeout: true, next_cursor: String })
  const second = await publish(ask, 'note')
  const batch = await ask('GET', '/api/events/wait?timeout=0&topic=coordination&since=earliest&limit=1', { headers: { accept: BATCH } })
  t.strictSame(batch.body.map((event: { id: string }) => event.id), [first])
  t.equal(batch.headers['x-more-available'], 'true')
  t.strictSame((await ask('GET', `/api/events?since=${String(batch.headers['x-next-cursor'])}`, { headers: { accept: BATCH } })).body.map((event: { id: string }) => event.id), [second])
  t.equal((await ask('GET', '/api/events/wait?since=nonsense', { headers: { accept: EVENT } })).status, 400)
})

t.test('a stream of CloudEvents', async (t) => {
  const { ask, sidecar, operator } = await startDocumented(t)
  const address = await sidecar.app.listen({ host: '127.0.0.1', port: 0 })
  const id = await publish(ask, 'note', { n: 1 })
  const stream = await openStream(`${address}/api/events/stream?format=cloudevents&since=earliest`, operator)
  t.teardown(() => stream.close())
  const { data } = await stream.next()
  t.match(JSON.parse(data), { specversion: '1.0', id, source: '/projects/sample/agents/operator', data: { n: 1 } })
  t.equal((await ask('GET', '/api/events/stream?format=xml')).status, 400)
})

t.test('a CloudEvent is published as the caller, with what it says', async (t) => {
  const { ask, agent } = await startDocumented(t)
  const first = await publish(ask, 'note')
  const { token, agent_id: id } = await agent('ai-engineer')
  const { status, body } = await send(ask, {
    ...GIVEN, time: '2020-01-01T00:00:00Z', datacontenttype: 'application/json; charset=utf-8', correlationid: 'talk', causationid: first, round: 1, ttlseconds: 60, priority: 'low',
    traceparent: TRACE, publishertype: 'ai-engineer', partitionkey: 'p1', sequence: 7, sampled: true, dataschema: 'https://x.example/s', unset: null
  }, { token, headers: { traceparent: TRACE.replace('4bf9', 'aaaa') } })
  t.equal(status, 202)
  const [, event] = (await ask('GET', '/api/events')).body.events
  t.not(event.timestamp, '2020-01-01T00:00:00Z')
  t.strictSame(event, {
    event_id: body.event_id,
    event_type: 'build_done',
    publisher: id,
    publisher_type: 'ai-engineer',
    topic: 'testing',
    data: { ok: true },
    correlation_id: 'talk',
    round: 1,
    references: first,
    ttl_seconds: 60,
    priority: 'low',
    traceparent: TRACE,
    extensions: { partitionkey: 'p1', sequence: 7, sampled: true, dataschema: 'https://x.example/s' },
    timestamp: body.timestamp
  })
  const [, cloudEvent] = (await ask('GET', '/api/events', { headers: { accept: EVENT } })).body.events
  t.match(cloudEvent, { partitionkey: 'p1', sequence: 7, sampled: true, dataschema: 'https://x.example/s', id: body.event_id })
  t.strictSame((await ask('GET', '/api/events?filter=extensions.partitionkey:p1')).body.events, [event])
})

t.test('id and source of a CloudEvent are its idempotency key', async (t) => {
  const { ask } = await startDocumented(t)
  const first = await send(ask, GIVEN)
  const again = await send(ask, { ...GIVEN, time: '2026-01-01T00:00:00Z' }, { path: 'build_done' })
  t.strictSame([again.headers['idempotency-replayed'], again.body], ['true', first.body])
  t.equal((await send(ask, { ...GIVEN, data: { ok: false } })).status, 400)
  t.equal((await send(ask, { ...GIVEN, source: '/other' })).headers['idempotency-replayed'], undefined)
  t.equal((await send(ask, { ...GIVEN, id: 'B' })).headers['idempotency-replayed'], undefined)
  t.equal((await send(ask, GIVEN, { headers: { 'idempotency-key': 'mine' } })).headers['idempotency-replayed'], undefined, 'a key in the header leads')
  t.equal((await ask('GET', '/api/events')).body.events.length, 4)
})

t.test('the topic is the extension topic, or else the subject', async (t) => {
  const { ask } = await startDocumented(t)
  const { topic: _topic, ...bare } = GIVEN
  t.equal((await send(ask, { ...bare, id: '1', subject: 'security' })).body.topic, 'security')
  t.equal((await send(ask, { ...bare, id: '2', subject: 'src/a file.ts', topic: 'testing' })).body.topic, 'testing')
  const { body } = await ask('GET', '/api/events', { headers: { accept: EVENT } })
  t.strictSame(body.events.map(({ subject, topic }: { subject: string, topic: string }) => [subject, topic]), [['security', 'security'], ['src/a file.ts', 'testing']])
  for (const [event, path] of [[bare, 'topic'], [{ ...bare, subject: 'A file' }, 'subject']] as const) {
    const { status, body: { code, details } } = await send(ask, { ...event, id: '3' })
    t.strictSame([status, code, details.issues[0].path], [400, 'EVT_002', path])
  }
})

t.test('what is no CloudEvent, or not the caller\'s, is refused', async (t) => {
  const { ask, agent } = await startDocumented(t)
  const wrong: object[] = [
    { specversion: '0.3' }, { specversion: undefined }, { id: '' }, { id: undefined }, { source: undefined }, { source: 'a b' }, { type: 'Build' }, { data: 'text' }, { data: [1] }, { data_base64: 'AA==' },
    { datacontenttype: 'text/xml' }, { round: '1' }, { ttlseconds: 0 }, { priority: 'urgent' }, { traceparent: 'x' }, { Upper: 'x' }, { nested: {} }, { float: 1.5 }, { time: 'now' }
  ]
  for (const change of wrong) {
    const { status, body } = await send(ask, { ...GIVEN, ...change })
    t.strictSame([status, body.code], [400, 'EVT_002'], JSON.stringify(change))
  }
  t.equal((await send(ask, GIVEN, { path: 'other' })).body.code, 'EVT_002', 'the type of the path')
  const { token } = await agent('ai-engineer')
  t.equal((await send(ask, { ...GIVEN, publishertype: 'code-reviewer' }, { token })).body.code, 'EVT_003')
  t.equal((await send(ask, { ...GIVEN, replayof: 'evt_1' }, { token })).body.code, 'AUTH_003')
  t.equal((await ask('POST', '/api/results', { body: GIVEN, headers: { 'content-type': EVENT } })).status, 415, 'other routes take none')
  t.equal((await ask('POST', '/api/events/note', { body: '', headers: {} })).body.code, 'EVT_002', 'a publish without a body')
  for (const extensions of [{ id: 'x' }, { Upper: 'x' }, { deep: {} }]) t.equal((await ask('POST', '/api/events/note', { body: { topic: 'testing', extensions } })).body.code, 'EVT_002')
  t.strictSame((await ask('GET', '/api/events')).body.events, [])
})
