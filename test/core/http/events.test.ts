import { once } from 'node:events'
import { createConnection, type AddressInfo, type Socket } from 'node:net'
import t from 'tap'
import { temporaryFolder } from '../../support/temporary.js'
import type { TestSidecar } from '../../support/sidecar.js'
import { RFC3339_UTC, startDocumented } from './documented.js'
import { eventually } from './eventually.js'
import { openStream } from './event-stream-client.js'
import { writePlugin } from './plugin-file.js'

type Ask = TestSidecar['ask']

async function publish (ask: Ask, type: string, data: object = {}, more: Record<string, unknown> = {}, token?: string): Promise<string> {
  const { status, body } = await ask('POST', `/api/events/${type}`, { body: { topic: 'coordination', data, ...more }, token })
  if (status !== 202) throw new Error(`Published with ${status}: ${JSON.stringify(body)}`)
  return body.event_id as string
}

function ids (body: { events: { event_id: string }[] }): string[] {
  return body.events.map((event) => event.event_id)
}

async function waiting (ask: Ask, count: number): Promise<void> {
  await eventually(async () => (await ask('GET', '/status')).body.events.active_subscriptions as number, (held) => held === count)
}

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

t.test('since is a cursor, an event, a time, earliest or latest', async (t) => {
  let now = Date.parse('2026-01-01T00:00:00.000Z')
  const { ask } = await startDocumented(t, { clock: () => now })
  const all = []
  const cursors = []
  for (let n = 0; n < 4; n++) {
    all.push(await publish(ask, 'note', { n }))
    cursors.push((await ask('GET', `/api/events?limit=${n + 1}`)).body.next_cursor)
    now += 1000
  }
  const since = async (value: string): Promise<string[]> => {
    const query = `since=${encodeURIComponent(value)}`
    const history = ids((await ask('GET', `/api/events?${query}`)).body)
    t.strictSame(ids((await ask('GET', `/api/events/wait/note?timeout=0&${query}`)).body), history, 'wait and history agree')
    return history
  }
  t.strictSame(await since('earliest'), all)
  t.strictSame(await since('latest'), [])
  t.strictSame(await since(all[1]!), all.slice(2), 'behind the event')
  t.strictSame(await since(cursors[2]!), all.slice(3), 'behind the cursor')
  t.strictSame(await since('2026-01-01T00:00:01.000Z'), all.slice(1), 'events of the time included')
  t.strictSame(await since('2026-01-01T00:00:01.001Z'), all.slice(2))
  t.strictSame(await since('2026-01-01T02:00:02+02:00'), all.slice(2), 'of any zone')
  t.strictSame(await since('1999-12-31T23:59:59Z'), all)
  t.strictSame(await since('2999-01-01T00:00:00Z'), [])
  for (const wrong of ['', 'yesterday', 'evt_absent', '2026-01-01', '2026-13-01T00:00:00Z', 'cur_', 'cur_x', `${cursors[0]}x`, '../x', '1e9', `cur_${Buffer.from('0'.repeat(16) + '-1').toString('base64url')}`]) {
    for (const url of ['/api/events?', '/api/events/wait?timeout=0&', '/api/events/stream?']) {
      const { status, body } = await ask('GET', `${url}since=${encodeURIComponent(wrong)}`)
      t.strictSame([status, body.code], [400, 'VAL_001'], `${url}since=${wrong}`)
    }
  }
})

t.test('a cursor from the future or of another project is refused', async (t) => {
  const { ask, agent } = await startDocumented(t)
  await ask('POST', '/api/projects', { body: { project_id: 'other', root: await temporaryFolder(t) } })
  const stranger = await agent('ai-engineer', { project_id: 'other' })
  const id = await publish(ask, 'note')
  await publish(ask, 'note', {}, {}, stranger.token)
  const { body: { next_cursor: cursor } } = await ask('GET', '/api/events')
  for (const since of [cursor, id]) {
    const { status, body } = await ask('GET', `/api/events?since=${since}`, { token: stranger.token })
    t.strictSame([status, body.code], [400, 'VAL_001'])
  }
  const position = Buffer.from(cursor.slice(4), 'base64url').toString()
  const future = `cur_${Buffer.from(position.replace(/-\d+$/, '-99')).toString('base64url')}`
  t.equal((await ask('GET', `/api/events?since=${future}`)).status, 400)
})

t.test('going on behind an event whose time is up skips nothing', async (t) => {
  let now = Date.now()
  const { ask } = await startDocumented(t, { clock: () => now })
  const short = await publish(ask, 'note', {}, { ttl_seconds: 10 })
  const long = await publish(ask, 'note')
  now += 11_000
  t.strictSame(ids((await ask('GET', `/api/events?since=${short}`)).body), [long])
  t.strictSame(ids((await ask('GET', '/api/events')).body), [long], 'an event whose time is up is not shown')
})

