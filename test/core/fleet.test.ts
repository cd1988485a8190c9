import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { eventually, within } from '../../core/testing/expectations.js'
import { withoutTestRunner } from '../support/environment.js'
import { Caller, ENDS_MS, finish, openFleet, told } from '../support/fleet-caller.js'
import { writeAgentProgram } from '../support/agent-program.js'
import { groupMembers, isAlive } from '../support/process-table.js'
import { createRepository } from '../support/repository.js'
import { startSidecarProcess, type SidecarProcess } from '../support/sidecar-process.js'
import { quickFolder, temporaryFolder } from '../support/temporary.js'

const PLANTED = 'planted-secret-value'
const LINUX = process.platform === 'linux' ? {} : { skip: 'reads the process table of Linux' }

t.test('the life of an agent', { ...LINUX, jobs: 1 }, async (t) => {
  // Nothing is rotated, so that what is left of an agent does not depend on when its output was looked at.
  const fleet = await openFleet(t, { settings: { 'spawn-log-mb': '1024' } })

  t.test('201 means that its process exists; it ends with a DELETE, and nothing is left', async () => {
    const agent = await fleet.spawn('wait')
    t.ok(isAlive(agent.pid))
    t.match(await fleet.status(agent.id), { state: /^(starting|running)$/, process_id: agent.pid, ended_at: null, exit_code: null })
    t.equal(statSync(join(fleet.folder(agent.id), 'context.json')).mode & 0o777, 0o600)
    t.equal(statSync(fleet.folder(agent.id)).mode & 0o777, 0o700)
    t.match(await fleet.ask('GET', '/api/agents', { token: agent.token }), { status: 200 })
    await told(agent, 'ready')
    t.match(await fleet.stop(agent.id, 'timeout_seconds=5'), { state: 'stopped', stopped: true, reason: 'it was stopped on request' })
    await fleet.leftNothing(agent)
    const [result] = await fleet.results(agent.id)
    t.match(result, { agent_id: agent.id, status: 'failed', result: { made_by: 'sidecar', artifacts: { state: 'stopped' } } })
    t.match(fleet.record(agent.id), { state: 'stopped', result_id: result!.id })
    t.match(await fleet.stop(agent.id), { state: 'stopped' }, 'a second DELETE changes nothing')
    t.equal((await fleet.results(agent.id)).length, 1)
  })

  t.test('FAULT 36: a crash, and an end without a result, are judged by exit and result, and leave nothing', async (t) => {
    const cases: [string, string, Record<string, unknown>, { status: string, own: boolean }][] = [
      ['print', 'completed', { exit_code: 0 }, { status: 'success', own: false }],
      ['exit 3', 'failed', { exit_code: 3 }, { status: 'failed', own: false }],
      ['signal SIGSEGV', 'failed', { exit_code: null, signal: 'SIGSEGV' }, { status: 'failed', own: false }],
      ['signal SIGKILL', 'failed', { exit_code: null, signal: 'SIGKILL' }, { status: 'failed', own: false }],
      ['store success', 'completed', { exit_code: 0 }, { status: 'success', own: true }],
      ['store partial', 'completed', { exit_code: 0 }, { status: 'partial', own: true }],
      ['store failed', 'failed', { exit_code: 0 }, { status: 'failed', own: true }],
      ['store-and-fail', 'failed', { exit_code: 3 }, { status: 'success', own: true }]
    ]
    const agents = await Promise.all(cases.map(async ([task]) => await fleet.spawn(task)))
    for (const [index, [task, state, exit, { status, own }]] of cases.entries()) {
      const agent = agents[index]!
      const ended = await fleet.ended(agent.id)
      t.match(ended, { state, ...exit }, task)
      const results = await fleet.results(agent.id)
      t.equal(results.length, 1, `${task}: one result`)
      t.match(results[0], { id: ended.result_id as string, status, agent_id: agent.id }, task)
      t.equal(results[0]!.result.made_by, own ? undefined : 'sidecar', task)
      await fleet.leftNothing(agent)
    }
    const [printed] = await fleet.results(agents[0]!.id)
    t.equal(printed!.result.artifacts!.last_output, 'first line\nlast line\n', 'the result is made from the last output')
    const [failed] = await fleet.results(agents[1]!.id)
    t.match(failed!.result, { errors: [/exit code 3/], artifacts: { exit_code: 3, last_output: 'about to fail\n' } })
    t.match(await fleet.ask('GET', `/api/agents/${agents[0]!.id}/logs?tail=1`), { body: { log: 'last line\n' } })
    const { body } = await fleet.ask('GET', '/api/events?topic=coordination&limit=1000')
    const told = (body as { events: { event_type: string, data: Record<string, unknown> }[] }).events.filter(({ data }) => data.agent_id === agents[1]!.id)
    t.match(told.filter(({ event_type: type }) => /started|ended/.test(type)), [{ event_type: 'agent_started' }, { event_type: 'agent_ended', data: { state: 'failed', exit_code: 3 } }])
  })

  t.test('FAULT 36: one that takes no TERM, with a process of a child in its group, is gone after DELETE', async (t) => {
    const agent = await fleet.spawn('stubborn')
    await told(agent, 'ready')
    const left = Number(await readFile(join(agent.signs, 'left'), 'utf8'))
    t.strictSame(groupMembers(agent.pid).sort(), [agent.pid, left].sort())
    const begin = performance.now()
    t.match(await fleet.stop(agent.id, 'timeout_seconds=1'), { state: 'stopped', signal: 'SIGKILL' })
    t.ok(performance.now() - begin >= 900, 'it had its time to end itself')
    t.ok(existsSync(join(agent.signs, 'asked')))
    await fleet.leftNothing(agent)
    const forced = await fleet.spawn('stubborn')
    await told(forced, 'ready')
    await fleet.stop(forced.id, 'force=true')
    await fleet.leftNothing(forced)
  })

  t.test('FAULT 36: what it leaves behind in its group ends with it', async (t) => {
    const agent = await fleet.spawn('leave')
    t.match(await fleet.ended(agent.id), { state: 'completed', exit_code: 0 })
    t.notOk(isAlive(Number(await readFile(join(agent.signs, 'left'), 'utf8'))))
    await fleet.leftNothing(agent)
  })

  t.test('FAULT 36: one that hangs, or floods its output, is ended as failed and leaves nothing', async (t) => {
    const [late, loud] = await Promise.all([fleet.spawn('wait', { timeout_seconds: 1 }), fleet.spawn('flood')])
    t.match(await fleet.ended(late.id), { state: 'failed', reason: 'it ran longer than 1 seconds' })
    t.match(await fleet.ended(loud.id), { state: 'failed', reason: /wrote more than \d+ bytes/ })
    await fleet.leftNothing(late)
    await fleet.leftNothing(loud)
    t.match((await fleet.results(late.id))[0], { status: 'failed', result: { errors: [/longer than 1 seconds/] } })
  })

  t.test('its sign of life is its own to give', async (t) => {
    const [agent, other] = await Promise.all([fleet.spawn('wait'), fleet.spawn('wait')])
    const sign = { body: { progress: 40, message: 'half-way' } }
    t.match(await fleet.ask('POST', `/api/agents/${agent.id}/status`, { ...sign, token: agent.token }), { status: 200, body: { progress: 40, message: 'half-way', state: 'running' } })
    t.match(await fleet.ask('POST', `/api/agents/${agent.id}/status`, { ...sign, token: other.token }), { status: 403 })
    await Promise.all([agent, other].map(async ({ id }) => await fleet.stop(id)))
  })
})

