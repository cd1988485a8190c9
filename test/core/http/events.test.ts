import t from 'tap'
import { temporaryFolder } from '../../support/temporary.js'
import { RFC3339_UTC, startDocumented } from './documented.js'
import { ids, publish, waiting } from './event-requests.js'
import { writePlugin } from './plugin-file.js'

t.test('an event is published with what the body says, in the name of the caller', async (t) => {
  const { ask, agent } = await startDocumented(t)
  const { token, agent_id: id } = await agent('ai-engineer')
  const { status, body } = await ask('POST', '/api/events/code_ready', {
    token,
    body: { event_type: 'code_ready', publisher: id, topic: 'implementation', data: { issue_id: 'issue-1', n: 1.5 }, correlation_id: 'talk 1', round: 2, references: 'evt_before', ttl_seconds: 60, priority: 'high' }
  })
  t.equal(status, 202)
  t.match(body, { event_id: /^evt_[0-9A-Z]{26}$/, published: true, subscribers_notified: [], subscriber_count: 0, topic: 'implementation', ttl_seconds: 60, timestamp: RFC3339_UTC })
  const { body: page } = await ask('GET', '/api/events')
  t.strictSame(page.events, [{
    event_id: body.event_id,
    event_type: 'code_ready',
    publisher: id,
    publisher_type: 'ai-engineer',
    topic: 'implementation',
    data: { issue_id: 'issue-1', n: 1.5 },
    correlation_id: 'talk 1',
    round: 2,
    references: 'evt_before',
    priority: 'high',
    timestamp: body.timestamp,
    ttl_seconds: 60
  }])
  const least = await ask('POST', '/api/events/note', { token, body: { topic: 'my.own-topic_1' } })
  t.equal(least.status, 202)
  t.equal(least.body.ttl_seconds, 86_400)
  t.strictSame((await ask('GET', '/api/events?type=note')).body.events[0].data, {})
})

t.test('publish takes the type from the body, and one type is enough', async (t) => {
  const { ask } = await startDocumented(t)
  t.equal((await ask('POST', '/api/events/publish', { body: { event_type: 'note', topic: 'error' } })).status, 202)
  t.equal((await ask('GET', '/api/events')).body.events[0].event_type, 'note')
  for (const [path, body] of [['publish', { topic: 'error' }], ['note', { event_type: 'other', topic: 'error' }]] as const) {
    const answer = await ask('POST', `/api/events/${path}`, { body })
    t.strictSame([answer.status, answer.body.code], [400, 'EVT_002'])
    t.equal(answer.body.details.issues[0].path, 'event_type')
  }
})

t.test('an event that does not fit its schema is refused and not published', async (t) => {
  const { ask } = await startDocumented(t)
  const wrong: Record<string, unknown>[] = [
    {}, { topic: 1 }, { topic: 'Error' }, { topic: 'error', ttl_seconds: 0 }, { topic: 'error', ttl_seconds: 86_401 }, { topic: 'error', ttl_seconds: '5' },
    { topic: 'error', priority: 'urgent' }, { topic: 'error', data: [] }, { topic: 'error', data: 'x' }, { topic: 'error', data: null }, { topic: 'error', round: -1 },
    { topic: 'error', correlation_id: '' }, { topic: 'error', event_type: 'A' }, { topic: 'error', references: {} }
  ]
  for (const body of wrong) {
    const answer = await ask('POST', '/api/events/note', { body })
    t.strictSame([answer.status, answer.body.code], [400, 'EVT_002'], JSON.stringify(body))
  }
  for (const type of ['Note', '1note', 'a%20b', 'x'.repeat(65)]) {
    t.equal((await ask('POST', `/api/events/${type}`, { body: { topic: 'error' } })).status, 400, type)
  }
  t.strictSame((await ask('GET', '/api/events')).body.events, [])
})

t.test('nobody publishes in the name of another', async (t) => {
  const { ask, agent } = await startDocumented(t)
  const { token } = await agent('ai-engineer')
  const { status, body } = await ask('POST', '/api/events/note', { token, body: { topic: 'error', publisher: 'operator' } })
  t.strictSame([status, body.code], [403, 'EVT_003'])
})

t.test('with strict topics an agent keeps to those of its profile', async (t) => {
  const { ask, agent } = await startDocumented(t, { settings: { 'events-strict-topics': 'true' } })
  const { token } = await agent('ai-engineer')
  t.equal((await ask('POST', '/api/events/note', { token, body: { topic: 'implementation' } })).status, 202)
  for (const topic of ['architecture', 'own']) {
    const { status, body } = await ask('POST', '/api/events/note', { token, body: { topic } })
    t.strictSame([status, body.code], [403, 'AUTH_003'])
    t.match(body.message, /'implementation'/, 'its own topics are named')
  }
  t.equal((await ask('POST', '/api/events/note', { body: { topic: 'own' } })).status, 202, 'the operator may all')
})