t.test('what retention took is told as a gap', async (t) => {
  const { ask, agent } = await startDocumented(t, { settings: { 'events-retention-count': '3' } })
  const { token } = await agent('ai-engineer')
  await publish(ask, 'note', { n: 0 })
  const { body: { next_cursor: cursor } } = await ask('GET', '/api/events/wait/note', { token })
  for (let n = 1; n <= 5; n++) await publish(ask, 'note', { n })
  for (const url of [`/api/events?since=${cursor}`, '/api/events/wait/note']) {
    const { body } = await ask('GET', url, { token })
    t.strictSame(body.events.map((event: { data: { n: number } }) => event.data.n), [3, 4, 5], url)
    t.strictSame(body.gap, { missed: 2 })
  }
})

t.test('limit bounds an answer and more_available tells of the rest', async (t) => {
  const { ask, agent } = await startDocumented(t)
  const { token } = await agent('ai-engineer')
  const all = []
  for (let n = 0; n < 5; n++) {
    all.push(await publish(ask, 'note', { n }))
    await publish(ask, 'noise')
  }
  const first = await ask('GET', '/api/events/wait/note?limit=2', { token })
  t.strictSame([ids(first.body), first.body.more_available], [all.slice(0, 2), true])
  const second = await ask('GET', '/api/events/wait/note?limit=3', { token })
  t.strictSame([ids(second.body), second.body.more_available], [all.slice(2), false], 'what does not match is not more')
  const page = await ask('GET', `/api/events?type=note&limit=2&since=${first.body.next_cursor}`)
  t.strictSame([ids(page.body), page.body.more_available], [all.slice(2, 4), true])
  for (const limit of ['0', '1001', 'x']) {
    t.equal((await ask('GET', `/api/events?limit=${limit}`)).status, 400)
    t.equal((await ask('GET', `/api/events/wait?timeout=0&limit=${limit}`)).status, 400)
  }
  t.equal((await ask('GET', '/api/events?limit=1000')).status, 200)
})

t.test('filters look into the event and then its data', async (t) => {
  const { ask } = await startDocumented(t)
  const one = await publish(ask, 'build', { issue_id: 'issue-1', status: 'success', coverage: 95, deep: { er: 'yes' }, tags: ['a', 'b'], topic: 'hidden' }, { topic: 'testing' })
  const two = await publish(ask, 'build', { issue_id: 'issue-2', status: 'failed', coverage: 80.5, deep: { er: 'no' } }, { topic: 'testing', correlation_id: 'c1' })
  const cases: [string, string[]][] = [
    ['issue_id:issue-1', [one]],
    ['issue_id:issue-1,status:success', [one]],
    ['issue_id:issue-1,status:failed', []],
    ['status:success|failed', [one, two]],
    ['!status:success', [two]],
    ['!correlation_id:*', [one]],
    ['issue_id:issue-*', [one, two]],
    ['coverage:>90', [one]],
    ['coverage:<=80.5', [two]],
    ['coverage:>=80.5', [one, two]],
    ['deep.er:no', [two]],
    ['data.deep.er:no', [two]],
    ['tags:b', [one]],
    ['topic:testing', [one, two]],
    ['topic:hidden', []],
    ['correlation_id:c1', [two]],
    ['__proto__:*', []],
    [' issue_id:issue-1 , status:success ', [one]]
  ]
  for (const [filter, expected] of cases) {
    const query = `filter=${encodeURIComponent(filter)}`
    t.strictSame(ids((await ask('GET', `/api/events?${query}`)).body), expected, filter)
    t.strictSame(ids((await ask('GET', `/api/events/wait?timeout=0&since=earliest&${query}`)).body), expected, `wait ${filter}`)
  }
})

t.test('a filter that is wrong is refused with the place', async (t) => {
  const { ask } = await startDocumented(t)
  const cases: [string, RegExp][] = [
    ['issue', /at character 1 'issue' has no ':'/],
    ['a:1,', /at character 5 a clause is empty/],
    ['a:1,b', /at character 5 'b'/],
    ['a:', /at character 3 the value is empty/],
    ['a:1|', /at character 5 the value is empty/],
    ['  a:', /at character 5 the value is empty/],
    [':1', /at character 1 '' is no field/],
    ['a b:1', /at character 1 'a b' is no field/],
    ['coverage:>high', /at character 10 '>high'/],
    [`${'a.'.repeat(8)}a:1`, /deeper than 8/],
    [Array(17).fill('a:1').join(','), /more than 16 clauses/],
    [`a:${Array(17).fill('1').join('|')}`, /more than 16 alternatives/],
    [`a:${'x'.repeat(1030)}`, /longer than 1024/]
  ]
  for (const [filter, message] of cases) {
    for (const url of ['/api/events?', '/api/events/wait?', '/api/events/stream?']) {
      const { status, body } = await ask('GET', `${url}filter=${encodeURIComponent(filter)}`)
      t.strictSame([status, body.code], [400, 'VAL_001'], `${url}filter=${filter.slice(0, 40)}`)
      t.match(body.message, message)
      t.equal(body.details.issues[0].path, 'filter')
    }
  }
})

