import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { temporaryFolder } from '../../support/temporary.js'
import type { TestSidecar } from '../../support/sidecar.js'
import { RFC3339_UTC, startDocumented } from './documented.js'
import { writePlugin } from './plugin-file.js'

interface Agent { token: string, agent_id: string }

const NOTHING = { files_created: [], files_modified: [] }

function submission (agent: Agent, agentType: string, more: { issue_id?: string, result?: object, correlation_id?: string, round?: number } = {}) {
  const { result, ...rest } = more
  return { agent_id: agent.agent_id, agent_type: agentType, issue_id: 'issue-1', ...rest, result: { status: 'success', ...NOTHING, ...result } }
}

async function store ({ ask }: Pick<TestSidecar, 'ask'>, agent: Agent, agentType: string, more: Parameters<typeof submission>[2] = {}): Promise<string> {
  const { status, body } = await ask('POST', '/api/results', { token: agent.token, body: submission(agent, agentType, more) })
  if (status !== 201) throw new Error(`Stored with ${status}: ${JSON.stringify(body)}`)
  return body.id as string
}

t.test('a result is on the disk before the reply, kept verbatim, and announced', async (t) => {
  const { ask, agent, storage } = await startDocumented(t)
  const coder = await agent('ai-engineer')
  const result = {
    status: 'success',
    files_created: ['src/a.ts', { path: 'src/b.ts', lines: 12, note: 'kept' }],
    files_modified: [],
    files_deleted: ['old.ts'],
    decisions: ['Use a queue', { what: 'anything' }, 7],
    metrics: { coverage: 91.5, constructor: 'mine' },
    artifacts: { 'a b': [null, { deep: [] }] },
    errors: [],
    warnings: ['slow'],
    next_steps: ['test it'],
    of_my_own: { x: 1 }
  }
  const { status, body } = await ask('POST', '/api/results', {
    token: coder.token, body: { ...submission(coder, 'ai-engineer'), project_id: 'sample', result, correlation_id: 'talk', round: 3, timestamp: '2020-01-01T00:00:00Z' }
  })
  t.equal(status, 201)
  t.match(body, {
    id: /^res_[0-9A-Z]{26}$/, stored: true, storage_path: 'results/sample/issue-1/ai-engineer.json', event_published: true, event_id: /^evt_/, timestamp: RFC3339_UTC
  })
  const onDisk = JSON.parse(await readFile(join(storage, body.storage_path), 'utf8')) as { result: unknown }
  t.strictSame(onDisk.result, result)
  const whole = await ask('GET', `/api/results/${body.id}`)
  t.strictSame(whole.body, {
    id: body.id, project_id: 'sample', issue_id: 'issue-1', agent_id: coder.agent_id, agent_type: 'ai-engineer', status: 'success', result, correlation_id: 'talk', round: 3, timestamp: body.timestamp
  })
  t.not(whole.body.timestamp, '2020-01-01T00:00:00Z', 'it says when it was stored')

  const { body: { events: [event] } } = await ask('GET', '/api/events')
  t.match(event, {
    event_id: body.event_id,
    event_type: 'agent_completed',
    publisher: coder.agent_id,
    publisher_type: 'ai-engineer',
    topic: 'implementation',
    correlation_id: 'talk',
    round: 3,
    data: { issue_id: 'issue-1', agent_id: coder.agent_id, agent_type: 'ai-engineer', status: 'success', result_id: body.id, next_agents: body.next_agents }
  })
  t.equal((await ask('GET', '/status')).body.storage.results_stored, 1)
})

t.test('who goes on is what the profile says, by the status', async (t) => {
  const { ask, agent } = await startDocumented(t)
  const coder = await agent('ai-engineer')
  const { body: profile } = await ask('GET', '/api/profiles/ai-engineer')
  for (const status of ['success', 'partial', 'failed'] as const) {
    const { body } = await ask('POST', '/api/results', { token: coder.token, body: submission(coder, 'ai-engineer', { result: { status } }) })
    const expected = profile.handoff[status === 'failed' ? 'failed' : 'success']
    t.ok(expected.length > 0)
    t.strictSame(body.next_agents, expected)
    t.strictSame(body.next_agent_suggestions.map((next: { agent_type: string }) => next.agent_type), expected)
    for (const next of body.next_agent_suggestions) t.match(next, { agent_type: String, priority: /^(high|normal)$/, reason: /\.$/ })
  }
  const types = (await ask('GET', '/api/events')).body.events.map((event: { event_type: string }) => event.event_type)
  t.strictSame(types, ['agent_completed', 'agent_completed', 'agent_failed'])
})