t.test('a parked wait is answered by the event, and its agent type is told to the publisher', async (t) => {
  const { ask, agent } = await startDocumented(t)
  const [tester, reviewer, other] = [await agent('test-engineer'), await agent('code-reviewer'), await agent('ai-engineer')]
  const parked = [
    ask('GET', '/api/events/wait/code_ready?timeout=60000', { token: tester.token }),
    ask('GET', '/api/events/wait/*?timeout=60000&filter=issue_id:issue-1', { token: reviewer.token }),
    ask('GET', '/api/events/wait/code_ready,other?timeout=60000', { token: tester.token })
  ]
  const unmoved = [
    ask('GET', '/api/events/wait/code_ready?timeout=60000&filter=issue_id:issue-2', { token: other.token }),
    ask('GET', '/api/events/wait/code_ready?timeout=60000&topic=testing', { token: other.token }),
    ask('GET', '/api/events/wait/never?timeout=60000', { token: other.token })
  ]
  await waiting(ask, 6)
  const { body } = await ask('POST', '/api/events/code_ready', { body: { topic: 'implementation', data: { issue_id: 'issue-1' } } })
  t.strictSame(body.subscribers_notified, ['code-reviewer', 'test-engineer'], 'each type once, and none of those that did not get it')
  t.equal(body.subscriber_count, 2)
  for (const answer of await Promise.all(parked)) t.strictSame(ids(answer.body), [body.event_id])
  await waiting(ask, 3)
  await publish(ask, 'code_ready', { issue_id: 'issue-2' }, { topic: 'testing' })
  await publish(ask, 'never')
  await Promise.all(unmoved)
  const { events } = (await ask('GET', '/status')).body
  t.equal(events.active_subscriptions, 0)
  t.equal(events.total_published, 3)
  t.equal(events.total_delivered, 6)
})

t.test('only the events of the caller\'s project are seen', async (t) => {
  const { ask, agent } = await startDocumented(t)
  await ask('POST', '/api/projects', { body: { project_id: 'other', root: await temporaryFolder(t) } })
  const [own, stranger] = [await agent('ai-engineer'), await agent('ai-engineer', { project_id: 'other' })]
  const parked = ask('GET', '/api/events/wait/*?timeout=60000', { token: stranger.token })
  await waiting(ask, 1)
  const { body } = await ask('POST', '/api/events/note', { token: own.token, body: { topic: 'error' } })
  t.strictSame(body.subscribers_notified, [])
  t.equal((await ask('GET', '/status')).body.events.active_subscriptions, 1)
  t.strictSame((await ask('GET', '/api/events', { token: stranger.token })).body.events, [])
  const theirs = await publish(ask, 'note', {}, {}, stranger.token)
  t.strictSame(ids((await parked).body), [theirs])
  t.strictSame(ids((await ask('GET', '/api/events', { token: own.token })).body), [body.event_id])
})

t.test('a bus that fails is EVT_001, and health names it', async (t) => {
  const folder = await temporaryFolder(t)
  const use = await writePlugin(folder, 'bus.mjs', `
    const { createMemoryBus } = await built('plugins/events/memory.js')
    export default definePlugin({ kind: 'event-bus', name: 'broken', create (_options, { clock, log }) {
      const bus = createMemoryBus({ retention: { age: 3_600_000, count: 10 }, clock, log })
      const fail = async () => { throw apiError('EVT_001', 'The event bus is away.') }
      return { ...bus, append: fail, read: fail, locate: fail, listDeadLetters: fail, stats: fail, check: fail }
    } })`)
  const { ask } = await startDocumented(t, { plugins: [{ use }] })
  for (const [method, url, body] of [
    ['POST', '/api/events/note', { topic: 'error' }], ['GET', '/api/events'], ['GET', '/api/events/wait?timeout=0'], ['GET', '/api/events/stream'], ['GET', '/api/events/dead-letters']
  ] as const) {
    const answer = await ask(method, url, { body })
    t.strictSame([answer.status, answer.body.code], [503, 'EVT_001'], `${method} ${url}`)
  }
  const health = await ask('GET', '/health', { token: '' })
  t.equal(health.status, 503)
  t.match(health.body, { status: 'unhealthy', checks: { storage: 'healthy', event_bus: /^unhealthy: The event bus is away/ } })
  t.equal((await ask('GET', '/health/ready', { token: '' })).status, 503)
  t.equal((await ask('GET', '/health/live', { token: '' })).status, 200)
  const result = await ask('POST', '/api/results', { body: { agent_id: 'operator', agent_type: 'operator', issue_id: 'issue-1', result: { status: 'success', files_created: [], files_modified: [] } } })
  t.match(result.body, { stored: true, event_published: false, event_id: null }, 'a result is stored all the same')
  t.equal(result.status, 201)
})