t.test('types are one, a list or all, and each is checked', async (t) => {
  const { ask } = await startDocumented(t)
  const [a, b, c] = [await publish(ask, 'a'), await publish(ask, 'b'), await publish(ask, 'c')]
  for (const [types, expected] of [['a', [a]], ['a,c', [a, c]], ['*', [a, b, c]], ['c,a,a', [a, c]]] as const) {
    t.strictSame(ids((await ask('GET', `/api/events/wait/${types}?timeout=0&since=earliest`)).body), expected, types)
    t.strictSame(ids((await ask('GET', `/api/events?type=${types}`)).body), expected, types)
  }
  for (const types of ['A', 'a,', ',a', 'a,B', '*,a', Array.from({ length: 33 }, (_, n) => `t${n}`).join(',')]) {
    t.equal((await ask('GET', `/api/events/wait/${types}?timeout=0`)).status, 400, types)
    t.equal((await ask('GET', `/api/events?type=${types}`)).status, 400, types)
  }
  const most = Array.from({ length: 32 }, (_, n) => `${'t'.repeat(61)}${n}`).join(',')
  t.equal((await ask('GET', `/api/events/wait/${most}?timeout=0`)).status, 200)
})

t.test('history is bounded by time and by conversation, and moves no position', async (t) => {
  let now = Date.parse('2026-01-01T00:00:00.000Z')
  const { ask, agent } = await startDocumented(t, { clock: () => now })
  const { token } = await agent('ai-engineer')
  const all = []
  for (let n = 0; n < 4; n++) {
    all.push(await publish(ask, 'note', { n }, n % 2 === 0 ? { correlation_id: 'c1' } : {}))
    now += 1000
  }
  const history = async (query: string): Promise<string[]> => ids((await ask('GET', `/api/events?${query}`, { token })).body)
  t.strictSame(await history('until=2026-01-01T00:00:02Z'), all.slice(0, 2), 'until is exclusive')
  t.strictSame(await history('since=2026-01-01T00:00:01Z&until=2026-01-01T00:00:02Z'), all.slice(1, 2))
  t.strictSame(await history('correlation_id=c1'), [all[0], all[2]])
  t.strictSame(await history('correlation_id=c1&topic=error'), [])
  t.strictSame(await history('topic=coordination&type=note'), all)
  t.strictSame(ids((await ask('GET', '/api/events/wait/note', { token })).body), all, 'a wait begins where it would have')
  t.strictSame(await history(''), all, 'and history begins at the beginning')
  for (const wrong of ['until=tomorrow', 'until=2026-01-01', 'correlation_id=', 'topic=Error']) t.equal((await ask('GET', `/api/events?${wrong}`)).status, 400, wrong)
})

t.test('a position moves only when the answer was written out', async (t) => {
  const { ask, agent, sidecar } = await startDocumented(t)
  const { token } = await agent('ai-engineer')
  await sidecar.app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = sidecar.app.server.address() as AddressInfo
  const request = `GET /api/events/wait/note?timeout=60000 HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${token}\r\n\r\n`

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

t.test('a dead letter is shown with its reason, and driven once more', async (t) => {
  const folder = await temporaryFolder(t)
  const use = await writePlugin(folder, 'letters.mjs', `
    export default definePlugin({ kind: 'http', name: 'letters', requires: ['event-bus'], create: (_options, context) => ({
      async register () {},
      async open () {
        await context.get('event-bus').addDeadLetter('sample', {
          event: { event_id: 'evt_DEAD', event_type: 'note', publisher: 'ada', publisher_type: 'ai-engineer', topic: 'testing', data: { n: 1 }, timestamp: '2026-01-01T00:00:00.000Z', ttl_seconds: 60 },
          reason: 'nobody took it', attempts: 3, last_error: 'connection refused', timestamp: '2026-01-01T00:00:01.000Z'
        })
      }
    }) })`)
  const { ask, agent } = await startDocumented(t, { plugins: [{ use }] })
  const { body } = await ask('GET', '/api/events/dead-letters')
  t.match(body.dead_letters, [{ event: { event_id: 'evt_DEAD', data: { n: 1 } }, reason: 'nobody took it', attempts: 3, last_error: 'connection refused' }])
  t.equal((await ask('GET', '/status')).body.events.dead_letter_queue_size, 1)
  const { token } = await agent('chief-architect')
  t.equal((await ask('POST', '/api/events/dead-letters/evt_DEAD/redrive', { token })).status, 403)

  const redriven = await ask('POST', '/api/events/dead-letters/evt_DEAD/redrive')
  t.equal(redriven.status, 202)
  t.equal(redriven.body.redriven, 'evt_DEAD')
  const { body: { events } } = await ask('GET', '/api/events')
  t.match(events, [{ event_id: redriven.body.event_id, event_type: 'note', publisher: 'ada', publisher_type: 'ai-engineer', topic: 'testing', data: { n: 1 }, references: 'evt_DEAD' }])
  t.strictSame((await ask('GET', '/api/events/dead-letters')).body.dead_letters, [])
  const status = (await ask('GET', '/status')).body.events
  t.equal(status.dead_letter_queue_size, 0)
  t.equal(status.total_published, 1)
  t.equal((await ask('POST', '/api/events/dead-letters/evt_DEAD/redrive')).status, 404)
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
