import { once } from 'node:events'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { withoutTestRunner } from '../../support/environment.js'
import { temporaryFolder } from '../../support/temporary.js'
import type { Answer, TestSidecar, TestSidecarOptions } from '../../support/sidecar.js'
import { writeAgentProgram } from './agent-program.js'
import { RFC3339_UTC, startDocumented } from './documented.js'
import { eventually } from './eventually.js'

const FINAL = ['completed', 'failed', 'stopped', 'lost']
const TYPE = 'ai-engineer'

async function startListening (t: Test, options: TestSidecarOptions = {}): Promise<TestSidecar & { address: string }> {
  const command = await writeAgentProgram(await temporaryFolder(t))
  const started = await startDocumented(t, { ...options, settings: { 'spawn-command': command, 'spawn-max-retries': '0', ...options.settings } })
  return { ...started, address: await started.sidecar.app.listen({ port: 0, host: '127.0.0.1' }) }
}

async function spawn ({ ask }: TestSidecar, task: string, more: object = {}, token?: string): Promise<Answer> {
  return await ask('POST', '/api/agents/spawn', { token, body: { agent_type: TYPE, issue_id: 'issue-1', task, ...more } })
}

async function state ({ ask }: TestSidecar, id: string): Promise<string> {
  return (await ask('GET', `/api/agents/${id}/status`)).body.state as string
}

async function ended (started: TestSidecar, id: string): Promise<Answer['body']> {
  await eventually(async () => await state(started, id), (now) => FINAL.includes(now))
  return (await started.ask('GET', `/api/agents/${id}/status`)).body
}

async function output ({ ask }: TestSidecar, id: string): Promise<string> {
  return (await ask('GET', `/api/agents/${id}/logs`)).body.log as string
}

async function known ({ ask }: TestSidecar): Promise<number> {
  return (await ask('GET', '/api/agents')).body.agents.length as number
}

