import { once } from 'node:events'
import { createConnection, type AddressInfo } from 'node:net'
import t from 'tap'
import type { Answer, TestSidecar } from '../../support/sidecar.js'
import { temporaryFolder } from '../../support/temporary.js'
import { RFC3339_UTC, startDocumented } from './documented.js'
import { ids, publish, waiting, type Ask } from './event-requests.js'
import { openStream } from './event-stream-client.js'
import { eventually } from './eventually.js'

const ACK_WAIT_MS = 30_000

/** A clock that a test moves on from the real time, so that tokens stay valid. */
function movedClock (): { clock: () => number, move (ms: number): void } {
  let moved = 0
  return { clock: () => Date.now() + moved, move (ms) { moved += ms } }
}

async function take (ask: Ask, token: string, query = 'timeout=0', group = 'workers'): Promise<Answer> {
  return await ask('GET', `/api/events/wait/work?group=${group}&${query}`, { token })
}

async function members (agent: TestSidecar['agent'], count: number): Promise<{ token: string, agent_id: string }[]> {
  return await Promise.all(Array.from({ length: count }, async () => await agent('ai-engineer')))
}

t.test('each event goes to one member, stays with it, and is over when it is acknowledged', async (t) => {
  const { ask, agent } = await startDocumented(t)
  const [ada, bob] = await members(agent, 2)
  const before = [await publish(ask, 'work', { n: 0 }), await publish(ask, 'other'), await publish(ask, 'work', { n: 1 })]
  const first = await take(ask, ada!.token, 'timeout=0&limit=1')
  t.strictSame(ids(first.body), [before[0]])
  t.match(first.body, { more_available: true, next_cursor: /^cur_/, deliveries: [{ event_id: before[0], attempt: 1, ack_by: RFC3339_UTC }] })
  t.strictSame(ids((await take(ask, bob!.token)).body), [before[2]])
  const none = await take(ask, ada!.token)
  t.match(none.body, { events: [], deliveries: [], timeout: true })

  const acked = await ask('POST', '/api/events/ack', { token: ada!.token, body: { group: 'workers', event_ids: [before[0], before[1], before[0]] } })
  t.equal(acked.status, 200)
  t.match(acked.body, { acked: [before[0]], not_held: [before[1]], timestamp: RFC3339_UTC })
  t.match((await ask('POST', '/api/events/ack', { token: ada!.token, body: { group: 'workers', event_ids: [before[0]] } })).body, { acked: [], not_held: [before[0]] }, 'again does no harm')

  const { body } = await ask('GET', '/api/events/groups', { token: bob!.token })
  t.match(body, { groups: [{ group: 'workers', types: ['work'], topic: null, filter: null, ack_wait_seconds: 30, max_deliveries: 5, lag: 0, pending: 1, members: [{ member: bob!.agent_id, pending: 1, waiting: false }], created_by: ada!.agent_id, created_at: RFC3339_UTC }] })
  t.strictSame((await ask('GET', '/api/events/groups/workers')).body, body.groups[0])

  t.strictSame(ids((await ask('GET', '/api/events/wait/work?timeout=0', { token: ada!.token })).body), [before[0], before[2]], 'a wait without a group sees all of them')
})

t.test('FAULT 16: an event that nobody acknowledges goes on to the next, and in the end to the dead letters', async (t) => {
  const { clock, move } = movedClock()
  const { ask, agent } = await startDocumented(t, { clock, settings: { 'events-max-deliveries': '3' } })
  const [ada, bob] = await members(agent, 2)
  const id = await publish(ask, 'work')
  t.strictSame(ids((await take(ask, ada!.token)).body), [id])
  move(ACK_WAIT_MS - 1000)
  t.strictSame(ids((await take(ask, bob!.token)).body), [])
  move(1000)
  t.match((await take(ask, bob!.token)).body.deliveries, [{ event_id: id, attempt: 2 }])
  const nacked = await ask('POST', '/api/events/nack', { token: ada!.token, body: { group: 'workers', event_ids: [id] } })
  t.match(nacked.body, { nacked: [], not_held: [id] }, 'ada has it no more')
  t.match((await ask('POST', '/api/events/nack', { token: bob!.token, body: { group: 'workers', event_ids: [id], delay_seconds: 5, error: 'the compiler is missing' } })).body, { nacked: [id], not_held: [] })
  t.strictSame(ids((await take(ask, ada!.token)).body), [])
  move(5000)
  t.match((await take(ask, ada!.token)).body.deliveries, [{ event_id: id, attempt: 3, last_error: 'the compiler is missing' }])
  // The third attempt has four times as long as the first.
  move(4 * ACK_WAIT_MS)
  t.strictSame(ids((await take(ask, bob!.token)).body), [])
  const { dead_letters: letters } = (await ask('GET', '/api/events/dead-letters')).body
  t.match(letters, [{ event: { event_id: id }, attempts: 3, last_error: /within 120 s/, reason: /'workers'/ }])
  t.equal((await ask('GET', '/status')).body.events.dead_letter_queue_size, 1)
  t.match((await ask('GET', '/api/events/groups/workers')).body, { pending: 0, lag: 0 })
})