t.test('the operator may store a result too', async (t) => {
  const { ask } = await startDocumented(t)
  const { status, body } = await ask('POST', '/api/results', { body: submission({ token: '', agent_id: 'operator' }, 'operator') })
  t.equal(status, 201)
  t.strictSame(body.next_agents, [])
})

t.test('nobody stores a result in the name of another', async (t) => {
  const { ask, agent } = await startDocumented(t)
  const [ada, bob] = [await agent('ai-engineer'), await agent('ai-engineer')]
  for (const foreign of [{ agent_id: bob.agent_id }, { agent_type: 'code-reviewer' }, { project_id: 'other' }]) {
    const { status, body } = await ask('POST', '/api/results', { token: ada.token, body: { ...submission(ada, 'ai-engineer'), ...foreign } })
    t.strictSame([status, body.code], [403, 'AUTH_003'])
    t.match(body.message, Object.keys(foreign)[0])
  }
  t.strictSame((await ask('GET', '/api/results')).body, { results: [] })
  t.strictSame((await ask('GET', '/api/events')).body.events, [])
})

t.test('a result that does not fit is refused with the place', async (t) => {
  const { ask, agent } = await startDocumented(t)
  const coder = await agent('ai-engineer')
  const wrong: [string, object][] = [
    ['result', { result: undefined }], ['result', { result: 'done' }], ['result.status', { result: { ...NOTHING } }], ['result.status', { result: { status: 'done', ...NOTHING } }],
    ['result.files_created', { result: { status: 'success', files_created: 'a' } }], ['result.files_created.0', { result: { status: 'success', files_created: [7] } }],
    ['result.files_created.0.path', { result: { status: 'success', files_created: [{}] } }], ['result.metrics', { result: { status: 'success', metrics: [] } }],
    ['result.decisions', { result: { status: 'success', decisions: {} } }],
    ['issue_id', { issue_id: undefined }], ['issue_id', { issue_id: '../x' }], ['round', { round: 1.5 }], ['timestamp', { timestamp: 'now' }], ['correlation_id', { correlation_id: '' }]
  ]
  for (const [path, change] of wrong) {
    const { status, body } = await ask('POST', '/api/results', { token: coder.token, body: { ...submission(coder, 'ai-engineer'), ...change } })
    t.strictSame([status, body.code], [400, 'VAL_001'], path)
    t.ok(body.details.issues.some((issue: { path: string }) => issue.path === path), `${path} in ${JSON.stringify(body.details)}`)
  }
})

t.test('a later result of the same agent type keeps the earlier ones', async (t) => {
  const started = await startDocumented(t)
  const { ask, agent, storage } = started
  const coder = await agent('ai-engineer')
  const all = []
  for (let round = 0; round < 3; round++) all.push(await store(started, coder, 'ai-engineer', { round }))
  t.strictSame((await ask('GET', '/api/results?issue_id=issue-1')).body.results.map((record: { id: string }) => record.id), [...all].reverse())
  const latest = JSON.parse(await readFile(join(storage, 'results/sample/issue-1/ai-engineer.json'), 'utf8')) as { id: string }
  t.equal(latest.id, all[2])
  for (const [round, id] of all.entries()) t.equal((await ask('GET', `/api/results/${id}`)).body.round, round)
})