t.test('an agent that cannot be started is answered with AGT_001, and leaves neither process nor context', async (t) => {
  const folder = await temporaryFolder(t)
  const plain = join(folder, 'plain.txt')
  await writeFile(plain, 'no program', { mode: 0o644 })
  for (const [command, message] of [['/nonexistent/agent', /was not found/], [plain, /is not executable/], ['', /spawn\.command/]] as const) {
    const fleet = await openFleet(t, { settings: command === '' ? { 'spawn-command': '\'\'' } : { 'spawn-command': command } })
    const { status, body } = await fleet.request('wait')
    t.match({ status, body }, { status: 500, body: { code: 'AGT_001' } }, command)
    if (command !== '') t.match(body, { message })
    const [agent] = (await fleet.ask('GET', '/api/agents')).body.agents as { agent_id: string, state: string }[]
    t.equal(agent!.state, 'failed')
    t.notOk(readdirSync(fleet.folder(agent!.agent_id)).includes('context.json'))
    t.match(await fleet.ask('GET', '/status'), { body: { agents: { active: 0, failed: 1 } } })
    t.match((await fleet.results(agent!.agent_id))[0], { status: 'failed' })
  }
  const fleet = await openFleet(t)
  t.match(await fleet.request('wait', { spawner: 'teleporter' }), { status: 400, body: { code: 'VAL_001', message: /teleporter.*'process'/ } })
  t.match(await fleet.request('wait', { agent_type: 'nobody' }), { status: 404, body: { code: 'AGT_002' } })
  t.strictSame(readdirSync(join(fleet.storage, 'agents')), [], 'what is refused leaves no folder')
})