t.test('what is asked for longer stays longer, and what is given back comes at once', async (t) => {
  const { clock, move } = movedClock()
  const { ask, agent } = await startDocumented(t, { clock })
  const [ada, bob] = await members(agent, 2)
  const id = await publish(ask, 'work')
  await take(ask, ada!.token)
  move(20_000)
  const body = { group: 'workers', event_ids: [id] }
  t.match((await ask('POST', '/api/events/extend', { token: bob!.token, body })).body, { extended: [], not_held: [id] })
  t.match((await ask('POST', '/api/events/extend', { token: ada!.token, body })).body, { extended: [id], not_held: [] })
  move(20_000)
  t.strictSame(ids((await take(ask, bob!.token)).body), [], 'ada has asked for more time')
  t.match((await ask('POST', '/api/events/extend', { token: ada!.token, body: { ...body, seconds: 300 } })).body, { extended: [id] })
  move(200_000)
  t.strictSame(ids((await take(ask, bob!.token)).body), [])

  const parked = take(ask, bob!.token, 'timeout=60000')
  await waiting(ask, 1)
  t.match((await ask('GET', '/api/events/groups/workers')).body.members, [{ member: ada!.agent_id, pending: 1, waiting: false }, { member: bob!.agent_id, pending: 0, waiting: true }].sort((a, b) => (a.member < b.member ? -1 : 1)))
  await ask('POST', '/api/events/nack', { token: ada!.token, body: { ...body, delay_seconds: 0 } })
  t.strictSame(ids((await parked).body), [id], 'a parked member gets it without anything being published')
})

t.test('of many that wait one is served, in turn; nothing is handed out twice', async (t) => {
  const { ask, agent } = await startDocumented(t)
  const all = await members(agent, 6)
  const got = new Map<string, string[]>()
  const total = 60
  const count = (): number => [...got.values()].flat().length
  const work = all.map(async ({ token, agent_id: id }) => {
    while (count() < total) {
      const { body } = await take(ask, token, 'timeout=300&limit=3')
      if (ids(body).length === 0) continue
      got.set(id, [...got.get(id) ?? [], ...ids(body)])
      await ask('POST', '/api/events/ack', { token, body: { group: 'workers', event_ids: ids(body) } })
    }
  })
  await waiting(ask, all.length)
  const published: string[] = []
  for (let n = 0; n < total; n++) published.push(await publish(ask, 'work', { n }))
  await Promise.all(work)
  t.strictSame([...got.values()].flat().sort(), published)
  t.ok(got.size > 1, 'more than one had work')
  t.match((await ask('GET', '/api/events/groups/workers')).body, { pending: 0, lag: 0 })
})

t.test('all members of a group listen for the same', async (t) => {
  const { ask, agent } = await startDocumented(t)
  const { token } = await agent('ai-engineer')
  await take(ask, token)
  const refused = await ask('GET', '/api/events/wait/other?group=workers&timeout=0', { token })
  t.equal(refused.status, 400)
  t.match(refused.body, { code: 'VAL_001', message: /listens for work/ })
  t.equal((await ask('GET', '/api/events/wait?group=workers&timeout=0', { token })).status, 200, 'who names only the group takes what there is')
  const id = await publish(ask, 'work', { n: 1 })
  t.strictSame(ids((await ask('GET', '/api/events?group=workers', { token })).body), [id], 'a list takes as a wait does, and at once')
  t.equal((await ask('GET', '/api/events?group=workers&correlation_id=x', { token })).status, 400)
  t.equal((await ask('GET', '/api/events/wait/work?group=..%2Fx&timeout=0', { token })).status, 400)
  t.equal((await ask('GET', '/api/events/wait/work?group=webhook:x&timeout=0', { token })).status, 400)
})