function isAlive (pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** For all that leaves no trace in what others look at. */
const common = await startListening(t)

t.test('an agent is started with its context, its environment and a token of its own', async (t) => {
  const started = await startListening(t, { environment: { PATH: process.env.PATH, LANG: 'C.UTF-8', SECRET_OF_THE_SERVER: 'x', WANTED: 'y' }, settings: { 'spawn-environment': 'WANTED' } })
  const { ask, address, storage, root } = started
  await ask('PUT', '/api/issues/issue-1', { body: { title: 'Login fails' } })
  const { status, body } = await spawn(started, 'tell', { environment: { MODE: 'fast', EMPTY: '' }, context_requirements: ['changelog', 'code_reviews'], correlation_id: 'talk', round: 2, priority: 'high' })
  t.equal(status, 201)
  t.match(body, { agent_id: /^ai-engineer-[a-z0-9]{26}$/, spawned: true, process_id: Number, context_injected: true, jwt_token: String, webhook_url: `/api/agents/${body.agent_id}/status`, timestamp: RFC3339_UTC })
  const record = await ended(started, body.agent_id)
  t.match(record, {
    agent_id: body.agent_id, agent_type: TYPE, project_id: 'sample', issue_id: 'issue-1', task: 'tell', state: 'completed', priority: 'high', spawner: 'process', process_id: body.process_id,
    created_at: RFC3339_UTC, started_at: RFC3339_UTC, ended_at: RFC3339_UTC, exit_code: 0, signal: null, correlation_id: 'talk', round: 2, result_id: /^res_/
  })
  const told = JSON.parse(await output(started, body.agent_id)) as { environment: Record<string, string>, folder: string, context: Record<string, unknown> }
  const { CONTEXT_FILE: contextFile, ...environment } = withoutTestRunner(told.environment)
  t.strictSame(environment, {
    PATH: process.env.PATH,
    LANG: 'C.UTF-8',
    WANTED: 'y',
    MODE: 'fast',
    EMPTY: '',
    AGENT_ID: body.agent_id,
    AGENT_TYPE: TYPE,
    ISSUE_ID: 'issue-1',
    PROJECT_ID: 'sample',
    SIDECAR_URL: `${address}/api`,
    JWT_TOKEN: body.jwt_token,
    TASK: 'tell',
    CORRELATION_ID: 'talk'
  }, 'this and nothing else')
  t.match(told.context, { issue_id: 'issue-1', agent_type: TYPE, context: { task: { title: 'Login fails', description: /tell/ } } })
  t.match(told.context.strategies, [{ requirement: String }])
  t.ok((told.context.strategies as { requirement: string }[]).some(({ requirement }) => requirement === 'changelog'))
  t.equal(told.folder, root)
  t.equal(contextFile, join(storage, 'agents', body.agent_id, 'context.json'))
  t.equal((await stat(join(storage, 'agents', body.agent_id))).mode & 0o777, 0o700)
  t.notOk((await readdir(join(storage, 'agents', body.agent_id))).includes('context.json'), 'the context goes with the agent')

  const { status: refused, body: { code } } = await ask('GET', '/api/plugins', { token: body.jwt_token })
  t.strictSame([refused, code], [401, 'AUTH_001'], 'and so does its token')
})

t.test('an environment that changes what code runs, or what the agent is, is refused', async (t) => {
  const before = await known(common)
  for (const name of [
    'PATH', 'path', 'LD_PRELOAD', 'LD_LIBRARY_PATH', 'DYLD_INSERT_LIBRARIES', 'NODE_OPTIONS', 'NODE_PATH', 'PYTHONPATH', 'BASH_ENV', 'GIT_SSH_COMMAND',
    'JWT_TOKEN', 'AGENT_ID', 'AGENT_TYPE', 'ISSUE_ID', 'PROJECT_ID', 'SIDECAR_URL', 'CONTEXT_FILE', 'TASK', 'CCO_SIDECAR_TOKEN', '', '1A', 'A B', 'A=B', 'A\0'
  ]) {
    const { status, body } = await spawn(common, 'tell', { environment: { [name]: 'x' } })
    t.strictSame([status, body.code], [400, 'VAL_001'], JSON.stringify(name))
    t.equal(body.details.issues[0].path, `environment.${name}`)
  }
  t.equal((await spawn(common, 'tell', { environment: { A: 'x\0y' } })).status, 400)
  t.equal(await known(common), before, 'nothing was started')
})

t.test('a spawn that is not valid starts nothing', async (t) => {
  const before = await known(common)
  const wrong: [object, number, string][] = [
    [{ agent_type: 'ai-enginer' }, 404, 'AGT_002'],
    [{ project_id: 'absent' }, 404, 'PRJ_001'],
    [{ spawner: 'absent' }, 400, 'VAL_001'],
    [{ context_requirements: ['no-such-need'] }, 400, 'VAL_001'],
    [{ context_requirements: 'changelog' }, 400, 'VAL_001'],
    [{ environment: { A: 1 } }, 400, 'VAL_001'],
    [{ priority: 'urgent' }, 400, 'VAL_001'],
    [{ timeout_seconds: 0 }, 400, 'VAL_001'],
    [{ timeout_seconds: 86_401 }, 400, 'VAL_001'],
    [{ task: '' }, 400, 'VAL_001'],
    [{ issue_id: undefined }, 400, 'VAL_001']
  ]
  for (const [change, status, code] of wrong) {
    const answer = await spawn(common, 'tell', change)
    t.strictSame([answer.status, answer.body.code], [status, code], JSON.stringify(change))
  }
  t.equal(await known(common), before)
})

t.test('a command that is missing is AGT_001', async (t) => {
  const missing = await startListening(t, { settings: { 'spawn-command': '/nonexistent/agent' } })
  const { status, body } = await spawn(missing, 'tell')
  t.strictSame([status, body.code], [500, 'AGT_001'])
  t.match(body.message, /was not found/)
  const { body: { agents: [record] } } = await missing.ask('GET', '/api/agents')
  t.match(record, { state: 'failed', process_id: null, started_at: null, reason: /was not found/ })
  t.match((await missing.ask('GET', '/status')).body.agents, { active: 0, spawned_total: 0, failed: 1 })

  const silent = await startDocumented(t)
  const deaf = await spawn(silent, 'tell')
  t.strictSame([deaf.status, deaf.body.code], [500, 'AGT_001'])
  t.match(deaf.body.message, /does not listen/, 'an agent could not reach it')
})

t.test('an agent that exits without a result gets one made', async (t) => {
  const started = await startListening(t)
  const { ask } = started
  const { body } = await spawn(started, 'fail', { correlation_id: 'talk' })
  const record = await ended(started, body.agent_id)
  t.match(record, { state: 'failed', exit_code: 3 })
  const { body: result } = await ask('GET', `/api/results/${record.result_id}`)
  t.match(result, {
    agent_id: body.agent_id, agent_type: TYPE, issue_id: 'issue-1', status: 'failed', correlation_id: 'talk',
    result: { status: 'failed', errors: [/exit code 3/], artifacts: { exit_code: 3, last_output: /something broke/ }, made_by: 'sidecar' }
  })
  const types = await eventually(
    async () => (await ask('GET', '/api/events?correlation_id=talk')).body.events.map((event: { event_type: string }) => event.event_type) as string[],
    (names) => names.includes('agent_ended')
  )
  t.strictSame([...types].sort(), ['agent_ended', 'agent_failed', 'agent_running', 'agent_started'])
  t.match((await ask('GET', '/status')).body.agents, { active: 0, completed: 0, failed: 1, spawned_total: 1, by_type: {} })
  t.ok((await ask('GET', '/status')).body.agents.avg_execution_time_ms > 0)
})

t.test('what an agent stores itself is its result, and decides with the exit', async (t) => {
  for (const [status, expected] of [['success', 'completed'], ['partial', 'completed'], ['failed', 'failed']] as const) {
    const { body } = await spawn(common, `store ${status}`)
    const record = await ended(common, body.agent_id)
    t.match(record, { state: expected, exit_code: 0, last_sign_at: RFC3339_UTC })
    const { body: { results } } = await common.ask('GET', '/api/results?limit=1')
    t.match(results, [{ id: record.result_id, agent_id: body.agent_id, status }])
    t.notOk('made_by' in results[0].result)
  }
})

t.test('a sign of life comes from the agent itself', async (t) => {
  const { ask, agent } = common
  const { body: { agent_id: other } } = await spawn(common, 'stay')
  const { body: { agent_id: id, jwt_token: token } } = await spawn(common, `beat ${other}`)
  const answers = JSON.parse(await eventually(async () => await output(common, id), (text) => text.endsWith('\n'))) as { status: number, body: { code: string } }[]
  t.equal(answers[0]!.status, 200)
  t.strictSame([answers[1]!.status, answers[1]!.body.code], [403, 'AUTH_003'])
  t.match((await ask('GET', `/api/agents/${id}/status`)).body, { state: 'running', progress: 40, message: 'half way', last_sign_at: RFC3339_UTC })
  const stranger = await agent('chief-architect')
  for (const caller of [undefined, stranger.token]) {
    t.equal((await ask('POST', `/api/agents/${id}/status`, { token: caller, body: { progress: 1 } })).status, 403)
  }
  t.match((await ask('POST', `/api/agents/${id}/status`, { token, body: { state: 'writing' } })).body, { state: 'running', progress: 40, message: 'writing' })
  for (const body of [{ progress: 101 }, { progress: -1 }, { progress: '5' }, { state: '' }, { message: 'x'.repeat(2001) }]) {
    t.equal((await ask('POST', `/api/agents/${id}/status`, { token, body })).status, 400, JSON.stringify(body).slice(0, 40))
  }
  const ghost = await ask('POST', `/api/agents/${stranger.agent_id}/status`, { token: stranger.token, body: {} })
  t.strictSame([ghost.status, ghost.body.code], [404, 'NOT_001'], 'who was not spawned has no status')
  for (const running of [id, other]) await ask('DELETE', `/api/agents/${running}`)
})

t.test('the last lines of the output are shown', async (t) => {
  const { ask } = common
  const { body: { agent_id: id } } = await spawn(common, 'count')
  await ended(common, id)
  const tail = async (query: string): Promise<string[]> => (await ask('GET', `/api/agents/${id}/logs${query}`)).body.log.split('\n').slice(0, -1) as string[]
  t.strictSame(await tail('?tail=2'), ['line 299', 'line 300'])
  t.equal((await tail('')).length, 200)
  t.equal((await tail('?tail=10000')).length, 300)
  for (const query of ['?tail=0', '?tail=10001', '?tail=x']) t.equal((await ask('GET', `/api/agents/${id}/logs${query}`)).status, 400)
  t.equal((await ask('GET', '/api/agents/absent/logs')).status, 404)
})

t.test('an agent is stopped on request, politely or not', async (t) => {
  const { ask, agent } = common
  const { token } = await agent('chief-architect')
  const { body: polite } = await spawn(common, 'stay', {}, token)
  const { status, body } = await ask('DELETE', `/api/agents/${polite.agent_id}`, { token })
  t.equal(status, 200)
  t.match(body, { agent_id: polite.agent_id, stopped: true, state: 'stopped', signal: 'SIGTERM', exit_code: null, reason: /on request/, timestamp: RFC3339_UTC })
  t.notOk(isAlive(polite.process_id))

  for (const query of ['?force=true', '?timeout_seconds=0']) {
    const { body: stubborn } = await spawn(common, 'stubborn')
    await eventually(async () => await output(common, stubborn.agent_id), (text) => text.includes('ready'))
    t.match((await ask('DELETE', `/api/agents/${stubborn.agent_id}${query}`)).body, { stopped: true, signal: 'SIGKILL' })
    t.notOk(isAlive(stubborn.process_id))
  }
  const again = await ask('DELETE', `/api/agents/${polite.agent_id}`)
  t.match([again.status, again.body.state], [200, 'stopped'], 'twice is no fault')
  t.equal((await ask('DELETE', '/api/agents/absent')).body.code, 'NOT_001')
  for (const query of ['?force=perhaps', '?timeout_seconds=-1', '?timeout_seconds=301']) t.equal((await ask('DELETE', `/api/agents/absent${query}`)).status, 400)
})

t.test('an agent that runs too long is ended', async (t) => {
  const { body } = await spawn(common, 'stay', { timeout_seconds: 1 })
  t.match(await ended(common, body.agent_id), { state: 'failed', reason: /longer than 1 seconds/ })
})

t.test('beyond the limit agents wait in the queue, and beyond the queue they are refused', async (t) => {
  const started = await startListening(t, { settings: { 'spawn-max-concurrent': '1', 'spawn-max-queue': '2' } })
  const { ask } = started
  const first = await spawn(started, 'stay')
  t.equal(first.status, 201)
  const low = await spawn(started, 'stay', { priority: 'low' })
  t.equal(low.status, 202)
  t.match(low.body, { agent_id: String, spawned: false, queued: true, position: 1, webhook_url: `/api/agents/${low.body.agent_id}/status`, timestamp: RFC3339_UTC })
  const high = await spawn(started, 'count', { priority: 'high' })
  t.equal(high.body.position, 1, 'an urgent one goes before')
  const refused = await spawn(started, 'stay')
  t.strictSame([refused.status, refused.body.code], [429, 'AGT_003'])
  t.match(refused.headers['retry-after'], /^\d+$/)
  t.match((await ask('GET', `/api/agents/${low.body.agent_id}/status`)).body, { state: 'queued', process_id: null, started_at: null })
  t.match((await ask('GET', '/health')).body.checks, { active_agents: 1, queued_agents: 2 })
  t.strictSame((await ask('GET', '/api/agents?status=queued')).body.agents.map((agent: { agent_id: string }) => agent.agent_id), [high.body.agent_id, low.body.agent_id])

  await ask('DELETE', `/api/agents/${first.body.agent_id}`)
  t.match(await ended(started, high.body.agent_id), { state: 'completed' })
  await eventually(async () => await state(started, low.body.agent_id), (now) => now === 'running')
  const waiting = await spawn(started, 'stay')
  t.match((await ask('DELETE', `/api/agents/${waiting.body.agent_id}`)).body, { stopped: true, process_id: null, reason: /queue/ })

  const narrow = await startListening(t, { settings: { 'spawn-max-per-type': '1', 'spawn-max-queue': '0' } })
  t.equal((await spawn(narrow, 'stay')).status, 201)
  t.equal((await spawn(narrow, 'stay')).body.code, 'AGT_003', 'without a queue at once')
  t.equal((await spawn(narrow, 'stay', { agent_type: 'code-reviewer' })).status, 201, 'another type has its own places')
})

t.test('agents are listed by what they are, within the project', async (t) => {
  const started = await startListening(t)
  const { ask, agent } = started
  await ask('POST', '/api/projects', { body: { project_id: 'other', root: await temporaryFolder(t) } })
  const [own, stranger] = [await agent('chief-architect'), await agent('chief-architect', { project_id: 'other' })]
  const one = (await spawn(started, 'stay', {}, own.token)).body.agent_id
  const two = (await spawn(started, 'stay', { agent_type: 'code-reviewer', issue_id: 'issue-2' }, own.token)).body.agent_id
  const theirs = (await spawn(started, 'stay', {}, stranger.token)).body.agent_id
  for (const id of [one, two]) await eventually(async () => await state(started, id), (now) => now === 'running')
  const list = async (query: string, token?: string): Promise<string[]> => (await ask('GET', `/api/agents${query}`, { token })).body.agents.map((entry: { agent_id: string }) => entry.agent_id)
  t.strictSame(await list('', own.token), [two, one], 'newest first')
  t.strictSame(await list('?agent_type=ai-engineer', own.token), [one])
  t.strictSame(await list('?issue_id=issue-2', own.token), [two])
  t.strictSame(await list('?status=running', own.token), [two, one])
  t.strictSame(await list('?status=completed', own.token), [])
  t.strictSame(await list('', stranger.token), [theirs])
  t.strictSame(await list(''), [theirs, two, one], 'the operator sees all')
  for (const query of ['?status=asleep', '?agent_type=..', '?issue_id=a/b']) t.equal((await ask('GET', `/api/agents${query}`)).status, 400)
  for (const [method, path] of [['GET', '/status'], ['GET', '/logs'], ['DELETE', '']] as const) {
    const { status, body } = await ask(method, `/api/agents/${one}${path}`, { token: stranger.token })
    t.strictSame([status, body.code], [404, 'NOT_001'], `${method} of another project's agent`)
  }
  t.equal((await spawn(started, 'stay', { project_id: 'sample' }, stranger.token)).body.code, 'AUTH_003')

  const byOperator = await spawn(started, 'stay', { project_id: 'other' })
  t.equal((await ask('GET', byOperator.body.webhook_url)).body.project_id, 'other')
  t.equal((await ask('DELETE', `/api/agents/${byOperator.body.agent_id}`)).body.stopped, true)
})

t.test('agents whose profiles subscribe to the topic are told to the publisher', async (t) => {
  const started = await startListening(t)
  const { ask } = started
  await spawn(started, 'stay')
  await spawn(started, 'stay', { agent_type: 'code-reviewer' })
  const notified = async (topic: string): Promise<string[]> => (await ask('POST', '/api/events/note', { body: { topic } })).body.subscribers_notified
  t.strictSame(await notified('architecture'), [TYPE])
  t.strictSame(await notified('implementation'), ['code-reviewer'])
  t.strictSame(await notified('coordination'), [TYPE, 'code-reviewer'])
  t.strictSame(await notified('own'), [])
})

t.test('metrics count agents by type and name none', async (t) => {
  const started = await startListening(t)
  const { ask } = started
  const { body } = await spawn(started, 'stay', { correlation_id: 'talk-zebra', issue_id: 'issue-zebra' })
  await ask('GET', body.webhook_url)
  const { text } = await ask('GET', '/metrics')
  t.match(text, /^sidecar_active_agents\{agent_type="ai-engineer"\} 1$/m)
  t.match(text, /^sidecar_requests_total\{method="GET",route="\/api\/agents\/:agent_id\/status",status="200"\} 1$/m)
  for (const id of [body.agent_id, 'zebra']) t.notMatch(text, id)
  const status = (await ask('GET', '/status')).body
  t.match(status.agents, { active: 1, spawned_total: 1, by_type: { [TYPE]: 1 } })
  await ask('DELETE', `/api/agents/${body.agent_id}`)
  t.notMatch((await ask('GET', '/metrics')).text, /sidecar_active_agents\{agent_type="ai-engineer"\} [1-9]/)
})

t.test('agents end with the server', async (t) => {
  const started = await startListening(t)
  const { body } = await spawn(started, 'stay')
  t.ok(isAlive(body.process_id))
  const closing = once(started.sidecar.app.server, 'close')
  await started.close()
  await closing
  t.notOk(isAlive(body.process_id))
  const { status } = await startDocumented(t, { storage: started.storage, root: started.root }).then(async ({ ask }) => await ask('GET', `/api/agents/${body.agent_id}/status`))
  t.equal(status, 200, 'what is known of it stays')
})
