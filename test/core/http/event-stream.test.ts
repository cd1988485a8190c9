import t from 'tap'
import { startDocumented } from './documented.js'
import { publish, waiting } from './event-requests.js'
import { openStream } from './event-stream-client.js'

t.test('a stream sends events as they come and resumes where it was', async (t) => {
  const { ask, agent, sidecar } = await startDocumented(t)
  const { token } = await agent('ai-engineer')
  const address = await sidecar.app.listen({ port: 0, host: '127.0.0.1' })
  const before = await publish(ask, 'note', { n: 0 })

  const live = await openStream(`${address}/api/events/stream`, token)
  t.equal(live.status, 200)
  t.match(live.headers.get('content-type'), /^text\/event-stream/)
  t.ok(live.headers.get('x-request-id'))
  t.equal(live.headers.get('x-content-type-options'), 'nosniff')
  const id = await publish(ask, 'note', { n: 1 })
  const message = await live.next()
  t.strictSame([message.event, (JSON.parse(message.data) as { event_id: string }).event_id], ['note', id], 'from now on, unless since says otherwise')
  t.match((await ask('POST', '/api/events/note', { body: { topic: 'error' } })).body.subscribers_notified, ['ai-engineer'])
  await live.next()
  await live.close()
  await waiting(ask, 0)

  const missed = [await publish(ask, 'note', { n: 2 }), await publish(ask, 'other', { n: 3 })]
  const resumed = await openStream(`${address}/api/events/stream?since=earliest`, token, { 'last-event-id': message.id })
  const got = []
  for (let n = 0; n < 3; n++) got.push((JSON.parse((await resumed.next()).data) as { event_id: string }).event_id)
  t.strictSame(got.slice(1), missed, 'Last-Event-ID wins over since')
  await resumed.close()

  const filtered = await openStream(`${address}/api/events/stream?since=earliest&type=note&topic=coordination&filter=${encodeURIComponent('n:>0')}`, token)
  t.equal((JSON.parse((await filtered.next()).data) as { event_id: string }).event_id, id)
  t.equal((JSON.parse((await filtered.next()).data) as { event_id: string }).event_id, missed[0])
  const whole = await openStream(`${address}/api/events/stream?since=earliest`, token)
  t.equal((JSON.parse((await whole.next()).data) as { event_id: string }).event_id, before)

  const refused = await fetch(`${address}/api/events/stream`, { headers: { authorization: `Bearer ${token}`, 'last-event-id': 'nonsense' } })
  t.equal(refused.status, 400)
  t.equal((await refused.json() as { code: string }).code, 'VAL_001')

  const closing = sidecar.close()
  await filtered.ended()
  await whole.ended()
  await closing
})

t.test('a stream does not outlive its token', async (t) => {
  const { ask, sidecar } = await startDocumented(t)
  const { body: { token } } = await ask('POST', '/api/tokens', { body: { agent_type: 'ai-engineer', ttl_seconds: 1 } })
  const address = await sidecar.app.listen({ port: 0, host: '127.0.0.1' })
  const stream = await openStream(`${address}/api/events/stream`, token)
  await stream.ended()
  await waiting(ask, 0)
})