t.test('a group is defined with rules of its own, and deleted', async (t) => {
  const { clock, move } = movedClock()
  const { ask, agent } = await startDocumented(t, { clock })
  const { token } = await agent('ai-engineer')
  await publish(ask, 'work', { n: 0 })
  const definition = { types: ['work', 'more'], topic: 'coordination', filter: 'n:>0', since: 'earliest', ack_wait_seconds: 2, max_deliveries: 1 }
  const made = await ask('PUT', '/api/events/groups/reviewers', { token, body: definition })
  t.equal(made.status, 201)
  t.match(made.body, { group: 'reviewers', types: ['more', 'work'], topic: 'coordination', filter: 'n:>0', ack_wait_seconds: 2, max_deliveries: 1 })
  t.equal((await ask('PUT', '/api/events/groups/reviewers', { token, body: definition })).status, 200, 'the same again changes nothing')
  for (const change of [{ filter: 'n:>1' }, { ack_wait_seconds: 3 }, { types: ['work'] }]) {
    t.match(await ask('PUT', '/api/events/groups/reviewers', { token, body: { ...definition, ...change } }), { status: 400, body: { code: 'VAL_001' } })
  }
  t.equal((await ask('PUT', '/api/events/groups/broken', { token, body: { filter: 'nonsense' } })).status, 400)
  t.equal((await ask('PUT', '/api/events/groups/broken', { token, body: { since: 'nonsense' } })).status, 400)
  t.equal((await ask('GET', '/api/events/groups/broken', { token })).status, 404, 'what was refused was not made')

  const id = await publish(ask, 'more', { n: 1 })
  t.strictSame(ids((await ask('GET', '/api/events/wait?group=reviewers&timeout=0', { token })).body), [id])
  move(2000)
  t.strictSame(ids((await ask('GET', '/api/events/wait?group=reviewers&timeout=0', { token })).body), [])
  t.match((await ask('GET', '/api/events/dead-letters')).body.dead_letters, [{ event: { event_id: id }, attempts: 1, last_error: /within 2 s/ }])

  t.equal((await ask('DELETE', '/api/events/groups/reviewers', { token })).status, 200)
  for (const [method, url, body] of [['DELETE', '/api/events/groups/reviewers'], ['GET', '/api/events/groups/reviewers'], ['POST', '/api/events/ack', { group: 'reviewers', event_ids: [id] }], ['POST', '/api/events/nack', { group: 'reviewers', event_ids: [id] }], ['POST', '/api/events/extend', { group: 'reviewers', event_ids: [id] }]] as const) {
    t.match(await ask(method, url, { token, body }), { status: 404, body: { code: 'NOT_001' } }, `${method} ${url}`)
  }
})

t.test('groups of another project cannot be seen or touched', async (t) => {
  const other = await temporaryFolder(t, 'cco-project')
  const { ask, agent } = await startDocumented(t, { projects: [{ project_id: 'other', root: other }] })
  const ours = await agent('ai-engineer')
  const theirs = await agent('ai-engineer', { project_id: 'other' })
  const id = await publish(ask, 'work')
  await take(ask, ours.token)
  t.strictSame((await ask('GET', '/api/events/groups', { token: theirs.token })).body, { groups: [] })
  t.equal((await ask('POST', '/api/events/ack', { token: theirs.token, body: { group: 'workers', event_ids: [id] } })).status, 404)
  t.strictSame(ids((await take(ask, theirs.token)).body), [], 'a group of the same name is another group')
  t.match((await ask('POST', '/api/events/ack', { token: theirs.token, body: { group: 'workers', event_ids: [id] } })).body, { acked: [], not_held: [id] })
  t.match((await ask('GET', '/api/events/groups/workers', { token: ours.token })).body, { pending: 1 })
})

