import { existsSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { AgentExit, AgentHandle, AgentProfile, Auth, LaunchRequest, ResultRecord, Spawner } from '../../../core/contracts/index.js'
import type { Events } from '../../../core/events/events.js'
import type { AgentRecord } from '../../../core/fleet/agent-record.js'
import { createWorkspaces } from '../../../core/fleet/workspaces/workspaces.js'
import { Fleet, type Spawned } from '../../../core/fleet/fleet.js'
import { createTestClock } from '../../../core/testing/clock.js'
import { eventually } from '../../../core/testing/expectations.js'
import { NO_LIMITS } from '../../support/fleet-limits.js'
import { diskError, interceptFileHandles } from '../../support/file-handle.js'
import { createLogSpy } from '../../support/log-spy.js'
import { quickFolder } from '../../support/temporary.js'

/** A promise that the test settles. */
interface Gate<Value = void> { open (value: Value): void, fail (error: Error): void, passed: Promise<Value> }

function createGate<Value = void> (): Gate<Value> {
  let open!: Gate<Value>['open']
  let fail!: Gate<Value>['fail']
  const passed = new Promise<Value>((resolve, reject) => {
    open = resolve
    fail = reject
  })
  return { open, fail, passed }
}

/** An agent that is no process: it ends when it is told to. */
class Puppet implements AgentHandle {
  readonly process_id = null
  readonly reference = { puppet: true }
  readonly #end = createGate<AgentExit>()
  readonly exited = this.#end.passed
  stops = 0

  end (code = 0): void {
    this.#end.open({ code, signal: null })
  }

  async stop (): Promise<void> {
    this.stops++
    this.#end.open({ code: null, signal: 'SIGTERM' })
    await this.exited
  }
}

interface Stage {
  fleet: Fleet
  storage: string
  /** One for each start that the spawner was asked for, in order. */
  starts: { request: LaunchRequest, gate: Gate<AgentHandle> }[]
  contexts: Gate<Buffer>[]
  revoked: string[]
  results: Record<string, unknown>[]
  spawn (type?: string): Promise<Spawned>
  reopen (changes?: Partial<Spawner>): Promise<Fleet>
}

const PROFILE = { permissions: [], subscribes: [], spawn: { prompt: 'Work.' }, model: { tier: 'sonnet' } } as unknown as AgentProfile

/** A fleet of which the test decides when a context is gathered, a process made and an agent ended. */
async function createStage (t: Test, { places = 1, gateContexts = false, revoke = async () => ({ revoked: 1 }) }: { places?: number, gateContexts?: boolean, revoke?: Auth['revoke'] } = {}): Promise<Stage> {
  const storage = await quickFolder(t)
  const starts: Stage['starts'] = []
  const contexts: Stage['contexts'] = []
  const revoked: string[] = []
  const results: Stage['results'] = []
  const project = { id: 'sample', root: storage, profile: () => PROFILE, findProfile: () => PROFILE }
  const make = (changes: Partial<Spawner> = {}): Fleet => new Fleet({
    storage,
    spawners: new Map([['process', {
      supports: { adopt: true, signs: 'output' },
      async start (request) {
        const gate = createGate<AgentHandle>()
        starts.push({ request, gate })
        const handle = await gate.passed
        request.on_sign({ kind: 'alive' })
        return handle
      },
      ...changes
    }]]),
    auth: {
      issue: async () => ({ token: 'token' }),
      async revoke (target: { agent_id: string }) {
        revoked.push(target.agent_id)
        return await revoke(target as never)
      }
    } as unknown as Auth,
    events: { announce: async () => ({}) } as unknown as Events,
    clock: createTestClock(),
    log: createLogSpy(),
    limits: { ...NO_LIMITS, max_concurrent: places, max_queue: 9 },
    workspaces: createWorkspaces({ git: async () => { throw new Error('not a git repository') }, clock: createTestClock(), log: createLogSpy() }),
    tokenSeconds: 60,
    inherited: {},
    project: () => project,
    address: () => 'http://127.0.0.1:1',
    async context () {
      const gate = createGate<Buffer>()
      contexts.push(gate)
      if (!gateContexts) gate.open(Buffer.from('{}'))
      return await gate.passed
    },
    async storeResult (_project, submission) {
      results.push(submission.result)
      return { id: `res_${results.length}` } as ResultRecord
    },
    findResult: async () => undefined
  })
  const fleet = make()
  await fleet.open()
  t.teardown(async () => await fleet.close(0))
  return {
    fleet,
    storage,
    starts,
    contexts,
    revoked,
    results,
    spawn: async (type = 'test-engineer') => await fleet.spawn(project, { agent_type: type, issue_id: 'issue-1', task: 'work' }),
    async reopen (changes) {
      const reopened = make(changes)
      await reopened.open()
      t.teardown(async () => await reopened.close(0))
      return reopened
    }
  }
}

async function asked (stage: Stage, count: number): Promise<void> {
  await eventually(() => stage.starts.length >= count, `the spawner is asked ${count} times`)
}

t.test('a start that fails gives its place to who waits', async (t) => {
  const stage = await createStage(t)
  const failing = stage.spawn()
  await asked(stage, 1)
  const waiting = await stage.spawn()
  t.equal(waiting.position, 1)
  stage.starts[0]!.gate.fail(new Error('no such thing'))
  await t.rejects(failing, { code: 'AGT_001', message: /no such thing/ })
  await asked(stage, 2)
  t.equal(stage.starts[1]!.request.agent_id, waiting.record.agent_id)
  stage.starts[1]!.gate.open(new Puppet())
  await eventually(() => waiting.record.state === 'running', 'it runs')
  t.match(stage.fleet.statistics(), { active: 1, queued: 0, failed: 1, spawned_total: 1 })
})

t.test('an agent whose start is being written down takes one place, not two', async (t) => {
  const stage = await createStage(t, { places: 2 })
  const first = stage.spawn()
  await asked(stage, 1)
  let second: Promise<Spawned> | undefined
  interceptFileHandles(t, 'datasync', async (original) => {
    second ??= stage.spawn()
    await original()
  })
  stage.starts[0]!.gate.open(new Puppet())
  await first
  await asked(stage, 2)
  stage.starts[1]!.gate.open(new Puppet())
  t.equal((await second!).position, undefined, 'it was not queued')
  t.equal((await stage.spawn()).position, 1, 'the third is')
})

t.test('who is stopped while it is being started never starts', async (t) => {
  const stage = await createStage(t, { gateContexts: true })
  const starting = stage.spawn()
  await eventually(() => stage.contexts.length === 1, 'its context is being gathered')
  const [record] = stage.fleet.list('sample', {})
  t.equal(record!.state, 'starting')
  const stopping = stage.fleet.stop('sample', record!.agent_id, 100)
  stage.contexts[0]!.open(Buffer.from('{}'))
  await t.rejects(starting, { code: 'AGT_001', message: /stopped on request/ })
  t.match(await stopping, { state: 'stopped' })
  t.equal(stage.starts.length, 0)
  t.strictSame(stage.revoked, [record!.agent_id])
  t.notOk(existsSync(join(stage.storage, 'agents', record!.agent_id, 'context.json')))
})

t.test('who is stopped while its process is being made is ended as soon as it is there', async (t) => {
  const stage = await createStage(t)
  const starting = stage.spawn()
  await asked(stage, 1)
  const [record] = stage.fleet.list('sample', {})
  const stopping = stage.fleet.stop('sample', record!.agent_id, 100)
  const puppet = new Puppet()
  stage.starts[0]!.gate.open(puppet)
  t.match(await stopping, { state: 'stopped', reason: 'it was stopped on request' })
  t.equal(puppet.stops, 1)
  await starting
})

t.test('several DELETEs at once all answer when the agent is gone, with one result', async (t) => {
  const stage = await createStage(t)
  const starting = stage.spawn()
  await asked(stage, 1)
  stage.starts[0]!.gate.open(new Puppet())
  const { record } = await starting
  const queued = await stage.spawn()
  const ids = [record.agent_id, record.agent_id, queued.record.agent_id, queued.record.agent_id]
  for (const stopped of await Promise.all(ids.map(async (id) => await stage.fleet.stop('sample', id, 100)))) t.equal(stopped.state, 'stopped')
  t.equal(stage.results.length, 2)
})

t.test('no agent starts behind the back of a shutdown', async (t) => {
  t.test('while its context is gathered', async (t) => {
    const stage = await createStage(t, { gateContexts: true })
    const starting = stage.spawn()
    await eventually(() => stage.contexts.length === 1, 'its context is being gathered')
    await stage.fleet.close(20)
    stage.contexts[0]!.open(Buffer.from('{}'))
    await t.rejects(starting, { code: 'AGT_001', message: /shutting down/ })
    t.equal(stage.starts.length, 0)
    await t.rejects(stage.spawn(), { code: 'SRV_002' })
  })

  t.test('while its process is made', async (t) => {
    const stage = await createStage(t)
    const starting = stage.spawn()
    await asked(stage, 1)
    await stage.fleet.close(20)
    const puppet = new Puppet()
    stage.starts[0]!.gate.open(puppet)
    const { record } = await starting
    await eventually(() => record.state === 'stopped', 'it is stopped')
    t.equal(puppet.stops, 1)
  })

  t.test('while others end: the queue is kept', async (t) => {
    const stage = await createStage(t)
    const starting = stage.spawn()
    await asked(stage, 1)
    stage.starts[0]!.gate.open(new Puppet())
    await starting
    const { record } = await stage.spawn()
    await stage.fleet.close(20)
    t.equal(stage.starts.length, 1)
    t.equal(record.state, 'queued')
    const reopened = await stage.reopen()
    t.equal(reopened.get('sample', record.agent_id).state, 'queued')
    reopened.resume()
    await asked(stage, 2)
    t.equal(stage.starts[1]!.request.agent_id, record.agent_id)
    stage.starts[1]!.gate.open(new Puppet())
  })
})

t.test('a disk that is full', async (t) => {
  t.test('ends an agent of which no record could be made', async (t) => {
    const stage = await createStage(t)
    const starting = stage.spawn()
    await asked(stage, 1)
    const restore = interceptFileHandles(t, 'datasync', async () => { throw diskError('ENOSPC') })
    const puppet = new Puppet()
    stage.starts[0]!.gate.open(puppet)
    await t.rejects(starting, { code: 'AGT_001', message: /ENOSPC/ })
    t.equal(puppet.stops, 1)
    t.match(stage.fleet.list('sample', {}), [{ state: 'failed', reason: /record could not be written/ }])
    t.match(stage.fleet.statistics(), { active: 0, failed: 1 })
    restore()
  })

  t.test('refuses to queue what a restart would forget', async (t) => {
    const stage = await createStage(t)
    const starting = stage.spawn()
    await asked(stage, 1)
    const puppet = new Puppet()
    stage.starts[0]!.gate.open(puppet)
    await starting
    const restore = interceptFileHandles(t, 'datasync', async () => { throw diskError('ENOSPC') })
    await t.rejects(stage.spawn(), { code: 'STR_001' })
    restore()
    t.equal(stage.fleet.statistics().queued, 0)
    puppet.end()
    await eventually(() => stage.fleet.statistics().active === 0, 'the first ends')
    t.equal(stage.starts.length, 1)
  })

  t.test('does not keep tokens alive or contexts in place', async (t) => {
    const stage = await createStage(t, { revoke: async () => { throw diskError('ENOSPC') } })
    const starting = stage.spawn()
    await asked(stage, 1)
    const puppet = new Puppet()
    stage.starts[0]!.gate.open(puppet)
    const { record } = await starting
    const restore = interceptFileHandles(t, 'datasync', async () => { throw diskError('ENOSPC') })
    puppet.end(1)
    await eventually(() => record.state === 'failed', 'its end is known')
    restore()
    t.strictSame(stage.revoked, [record.agent_id])
    t.notOk(existsSync(join(stage.storage, 'agents', record.agent_id, 'context.json')))
    t.equal(stage.results.length, 1)
  })
})

t.test('an agent that cannot be asked for after a restart is lost, and the start goes on', async (t) => {
  const stage = await createStage(t, { places: 3 })
  const records: AgentRecord[] = []
  for (let count = 1; count <= 2; count++) {
    const starting = stage.spawn()
    await asked(stage, count)
    stage.starts[count - 1]!.gate.open(new Puppet())
    records.push((await starting).record)
  }
  const puppet = new Puppet()
  let calls = 0
  const cleaned: unknown[] = []
  const reopened = await stage.reopen({
    async adopt (_reference, { on_sign: onSign }) {
      if (++calls === 1) throw new Error('the spawner is out of order')
      onSign({ kind: 'alive' })
      return puppet
    },
    clean: async (reference) => { cleaned.push(reference) }
  })
  t.match(records.map(({ agent_id: id }) => reopened.get('sample', id).state), ['lost', 'running'])
  puppet.end()
  await eventually(() => reopened.get('sample', records[1]!.agent_id).state !== 'running', 'the adopted one is seen to its end')
})

t.test('a handle that breaks its word and rejects ends as failed', async (t) => {
  const stage = await createStage(t)
  const starting = stage.spawn()
  await asked(stage, 1)
  const broken = { process_id: null, reference: {}, exited: Promise.reject(new Error('lost sight of it')), stop: async () => {} }
  stage.starts[0]!.gate.open(broken)
  const { record } = await starting
  await eventually(() => record.state === 'failed', 'it is failed')
  t.equal(stage.fleet.statistics().active, 0)
})
