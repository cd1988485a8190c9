import t from 'tap'
import { temporaryFolder } from '../../support/temporary.js'
import { startDocumented } from './documented.js'
import type { Ask } from './event-requests.js'

interface Sent { token?: string, key?: string, type?: string, body?: object, headers?: Record<string, string> }

async function send (ask: Ask, { token, key, type = 'note', body = {}, headers = {} }: Sent = {}) {
  return await ask('POST', `/api/events/${type}`, {
    token, headers: { ...headers, ...(key === undefined ? {} : { 'idempotency-key': key }) }, body: { topic: 'coordination', data: { n: 1, zero: -0, list: [{ a: null }] }, ...body }
  })
}

async function retained (ask: Ask): Promise<Record<string, unknown>[]> {
  return (await ask('GET', '/api/events')).body.events
}

t.test('FAULT 15: the same key gives the first answer again, and there is one event', async (t) => {
  const { ask } = await startDocumented(t)
  const first = await send(ask, { key: 'key-1' })
  t.equal(first.status, 202)
  t.notHas(first.headers, 'idempotency-replayed')
  const again = await send(ask, { key: 'key-1', headers: { traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' } })
  t.strictSame([again.status, again.headers['idempotency-replayed'], again.body], [202, 'true', first.body])
  const events = await retained(ask)
  t.strictSame(events.map(({ event_id: id }) => id), [first.body.event_id])
  t.notHas(events[0], 'idempotency_key')
  t.equal((await ask('GET', '/status')).body.events.total_published, 1)
  t.not((await send(ask)).body.event_id, (await send(ask)).body.event_id, 'without a key each is an event of its own')
})

t.test('an event_id of the publisher is kept, and gives the first answer again', async (t) => {
  const { ask } = await startDocumented(t)
  const first = await send(ask, { body: { event_id: 'build-7.done' } })
  t.strictSame([first.status, first.body.event_id], [202, 'build-7.done'])
  const again = await send(ask, { body: { event_id: 'build-7.done' } })
  t.strictSame([again.headers['idempotency-replayed'], again.body], ['true', first.body])
  const other = await send(ask, { body: { event_id: 'build-7.done', round: 1 } })
  t.strictSame([other.status, other.body.code, other.body.details.issues[0].path], [400, 'VAL_001', 'event_id'])
  t.equal((await retained(ask)).length, 1)
  t.equal((await ask('GET', '/api/events?since=build-7.done')).body.events.length, 0)
  for (const wrong of ['evt_01', 'evt_', '', 'a b', '.a', 'x'.repeat(129), 7]) {
    const { status, body } = await send(ask, { body: { event_id: wrong } })
    t.strictSame([status, body.code, body.details.issues[0].path], [400, 'EVT_002', 'event_id'], String(wrong))
  }
})

t.test('a key with other content is refused and says so', async (t) => {
  const { ask, agent } = await startDocumented(t)
  await send(ask, { key: 'key-1' })
  for (const other of [{ type: 'other' }, { body: { topic: 'testing' } }, { body: { data: { n: 2 } } }, { body: { correlation_id: 'x' } }, { body: { ttl_seconds: 5 } }, { body: { priority: 'high' } }]) {
    const { status, body } = await send(ask, { key: 'key-1', ...other })
    t.strictSame([status, body.code, body.details.issues[0].path], [400, 'VAL_001', 'idempotency-key'], JSON.stringify(other))
    t.match(body.message, /used for another event/)
  }
  const ada = await agent('ai-engineer')
  t.equal((await send(ask, { key: 'key-1', token: ada.token, type: 'other' })).status, 202, 'another agent has keys of its own')
  for (const key of ['', 'a b', 'é', 'x'.repeat(256)]) {
    const { status, body } = await send(ask, { key })
    t.strictSame([status, body.code, body.details.issues[0].path], [400, 'VAL_001', 'idempotency-key'], key)
  }
  t.equal((await retained(ask)).length, 2)
})

t.test('FAULT 15: many at once with one key are one event, and one of many with several keys each', async (t) => {
  const { ask } = await startDocumented(t)
  const answers = await Promise.all(Array.from({ length: 60 }, async (_, index) => await send(ask, { key: `key-${index % 3}`, body: { data: { of: index % 3 } } })))
  t.ok(answers.every(({ status }) => status === 202))
  t.equal(new Set(answers.map(({ body }) => body.event_id)).size, 3)
  t.equal(answers.filter(({ headers }) => headers['idempotency-replayed'] === undefined).length, 3)
  t.equal((await retained(ask)).length, 3)
})

t.test('a key is known after a restart, and as long as its event is retained', async (t) => {
  const one = await startDocumented(t)
  const first = await send(one.ask, { key: 'key-1' })
  await one.close()
  const other = await startDocumented(t, { storage: one.storage, root: one.root, settings: { 'events-retention-count': '3' } })
  t.strictSame((await send(other.ask, { key: 'key-1' })).body, first.body)
  t.equal((await send(other.ask, { key: 'key-1', body: { round: 1 } })).status, 400)
  for (const n of [1, 2, 3]) await send(other.ask, { body: { data: { n } } })
  t.not((await send(other.ask, { key: 'key-1' })).body.event_id, first.body.event_id)
})

t.test('the trace of the request is kept on its event', async (t) => {
  const { ask } = await startDocumented(t)
  const trace = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
  await send(ask, { headers: { traceparent: trace } })
  await send(ask, { headers: { traceparent: 'garbage' } })
  const [traced, other] = await retained(ask)
  t.equal(traced!.traceparent, trace)
  t.notHas(other, 'traceparent')
})

t.test('only the operator says that an event repeats another', async (t) => {
  const { ask, agent } = await startDocumented(t)
  const { token } = await agent('chief-architect')
  const refused = await send(ask, { token, body: { replay_of: 'evt_X' } })
  t.strictSame([refused.status, refused.body.code], [403, 'AUTH_003'])
  t.equal((await send(ask, { body: { replay_of: 'evt_X' } })).status, 202)
  t.strictSame((await retained(ask)).map(({ replay_of: of }) => of), ['evt_X'])
})

t.test('the operator replays into any project that is served, whatever round and references say; an agent publishes in its own', async (t) => {
  const root = await temporaryFolder(t)
  const { ask, agent } = await startDocumented(t, { projects: [{ project_id: 'other', root }] })
  await send(ask, { body: { correlation_id: 'talk', round: 3 } })
  const { body: { event_id: elsewhere } } = await send(ask, { body: { project_id: 'other', correlation_id: 'talk', round: 3 } })
  t.equal((await retained(ask)).length, 1, 'it went to the other project')
  const replayed = await send(ask, { body: { correlation_id: 'talk', round: 1, references: elsewhere, replay_of: elsewhere } })
  t.equal(replayed.status, 202)
  t.equal((await send(ask, { body: { correlation_id: 'talk', round: 2 } })).body.code, 'EVT_002', 'a replay moves no round')
  t.equal((await send(ask, { body: { references: elsewhere } })).body.code, 'EVT_002', 'an event of another project')
  t.equal((await send(ask, { body: { project_id: 'nowhere' } })).body.code, 'PRJ_001')
  const { token } = await agent('chief-architect')
  t.equal((await send(ask, { token, body: { project_id: 'other' } })).body.code, 'AUTH_003')
  t.equal((await send(ask, { token, body: { project_id: 'sample' } })).status, 202)
})