t.test('what a client never received goes to another member at once, and does not count', async (t) => {
  const { ask, agent, sidecar } = await startDocumented(t)
  const [ada, bob] = await members(agent, 2)
  await sidecar.app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = sidecar.app.server.address() as AddressInfo
  const socket = createConnection({ port, host: '127.0.0.1' })
  await once(socket, 'connect')
  socket.write(`GET /api/events/wait/work?group=workers&timeout=60000 HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${ada!.token}\r\n\r\n`)
  await waiting(ask, 1)
  // The client is gone; the server hears of it when it next looks.
  socket.resetAndDestroy()
  const id = await publish(ask, 'work', { text: 'x'.repeat(500_000) })
  const { body } = await take(ask, bob!.token, 'timeout=60000')
  t.strictSame(ids(body), [id])
  t.match(body.deliveries, [{ attempt: 1 }])
})

t.test('a stream of a group holds no more than it was asked for, and goes on with each acknowledgement', async (t) => {
  const { ask, agent, sidecar } = await startDocumented(t)
  const [ada, bob] = await members(agent, 2)
  const address = await sidecar.app.listen({ port: 0, host: '127.0.0.1' })
  const stream = await openStream(`${address}/api/events/stream?group=workers&type=work&limit=2`, ada!.token)
  t.equal(stream.status, 200)
  const published = []
  for (let n = 0; n < 4; n++) published.push(await publish(ask, 'work', { n }))
  const next = async (): Promise<string> => (JSON.parse((await stream.next()).data) as { event_id: string }).event_id
  t.strictSame([await next(), await next()], published.slice(0, 2))
  t.strictSame(ids((await take(ask, bob!.token, 'timeout=0&limit=1')).body), [published[2]], 'what it has no room for is free for others')
  await ask('POST', '/api/events/ack', { token: ada!.token, body: { group: 'workers', event_ids: [published[0]] } })
  t.equal(await next(), published[3])
  await stream.close()
  await waiting(ask, 0)
  t.match(await eventually(async () => (await ask('GET', '/api/events/groups/workers')).body), { pending: 3 })
})

t.test('groups survive a restart: what was acknowledged is over, what was not comes again', async (t) => {
  const { clock, move } = movedClock()
  const first = await startDocumented(t, { clock, settings: { 'events-max-deliveries': '2' } })
  const ada = await first.agent('ai-engineer')
  const published = [await publish(first.ask, 'work', { n: 0 }), await publish(first.ask, 'work', { n: 1 }), await publish(first.ask, 'work', { n: 2 })]
  await take(first.ask, ada.token, 'timeout=0&limit=2')
  await first.ask('POST', '/api/events/ack', { token: ada.token, body: { group: 'workers', event_ids: [published[0]] } })
  await first.close()

  const second = await startDocumented(t, { clock, storage: first.storage, root: first.root, settings: { 'events-max-deliveries': '2' } })
  t.match((await second.ask('GET', '/api/events/groups/workers')).body, { pending: 1, lag: 1, max_deliveries: 2, members: [{ member: ada.agent_id, pending: 1 }] })
  t.strictSame(ids((await take(second.ask, ada.token)).body), [published[2]])
  move(ACK_WAIT_MS)
  t.match((await take(second.ask, ada.token)).body.deliveries, [{ event_id: published[1], attempt: 2 }, { event_id: published[2], attempt: 2 }])
  await second.close()

  move(2 * ACK_WAIT_MS)
  const third = await startDocumented(t, { clock, storage: first.storage, root: first.root })
  await third.sidecar.app.listen({ port: 0, host: '127.0.0.1' })
  const letters = await eventually(async () => (await third.ask('GET', '/api/events/dead-letters')).body.dead_letters as { event: { event_id: string } }[], (found) => found.length === 2)
  t.strictSame(letters.map(({ event }) => event.event_id).sort(), published.slice(1), 'also when no member ever comes back')
})

t.test('a project has no more groups than its bound', async (t) => {
  const { ask, agent } = await startDocumented(t, { settings: { 'events-max-groups': '1' } })
  const { token } = await agent('ai-engineer')
  t.equal((await take(ask, token)).status, 200)
  const refused = await take(ask, token, 'timeout=0', 'second')
  t.match(refused, { status: 400, body: { code: 'VAL_001', message: /events\.max_groups/ } })
})