t.test('environment and token', LINUX, async (t) => {
  const planted = { AWS_SECRET_ACCESS_KEY: PLANTED, GITHUB_TOKEN: PLANTED, COLOUR: PLANTED, CCO_SIDECAR_TOKEN: PLANTED, NODE_OPTIONS: '--no-warnings', LD_PRELOAD: PLANTED, JWT_TOKEN: PLANTED }
  const before = { ...process.env }
  Object.assign(process.env, { COLOUR: PLANTED, GITHUB_TOKEN: PLANTED })
  t.teardown(() => {
    for (const name of ['COLOUR', 'GITHUB_TOKEN']) {
      if (before[name] === undefined) delete process.env[name]
      else process.env[name] = before[name]
    }
  })
  const fleet = await openFleet(t, {
    environment: { PATH: process.env.PATH, HOME: '/home/somebody', LANG: 'C.UTF-8', ...planted, HARMLESS: 'passed on' },
    settings: { 'spawn-environment': 'HARMLESS,ABSENT' }
  })
  const agent = await fleet.spawn('report', { environment: { GIVEN: 'by the caller' }, correlation_id: 'cor-1', context_requirements: ['source-files'] })
  const { environment: whole, directory, command, context, mode } = await told(agent, 'report') as { environment: Record<string, string>, directory: string, command: string, context: string, mode: number }
  const environment = withoutTestRunner(whole)

  t.test('FAULT 38: of the environment of the sidecar arrives what the allow-list names, and nothing else', async (t) => {
    t.strictSame(Object.keys(environment).filter((name) => name !== 'PWD').sort(), [
      'AGENT_ID', 'AGENT_TYPE', 'CONTEXT_FILE', 'CORRELATION_ID', 'GIVEN', 'HARMLESS', 'HOME', 'ISSUE_ID', 'JWT_TOKEN', 'LANG', 'PATH', 'PROJECT_ID', 'SIDECAR_URL', 'SIGNS', 'TASK'
    ])
    t.notOk(JSON.stringify(environment).includes(PLANTED))
    t.match(environment, {
      AGENT_ID: agent.id, AGENT_TYPE: 'test-engineer', PROJECT_ID: 'sample', TASK: 'report', JWT_TOKEN: agent.token, CORRELATION_ID: 'cor-1', SIDECAR_URL: /^http:\/\/127\.0\.0\.1:\d+\/api$/, HARMLESS: 'passed on', GIVEN: 'by the caller', CONTEXT_FILE: join(fleet.folder(agent.id), 'context.json')
    })
    t.equal(mode, 0o600)
    t.match(JSON.parse(context), { agent_type: 'test-engineer', context: { task: {} } })
    t.ok(directory.includes('cco-project'), 'it works in the project')
  })

  t.test('FAULT 38: the token stands in no argument, record or output', async (t) => {
    const [, payload] = agent.token.split('.')
    for (const text of [command, readFileSync(`/proc/${agent.pid}/cmdline`, 'latin1'), ...readdirSync(fleet.folder(agent.id)).map((name) => readFileSync(join(fleet.folder(agent.id), name), 'utf8'))]) {
      if (text.includes(payload!)) t.fail(`a token in: ${text.slice(0, 200)}`)
    }
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      let line = ''
      try {
        line = readFileSync(`/proc/${pid}/cmdline`, 'latin1')
      } catch {
        // It ended meanwhile.
      }
      if (line.includes(payload!)) t.fail(`a token in the arguments of process ${pid}`)
    }
    t.pass()
  })

  t.test('a caller can set neither what the sidecar sets nor what changes the code that runs', async (t) => {
    for (const name of ['PATH', 'Path', 'LD_PRELOAD', 'LD_LIBRARY_PATH', 'DYLD_INSERT_LIBRARIES', 'NODE_OPTIONS', 'node_options', 'NODE_PATH', 'PYTHONPATH', 'PERL5OPT', 'RUBYOPT', 'BASH_ENV', 'ENV', 'IFS', 'GIT_SSH_COMMAND', 'JAVA_TOOL_OPTIONS', 'JDK_JAVA_OPTIONS', 'GLIBC_TUNABLES', 'NODE_EXTRA_CA_CERTS', 'npm_config_script_shell', 'AGENT_ID', 'AGENT_TYPE', 'ISSUE_ID', 'PROJECT_ID', 'SIDECAR_URL', 'SIDECAR_CA', 'JWT_TOKEN', 'CONTEXT_FILE', 'TASK', 'CCO_SIDECAR_URL', 'A=B', 'A B', '1A', '', 'Ä']) {
      t.match(await fleet.request('wait', { environment: { [name]: 'x' } }), { status: 400, body: { code: 'VAL_001' } }, JSON.stringify(name))
    }
    t.match(await fleet.request('wait', { environment: { A: 'x\0y' } }), { status: 400 })
  })

  await finish(agent)
  t.match(await fleet.ended(agent.id), { state: 'completed' })
  await fleet.leftNothing(agent)
})

