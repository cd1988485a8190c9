import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { ResultRecord } from '../../../core/contracts/index.js'
import type { AgentRecord } from '../../../core/fleet/agent-record.js'
import { AgentRecords } from '../../../core/fleet/agent-records.js'
import { eventually } from '../../../core/testing/expectations.js'
import { diskError, interceptFileHandles } from '../../support/file-handle.js'
import { asked, createStage, Puppet, type Stage } from '../../support/fleet-stage.js'
import { createLogSpy } from '../../support/log-spy.js'
import { isAlive } from '../../support/process-table.js'
import { quickFolder } from '../../support/temporary.js'

const LINUX = process.platform === 'linux' ? {} : { skip: 'reads /proc' }

async function started (stage: Stage): Promise<{ record: AgentRecord, puppet: Puppet }> {
  const spawning = stage.spawn()
  const { puppet } = await stage.begin()
  const { record } = await spawning
  await eventually(() => record.state === 'running', 'it runs')
  return { record, puppet }
}

t.test('an agent that is gone after a restart is judged by the result that it had stored', async (t) => {
  for (const [status, state] of [['success', 'completed'], ['partial', 'completed'], ['failed', 'failed']] as const) {
    const stage = await createStage(t)
    const { record } = await started(stage)
    stage.stored.set(record.agent_id, { id: 'res_own', status } as ResultRecord)
    const reopened = await stage.reopen({ adopt: async () => undefined })
    t.match(reopened.get('sample', record.agent_id), { state, result_id: 'res_own', exit: { code: null, signal: null } }, status)
    t.same(stage.results, [], 'no other one is made')
  }
  const stage = await createStage(t)
  const { record } = await started(stage)
  const reopened = await stage.reopen({ adopt: async () => undefined })
  t.match(reopened.get('sample', record.agent_id), { state: 'lost', failure: 'lost' }, 'without one it is lost')
  t.equal(stage.results.length, 1)
})

t.test('of an adopted agent the larger usage counts, since what its rotated log held is not read again', async (t) => {
  const stage = await createStage(t)
  const spawning = stage.spawn()
  const { request } = await stage.begin()
  const { record } = await spawning
  request.on_sign({ kind: 'usage', usage: { input_tokens: 900, output_tokens: 90, cached_tokens: 9, cost_usd: 0.9, turns: 9 } })
  await new AgentRecords(join(stage.storage, 'agents')).save(record)
  const puppet = new Puppet()
  const reopened = await stage.reopen({
    async adopt (_reference, { on_sign: onSign }) {
      onSign({ kind: 'usage', usage: { input_tokens: 100, output_tokens: 100, cached_tokens: null, cost_usd: 0.1, turns: 1 } })
      return puppet
    }
  })
  t.same(reopened.get('sample', record.agent_id).usage, { input_tokens: 900, output_tokens: 100, cached_tokens: 9, cost_usd: 0.9, turns: 9 })
  puppet.end()
})

t.test('FAULT 36: what a kill left half written is removed, and what is whole stays', async (t) => {
  const agents = join(await quickFolder(t), 'agents')
  const records = new AgentRecords(agents)
  mkdirSync(join(agents, 'empty'), { recursive: true })
  mkdirSync(join(agents, 'half'))
  mkdirSync(join(agents, 'unknown'))
  writeFileSync(join(agents, 'unknown', 'output.log'), 'somebody may want to read it')
  await records.save({ agent_id: 'whole', created_at: '2026-01-01T00:00:00Z' } as AgentRecord)
  let temporary = ''
  const restore = interceptFileHandles(t, 'datasync', async () => {
    temporary = readdirSync(join(agents, 'half'))[0]!
    throw diskError('ENOSPC')
  })
  await t.rejects(records.save({ agent_id: 'half' } as AgentRecord))
  restore()
  for (const folder of ['half', 'whole']) writeFileSync(join(agents, folder, temporary), '{"agent_id":')
  t.same((await records.load(createLogSpy())).map(({ agent_id: id }) => id), ['whole'])
  t.same(readdirSync(agents).sort(), ['unknown', 'whole'])
  t.same(readdirSync(join(agents, 'whole')), ['agent.json'])
})

t.test('an agent that nobody waits for and that cannot be recorded', async (t) => {
  const body = { agent_type: 'test-engineer', issue_id: 'issue-1', task: 'work' }

  t.test('is over when that is told, so that who asks again has it once', async (t) => {
    const stage = await createStage(t)
    let calls = 0
    interceptFileHandles(t, 'datasync', async (original) => {
      if (++calls === 1) throw diskError('ENOSPC')
      return await original()
    })
    const project = { id: 'sample', root: stage.storage, ...stage.profiles }
    await t.rejects(stage.fleet.enqueue(project, body), { code: 'STR_001', message: /could not be recorded: ENOSPC/ })
    t.match(stage.fleet.list('sample', {}), [{ state: 'stopped' }])
    t.match(stage.fleet.statistics(), { active: 0, queued: 0 })
    t.equal(stage.starts.length, 0)
    const again = await stage.fleet.enqueue(project, body)
    const { puppet } = await stage.begin()
    puppet.end()
    await eventually(() => again.state === 'completed', 'the second one does the work')
    t.equal(stage.starts.length, 1)
  })

  t.test('is recorded after all when it has begun in the meantime', async (t) => {
    const stage = await createStage(t)
    const { record, puppet } = await started(stage)
    let refuse: (() => void) | undefined
    interceptFileHandles(t, 'datasync', async (original) => {
      if (refuse !== undefined) return await original()
      await new Promise<void>((resolve) => { refuse = resolve })
      throw diskError('ENOSPC')
    })
    const enqueuing = stage.fleet.enqueue({ id: 'sample', root: stage.storage, ...stage.profiles }, body)
    await eventually(() => refuse !== undefined, 'it is being recorded')
    puppet.end()
    await eventually(() => record.state === 'completed' && stage.fleet.statistics().queued === 0, 'its place is free')
    refuse!()
    const second = await enqueuing
    const { puppet: own } = await stage.begin()
    t.equal(stage.starts[1]!.request.agent_id, second.agent_id)
    own.end()
    await eventually(() => second.state === 'completed', 'it does the work')
    t.equal(stage.starts.length, 2)
  })
})

t.test('a copy of a storage takes nothing away from the original', LINUX, async (t) => {
  const stage = await createStage(t)
  const { agent, record } = await startProcess(t, stage)
  const copy = await quickFolder(t)
  await cp(stage.storage, copy, { recursive: true })
  const asked: unknown[] = []
  const refuse = async (reference: unknown): Promise<undefined> => { asked.push(reference) }
  const other = await stage.reopen({ adopt: refuse, clean: refuse }, copy)
  t.match(other.get('sample', record.agent_id), { state: 'lost', reason: 'it works for another sidecar, with another storage' })
  t.same(asked, [], 'its spawner is not asked for it')
  t.ok(isAlive(agent.pid!))
  t.ok(existsSync(join(stage.storage, 'agents', record.agent_id, 'context.json')))
})

async function startProcess (t: Test, stage: Stage): Promise<{ agent: ReturnType<typeof spawn>, record: AgentRecord }> {
  const spawning = stage.spawn()
  await asked(stage, 1)
  const { environment } = stage.starts[0]!.request
  const agent = spawn('sleep', ['600'], { stdio: 'ignore', env: environment })
  t.teardown(() => agent.kill('SIGKILL'))
  await once(agent, 'spawn')
  stage.starts[0]!.gate.open(Object.assign(new Puppet(), { process_id: agent.pid! }))
  return { agent, record: (await spawning).record }
}