t.test('results are listed newest first, by what they are, page by page', async (t) => {
  let now = Date.parse('2026-01-01T00:00:00.000Z')
  const started = await startDocumented(t, { clock: () => now })
  const { ask, agent } = started
  const [coder, reviewer] = [await agent('ai-engineer'), await agent('code-reviewer')]
  const all: string[] = []
  for (let n = 0; n < 6; n++) {
    const [who, type] = n % 2 === 0 ? [coder, 'ai-engineer'] as const : [reviewer, 'code-reviewer'] as const
    all.push(await store(started, who, type, { issue_id: n < 4 ? 'issue-1' : 'issue-2', result: { status: n === 5 ? 'failed' : 'success' } }))
    now += 1000
  }
  const list = async (query: string): Promise<number[]> => (await ask('GET', `/api/results?${query}`)).body.results.map((record: { id: string }) => all.indexOf(record.id))
  t.strictSame(await list(''), [5, 4, 3, 2, 1, 0])
  t.strictSame(await list('issue_id=issue-1'), [3, 2, 1, 0])
  t.strictSame(await list('agent_type=code-reviewer'), [5, 3, 1])
  t.strictSame(await list('issue_id=issue-1&agent_type=ai-engineer'), [2, 0])
  t.strictSame(await list('status=failed'), [5])
  t.strictSame(await list('since=2026-01-01T00:00:02Z'), [5, 4, 3, 2], 'since is inclusive')
  t.strictSame(await list('until=2026-01-01T00:00:02Z'), [1, 0], 'until is exclusive')
  t.strictSame(await list('since=2026-01-01T00:00:01Z&until=2026-01-01T00:00:03Z'), [2, 1])
  t.strictSame(await list('issue_id=absent'), [])
  const seen: number[] = []
  let cursor: string | undefined
  do {
    const { body } = await ask('GET', `/api/results?limit=4${cursor === undefined ? '' : `&cursor=${cursor}`}`)
    t.ok(body.results.length <= 4)
    seen.push(...body.results.map((record: { id: string }) => all.indexOf(record.id)))
    cursor = body.next_cursor
  } while (cursor !== undefined)
  t.strictSame(seen, [5, 4, 3, 2, 1, 0])
  for (const wrong of ['limit=0', 'limit=1001', 'status=done', 'since=monday', 'until=2026-01-01', 'issue_id=..', 'agent_type=a/b', 'cursor=nonsense']) {
    const { status, body } = await ask('GET', `/api/results?${wrong}`)
    t.strictSame([status, body.code], [400, 'VAL_001'], wrong)
  }
})

t.test('results and issues are those of the caller\'s project', async (t) => {
  const started = await startDocumented(t)
  const { ask, agent } = started
  await ask('POST', '/api/projects', { body: { project_id: 'other', root: await temporaryFolder(t) } })
  const [own, stranger] = [await agent('ai-engineer'), await agent('ai-engineer', { project_id: 'other' })]
  const id = await store(started, own, 'ai-engineer')
  const { body: { results, next_cursor: next } } = await ask('GET', '/api/results?limit=1', { token: own.token })
  t.equal(results.length, 1)
  t.equal(next, undefined)
  const absent = await ask('GET', '/api/results/res_absent', { token: stranger.token })
  const foreign = await ask('GET', `/api/results/${id}`, { token: stranger.token })
  t.strictSame([foreign.status, foreign.body.code], [404, 'NOT_001'])
  t.equal(foreign.body.message.replace(id, 'res_absent'), absent.body.message, 'it is not told from one that there is not')
  t.strictSame((await ask('GET', '/api/results', { token: stranger.token })).body, { results: [] })
  const { body } = await ask('POST', '/api/results', { token: stranger.token, body: submission(stranger, 'ai-engineer') })
  t.equal(body.storage_path, 'results/other/issue-1/ai-engineer.json')
  t.equal((await ask('GET', '/api/results', { token: own.token })).body.results.length, 1)
  await ask('PUT', '/api/issues/issue-9', { body: { title: 'Ours' } })
  t.equal((await ask('GET', '/api/issues/issue-9', { token: stranger.token })).status, 404)
})

t.test('an issue says what the task is, and can be said anew', async (t) => {
  const { ask, agent } = await startDocumented(t)
  const issue = { title: 'Login fails', description: 'Nobody can enter.\n', labels: ['bug'], files: ['src/login.ts'] }
  const first = await ask('PUT', '/api/issues/issue-1', { body: issue })
  t.equal(first.status, 201)
  t.match(first.body, { issue_id: 'issue-1', ...issue, created_at: RFC3339_UTC, updated_at: RFC3339_UTC })
  t.strictSame((await ask('GET', '/api/issues/issue-1')).body, first.body)
  const { token } = await agent('api-documenter')
  const second = await ask('PUT', '/api/issues/issue-1', { token, body: { title: 'Login works' } })
  t.equal(second.status, 200)
  t.equal(second.body.created_at, first.body.created_at)
  t.notOk('description' in second.body, 'it is replaced, not merged')
  for (const body of [{}, { title: '' }, { title: 'x'.repeat(501) }, { title: 'x', labels: 'bug' }, { title: 'x', files: [1] }, { title: 'x', issue_id: 'issue-1' }]) {
    t.equal((await ask('PUT', '/api/issues/issue-1', { body })).status, 400, JSON.stringify(body).slice(0, 40))
  }
  const { status, body } = await ask('GET', '/api/issues/absent')
  t.strictSame([status, body.code], [404, 'NOT_001'])
})