t.test('queue', LINUX, async (t) => {
  const limits = { 'spawn-max-concurrent': '2', 'spawn-max-per-type': '1', 'spawn-max-queue': '4' }

  t.test('limits hold per type and for all; who waits starts by priority, then in order, when a place is free', async (t) => {
    const fleet = await openFleet(t, { settings: limits })
    const first = await fleet.spawn('wait')
    const queue = async (type: string, more: object = {}): Promise<{ position: number, id: string, signs: string }> => {
      const { status, body, signs } = await fleet.request('wait', { agent_type: type, ...more })
      t.match({ status, body }, { status: 202, body: { spawned: false, queued: true, position: Number } }, `${type} waits`)
      return { position: body.position as number, id: body.agent_id as string, signs }
    }
    const sameType = await queue('test-engineer')
    t.equal(sameType.position, 1, 'there is a place, but not for this type')
    const second = await fleet.spawn('wait', { agent_type: 'code-reviewer' })
    const normal = await queue('backend-architect')
    const low = await queue('debugger', { priority: 'low' })
    const high = await queue('technical-writer', { priority: 'high' })
    t.strictSame([normal.position, low.position, high.position], [2, 3, 1])
    t.match(await fleet.request('wait', { agent_type: 'rust-pro' }), { status: 429, body: { code: 'AGT_003' }, headers: { 'retry-after': String } })
    t.match(await fleet.ask('GET', '/status'), { body: { agents: { active: 2 } } })
    t.match(await fleet.status(normal.id), { state: 'queued', process_id: null })

    await finish(second)
    await fleet.isIn(high.id, 'running')
    t.equal((await fleet.status(normal.id)).state, 'queued')
    const cancelled = await fleet.stop(low.id)
    t.match(cancelled, { state: 'stopped', stopped: true, reason: 'it was taken out of the queue', process_id: null })
    t.match((await fleet.results(low.id))[0], { status: 'failed', result: { made_by: 'sidecar' } })

    // The place of `high` goes to `normal`: that of its type is still taken from `sameType`.
    await finish(high)
    await fleet.isIn(normal.id, 'running')
    t.equal((await fleet.status(sameType.id)).state, 'queued')
    await finish(first)
    await fleet.isIn(sameType.id, 'running')
    t.equal((await fleet.status(low.id)).state, 'stopped', 'the cancelled one never starts')
    for (const agent of [normal, sameType]) await finish(agent)
    for (const { id } of [normal, sameType, high]) t.match(await fleet.ended(id), { state: 'completed' })
    t.match(await fleet.ask('GET', '/status'), { body: { agents: { active: 0, completed: 5, spawned_total: 5 } } })
  })

  t.test('FAULT 37: of 119 at once all start, as places come free', async (t) => {
    const fleet = await openFleet(t, { settings: { 'spawn-max-per-type': '30', 'spawn-max-concurrent': '30', 'spawn-starts-per-second': '1000', 'spawn-command': '/bin/sh -c \'echo done\'' } })
    const answers = await Promise.all(Array.from({ length: 119 }, async () => await fleet.request('wait')))
    t.ok(answers.every(({ status }) => status === 201 || status === 202))
    await eventually(async () => {
      const { completed, failed } = (await fleet.ask('GET', '/status')).body.agents
      return completed + failed === 119
    }, 'all agents end', ENDS_MS)
    t.match(await fleet.ask('GET', '/status'), { body: { agents: { active: 0, completed: 119, spawned_total: 119 } } })
    const { agents } = (await fleet.ask('GET', '/api/agents')).body as { agents: { state: string, result_id: string | null }[] }
    t.equal(agents.filter(({ state, result_id: result }) => state === 'completed' && result !== null).length, 119)
  })
})

