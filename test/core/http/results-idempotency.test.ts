import t from 'tap'
import { startDocumented } from './documented.js'
import type { Ask } from './event-requests.js'

interface Agent { token: string, agent_id: string }

const BODY = { status: 'success', files_created: ['a.ts'], files_modified: [], metrics: { n: -0, deep: [{ a: 1 }] } }

async function store (ask: Ask, { token, agent_id: id }: Agent, key: string | undefined, more: object = {}) {
  return await ask('POST', '/api/results', {
    token, headers: key === undefined ? {} : { 'idempotency-key': key }, body: { agent_id: id, agent_type: 'ai-engineer', issue_id: 'issue-1', result: BODY, ...more }
  })
}

t.test('FAULT 15: the first answer is given again for a key, and nothing is stored or announced twice', async (t) => {
  const { ask, agent } = await startDocumented(t)
  const ada = await agent('ai-engineer')
  const first = await store(ask, ada, 'key-1', { correlation_id: 'talk', round: 2 })
  t.equal(first.status, 201)
  t.notHas(first.headers, 'idempotency-replayed')
  const members = { round: 2, correlation_id: 'talk', result: Object.fromEntries(Object.entries(BODY).reverse()) }
  for (const more of [{ correlation_id: 'talk', round: 2 }, members]) {
    const again = await store(ask, ada, 'key-1', more)
    t.equal(again.status, 201)
    t.equal(again.headers['idempotency-replayed'], 'true')
    t.strictSame(again.body, first.body)
  }
  t.equal((await ask('GET', '/api/results')).body.results.length, 1)
  t.equal((await ask('GET', '/api/events')).body.events.length, 1)
  const { body: whole } = await ask('GET', `/api/results/${first.body.id}`)
  t.notHas(whole, 'idempotency_key', 'the key is between the agent and the server')
  t.strictSame((await ask('GET', '/api/results')).body.results, [whole])
})

t.test('a key with another body is refused and says so; without a key all is stored', async (t) => {
  const { ask, agent } = await startDocumented(t)
  const ada = await agent('ai-engineer')
  await store(ask, ada, 'key-1')
  for (const other of [{ result: { ...BODY, status: 'failed' } }, { issue_id: 'issue-2' }, { round: 1 }, { correlation_id: 'x' }, { result: { ...BODY, more: null } }]) {
    const { status, body } = await store(ask, ada, 'key-1', other)
    t.strictSame([status, body.code, body.details.issues[0].path], [400, 'VAL_001', 'idempotency-key'], JSON.stringify(other))
    t.match(body.message, /used for another result/)
  }
  t.equal((await ask('GET', '/api/results')).body.results.length, 1)
  t.not((await store(ask, ada, undefined)).body.id, (await store(ask, ada, undefined)).body.id)
  t.equal((await ask('GET', '/api/results')).body.results.length, 3)
})

t.test('keys are of one agent each', async (t) => {
  const { ask, agent } = await startDocumented(t)
  const [ada, bob] = [await agent('ai-engineer', { agent_id: 'a' }), await agent('ai-engineer', { agent_id: 'b' })]
  const answers = [await store(ask, ada, 'key-1'), await store(ask, bob, 'key-1'), await store(ask, ada, 'b/key-1'), await store(ask, ada, 'KEY-1')]
  t.strictSame(answers.map(({ status }) => status), [201, 201, 201, 201])
  t.equal(new Set(answers.map(({ body }) => body.id)).size, 4)
})

t.test('a key is 1 to 255 characters of visible ASCII', async (t) => {
  const { ask, agent } = await startDocumented(t)
  const ada = await agent('ai-engineer')
  for (const key of ['', 'a b', 'é', 'x'.repeat(256)]) {
    const { status, body } = await store(ask, ada, key)
    t.strictSame([status, body.code, body.details.issues[0].path], [400, 'VAL_001', 'idempotency-key'], key)
  }
  for (const key of ['!', '"7a"', '~', 'x'.repeat(255)]) t.equal((await store(ask, ada, key)).status, 201, key)
  t.equal((await ask('GET', '/api/results')).body.results.length, 4)
})

t.test('many at once with one key are one result and one announcement', async (t) => {
  const { ask, agent } = await startDocumented(t)
  const ada = await agent('ai-engineer')
  const answers = await Promise.all(Array.from({ length: 40 }, async () => await store(ask, ada, 'key-1')))
  for (const { status, body } of answers) t.strictSame([status, body], [201, answers[0]!.body])
  t.equal(answers.filter(({ headers }) => headers['idempotency-replayed'] === undefined).length, 1, 'one of them stored it')
  t.equal((await ask('GET', '/api/results')).body.results.length, 1)
  t.equal((await ask('GET', '/api/events')).body.events.length, 1)
})

t.test('a key is known after a restart', async (t) => {
  const one = await startDocumented(t)
  const ada = await one.agent('ai-engineer')
  const first = await store(one.ask, ada, 'key-1')
  await one.close()
  const other = await startDocumented(t, { storage: one.storage, root: one.root })
  const again = await store(other.ask, ada, 'key-1')
  t.strictSame([again.status, again.headers['idempotency-replayed'], again.body], [201, 'true', first.body])
  t.equal((await store(other.ask, ada, 'key-1', { round: 4 })).status, 400)
  t.equal((await other.ask('GET', '/api/events')).body.events.length, 1)
})
