import t from 'tap'
import { temporaryFolder } from '../../support/temporary.js'
import { startDocumented } from './documented.js'
import { ids, publish } from './event-requests.js'

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

t.test('FAULT 12: a cursor from the future or of another project is refused', async (t) => {
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

t.test('FAULT 11: what retention took is told as a gap', async (t) => {
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