t.test('the end of the sidecar', LINUX, async (t) => {
  async function place (t: Test): Promise<{ storage: string, root: string, command: string }> {
    const root = await temporaryFolder(t, 'cco-project')
    await createRepository(root, { 'README.md': '# Sample\n' })
    return { storage: join(await quickFolder(t, 'cco-storage'), 'storage'), root, command: await writeAgentProgram(await temporaryFolder(t, 'cco-agent')) }
  }

  t.test('closing stops the agents and leaves no process; the queue stays for the next start', async (t) => {
    const { storage, root, command } = await place(t)
    const settings = { 'spawn-command': command, 'spawn-max-concurrent': '2' }
    const sidecar = await startSidecarProcess(t, { storage, root, settings })
    const fleet = new Caller(t, sidecar.ask, storage)
    const [agent, other] = [await fleet.spawn('wait'), await fleet.spawn('wait')]
    const waiting = await fleet.request('print')
    await Promise.all([told(agent, 'ready'), told(other, 'ready')])
    t.equal(await within(40_000, sidecar.stop(), 'it ends in time'), 0)
    for (const { id, pid } of [agent, other]) {
      t.strictSame(groupMembers(pid), [])
      t.match(fleet.record(id), { state: 'stopped', reason: 'the sidecar was shut down' })
      t.notOk(existsSync(join(fleet.folder(id), 'context.json')))
    }
    t.match(fleet.record(waiting.body.agent_id as string), { state: 'queued' })
    const again = await startSidecarProcess(t, { storage, root, settings })
    const next = new Caller(t, again.ask, storage)
    t.match(await next.ended(waiting.body.agent_id as string), { state: 'completed' })
    t.match(await again.ask('GET', '/api/agents', { token: agent.token }), { status: 401 })
    t.equal(await again.stop(), 0)
  })

  t.test('FAULT 36: after kill -9 who is alive is adopted, who is gone is lost, and who waited starts', async (t) => {
    const { storage, root, command } = await place(t)
    const settings = { 'spawn-command': command, 'spawn-max-concurrent': '4', 'spawn-max-retries': '0' }
    const first = await startSidecarProcess(t, { storage, root, settings, environment: { COLOUR: PLANTED } })
    const fleet = new Caller(t, first.ask, storage)
    const later = await fleet.spawn('later success')
    const silent = await fleet.spawn('wait')
    const gone = await fleet.spawn('stubborn')
    const late = await fleet.spawn('wait', { timeout_seconds: 4 })
    const waiting = await fleet.request('print')
    t.equal(waiting.status, 202)
    await Promise.all([later, silent, gone, late].map(async (agent) => await told(agent, 'ready')))
    await first.kill()
    process.kill(gone.pid, 'SIGKILL')
    await eventually(() => !isAlive(gone.pid), 'the agent is gone')
    t.equal(groupMembers(gone.pid).length, 1, 'what it left is still there')
    t.ok(isAlive(later.pid) && isAlive(silent.pid), 'agents outlive the sidecar')

    // On the same port, where the adopted agents know it.
    const second: SidecarProcess = await startSidecarProcess(t, { storage, root, settings: { ...settings, port: new URL(first.address).port } })
    const adopted = new Caller(t, second.ask, storage)
    t.match(await adopted.status(later.id), { state: 'running', process_id: later.pid })
    t.match(await adopted.ask('GET', '/api/agents', { token: later.token }), { status: 200 }, 'its token still works')
    t.match(await adopted.ended(gone.id), { state: 'lost', reason: /restarted/ })
    await adopted.leftNothing(gone)
    t.match((await adopted.results(gone.id))[0], { status: 'failed', result: { made_by: 'sidecar', artifacts: { state: 'lost' } } })
    t.match(await adopted.ended(waiting.body.agent_id as string), { state: 'completed' }, 'a place is free for who waited')

    await finish(later)
    t.match(await adopted.ended(later.id), { state: 'completed', exit_code: null })
    const own = await adopted.results(later.id)
    t.strictSame(own.map(({ status, result }) => [status, result.made_by]), [['success', undefined]], 'its later result is seen')
    await adopted.leftNothing(later)
    await finish(silent)
    t.match(await adopted.ended(silent.id), { state: 'failed' }, 'how an adopted agent without a result went is not known')
    t.match(await adopted.ended(late.id), { state: 'failed', reason: 'it ran longer than 4 seconds' }, 'its time counts from its start')
    await adopted.leftNothing(late)
    t.equal(await second.stop(), 0)
    for (const sidecar of [first, second]) {
      for (const { token } of [later, silent, gone]) if (sidecar.log().includes(token.split('.')[2]!)) t.fail('a token in the log')
    }
  })
})
