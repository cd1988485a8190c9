import { join } from 'node:path'
import t from 'tap'
import { AgentRecords } from '../../../../core/fleet/agent-records.js'
import { eventually } from '../../../../core/testing/expectations.js'
import { interceptFileHandles } from '../../../support/file-handle.js'
import { createStage } from '../../../support/fleet-stage.js'

t.test('who goes on after its final word is ended, and the word decides', async (t) => {
  for (const status of ['success', 'failed'] as const) {
    const stage = await createStage(t, { limits: { result_grace_seconds: 0.02, max_retries: 3 } })
    const spawning = stage.spawn()
    const { request, puppet } = await stage.begin()
    const { record } = await spawning
    request.on_sign({ kind: 'result', status, text: '\nMy last word.\nAnd more.' })
    t.equal(puppet.stops, 0, 'it has its time')
    const state = status === 'success' ? 'completed' : 'failed'
    await eventually(() => record.state === state, `it is ${state}`)
    t.equal(puppet.stops, 1)
    t.match(record, { attempt: 1, message: 'My last word.', reason: /went on for 0\.02 seconds after its final word/, exit: { signal: 'SIGTERM' } })
    t.match(stage.results, [{ status, artifacts: { final_text: '\nMy last word.\nAnd more.' } }])
  }
})

t.test('exit and final word both decide', async (t) => {
  const cases: [code: number, status: 'success' | 'failed' | undefined, state: string, failure: string | undefined][] = [
    [0, 'success', 'completed', undefined],
    [0, 'failed', 'failed', 'own_result'],
    [1, 'success', 'failed', 'crash'],
    [1, 'failed', 'failed', 'own_result'],
    [0, undefined, 'completed', undefined],
    [1, undefined, 'failed', 'crash']
  ]
  for (const [code, status, state, failure] of cases) {
    const stage = await createStage(t)
    const spawning = stage.spawn()
    const { request, puppet } = await stage.begin()
    const { record } = await spawning
    if (status !== undefined) request.on_sign({ kind: 'result', status, text: 'Done.' })
    puppet.end(code)
    await eventually(() => record.state === state, `${code} and ${String(status)}: ${state}`)
    t.equal(record.failure, failure)
  }
})

t.test('signs that come before the process is known are not lost, and those of nobody are nobody\'s', async (t) => {
  const stage = await createStage(t, { isSilent: true })
  const spawning = stage.spawn()
  await eventually(() => stage.starts.length === 1, 'it is being started')
  const { request: { on_sign: onSign } } = stage.starts[0]!
  onSign({ kind: 'usage', usage: { input_tokens: 7, output_tokens: null, cached_tokens: null, cost_usd: 0.5, turns: null } })
  onSign({ kind: 'progress', message: 'reading' })
  const { puppet } = await stage.begin()
  const { record } = await spawning
  t.match(record, { state: 'running', message: 'reading', usage: { input_tokens: 7 } })
  onSign({ kind: 'usage', usage: { input_tokens: 6, output_tokens: 3, cached_tokens: null, cost_usd: null, turns: 1 } })
  t.strictSame(record.usage, { input_tokens: 7, output_tokens: 3, cached_tokens: null, cost_usd: 0.5, turns: 1 }, 'totals only grow')
  puppet.end()
  await eventually(() => record.state === 'completed', 'it ends')
  onSign({ kind: 'progress', message: 'from beyond' })
  t.equal(record.message, 'reading')
})

t.test('a call that comes while its end is being written down is not written over it', async (t) => {
  const stage = await createStage(t, { isSilent: true })
  const spawning = stage.spawn()
  const { puppet } = await stage.begin()
  const { record } = await spawning
  t.equal(record.state, 'starting')
  let calls = 0
  interceptFileHandles(t, 'datasync', async (original) => {
    stage.fleet.noteCall('sample', record.agent_id)
    calls++
    return await original()
  })
  puppet.end()
  await eventually(() => record.state === 'completed', 'it ends')
  t.ok(calls > 0)
  t.equal(stage.fleet.statistics().transitions.running, 0)
  t.match((await new AgentRecords(join(stage.storage, 'agents')).load(stage.log))[0], { state: 'completed' })
})

t.test('the work of an agent is done once more on request', async (t) => {
  const stage = await createStage(t, { places: 2 })
  const spawning = stage.spawn('test-engineer', { priority: 'high', correlation_id: 'talk' })
  const { puppet } = await stage.begin()
  const { record } = await spawning
  const project = { id: 'sample', root: stage.storage, ...stage.profiles }
  await t.rejects(stage.fleet.retry(project, record.agent_id), { code: 'VAL_001', message: /has not ended: it is running/ })
  puppet.end(1)
  await eventually(() => record.state === 'failed', 'it fails')
  const retrying = stage.fleet.retry(project, record.agent_id)
  await stage.begin()
  const { record: next } = await retrying
  t.match(next, { retry_of: record.agent_id, task: 'work', priority: 'high', correlation_id: 'talk', attempt: 1 })
  t.not(next.agent_id, record.agent_id)
  await t.rejects(stage.fleet.retry({ ...project, id: 'other' }, record.agent_id), { code: 'NOT_001' })
})