t.test('a store that fails is STR_001 and STR_002, and health names it', async (t) => {
  const folder = await temporaryFolder(t)
  const use = await writePlugin(folder, 'store.mjs', `
    const { createMemoryStore } = await built('plugins/storage/memory.js')
    const write = async () => { throw apiError('STR_001', 'Results cannot be written: the disk is away.') }
    const read = async () => { throw apiError('STR_002', 'Results cannot be read: the disk is away.') }
    export default definePlugin({ kind: 'result-store', name: 'broken', create: () => ({
      ...createMemoryStore({ maxResults: 10 }), put: write, putIssue: write, get: read, list: read, getIssue: read, usage: read, check: write
    }) })`)
  const started = await startDocumented(t, { plugins: [{ use }] })
  const { ask, agent } = started
  const coder = await agent('ai-engineer')
  for (const [method, url, code, body] of [
    ['POST', '/api/results', 'STR_001', submission(coder, 'ai-engineer')],
    ['GET', '/api/results', 'STR_002', undefined],
    ['GET', '/api/results/any', 'STR_002', undefined],
    ['GET', '/api/issues/any', 'STR_002', undefined],
    ['PUT', '/api/issues/any', 'STR_002', { title: 'x' }],
    ['GET', '/api/context/issue-1/ai-engineer', 'STR_002', undefined]
  ] as const) {
    const answer = await ask(method, url, { token: coder.token, body })
    t.strictSame([answer.status, answer.body.code], [503, code], `${method} ${url}`)
  }
  t.strictSame((await ask('GET', '/api/events')).body.events, [], 'what was not stored is not announced')
  const { status, body } = await ask('GET', '/health', { token: '' })
  t.equal(status, 503)
  t.match(body, { status: 'unhealthy', checks: { storage: /^unhealthy: .*the disk is away/, event_bus: 'healthy' } })
})

t.test('a storage folder that is taken away is told and not answered with a fault', async (t) => {
  const started = await startDocumented(t)
  const { ask, agent, storage } = started
  const coder = await agent('ai-engineer')
  const id = await store(started, coder, 'ai-engineer')
  await rm(storage, { recursive: true })
  const written = await ask('POST', '/api/results', { token: coder.token, body: submission(coder, 'ai-engineer', { issue_id: 'issue-2' }) })
  t.strictSame([written.status, written.body.code], [503, 'STR_001'])
  t.notMatch(written.text, storage)
  const gone = await ask('GET', `/api/results/${id}`)
  t.ok(gone.status === 404 || gone.body.code === 'STR_002', `${gone.status} ${gone.body.code}`)
  const { status, body, text } = await ask('GET', '/health', { token: '' })
  t.equal(status, 503)
  t.match(body, { status: 'unhealthy', checks: { storage: /^unhealthy/ } })
  t.notMatch(text, storage)
})

t.test('with the memory bus and store by configuration alone the main flow is the same', async (t) => {
  const started = await startDocumented(t, { plugins: ['event-bus/memory', 'result-store/memory'] })
  const { ask, agent, sidecar } = started
  const kinds = Object.fromEntries(sidecar.info.plugins.map((plugin) => [plugin.kind, plugin.name]))
  t.match(kinds, { 'event-bus': 'memory', 'result-store': 'memory' })
  await ask('PUT', '/api/issues/issue-1', { body: { title: 'Login fails' } })
  const [coder, tester] = [await agent('ai-engineer'), await agent('test-engineer')]
  t.equal((await ask('GET', '/api/context/issue-1/ai-engineer', { token: coder.token })).body.context.task.title, 'Login fails')
  const parked = ask('GET', '/api/events/wait/agent_completed?timeout=60000&filter=issue_id:issue-1', { token: tester.token })
  const id = await store(started, coder, 'ai-engineer', { result: { decisions: ['Use a hash'] } })
  const { body } = await parked
  t.match(body.events, [{ event_type: 'agent_completed', topic: 'implementation', data: { result_id: id } }])
  t.match((await ask('GET', `/api/events/wait/agent_completed?timeout=0&since=${body.next_cursor}`, { token: tester.token })).body, { events: [], timeout: true })
  t.match((await ask('GET', '/api/context/issue-1/test-engineer', { token: tester.token })).body.context.previous_agent_outputs, [{ result_id: id, decisions: ['Use a hash'] }])
  t.equal((await ask('GET', `/api/results/${id}`, { token: tester.token })).body.agent_id, coder.agent_id)
  t.equal((await ask('GET', '/health', { token: '' })).body.status, 'healthy')
  t.match((await ask('GET', '/status')).body, { storage: { results_stored: 1 }, events: { total_published: 1, queue_depth: 1 } })
})
