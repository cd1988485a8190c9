import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { AgentRecord } from '../../../core/fleet/agent-record.js'
import type { Spawned } from '../../../core/fleet/fleet.js'
import { eventually } from '../../../core/testing/expectations.js'
import { diskError, interceptFileHandles } from '../../support/file-handle.js'
import { asked, createStage, Puppet } from '../../support/fleet-stage.js'

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

t.test('a spawner that fails after it has made a process leaves none behind', { skip: process.platform !== 'linux' && 'finds processes by /proc' }, async (t) => {
  const stage = await createStage(t)
  const starting = stage.spawn()
  await asked(stage, 1)
  const { environment: { AGENT_ID: id } } = stage.starts[0]!.request
  const child = spawn('sleep', ['600'], { stdio: 'ignore', env: { PATH: process.env.PATH, AGENT_ID: id } })
  t.teardown(() => child.kill('SIGKILL'))
  const exited = once(child, 'exit')
  await once(child, 'spawn')
  stage.starts[0]!.gate.fail(new Error('the helper is gone'))
  await t.rejects(starting, { code: 'AGT_001', message: /the helper is gone/ })
  t.same(await exited, [null, 'SIGTERM'])
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
