import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { AgentRecord } from '../../../../core/fleet/agent-record.js'
import { backOffMs, mayRetry } from '../../../../core/fleet/retries/retry-policy.js'
import { eventually } from '../../../../core/testing/expectations.js'
import { createStage } from '../../../support/fleet-stage.js'

t.test('what may go better is tried again, what will not is not', async (t) => {
  const limits = { max_retries: 3, retry_seconds: 5 }
  const tried = (changes: Partial<AgentRecord>): boolean => mayRetry({ attempt: 1, ...changes } as AgentRecord, limits)
  for (const failure of ['start', 'crash', 'lost', 'first_sign', 'rate_limit', 'silence'] as const) t.ok(tried({ failure }), failure)
  for (const failure of ['budget', 'timeout', 'output', 'own_result', 'record'] as const) t.notOk(tried({ failure }), failure)
  t.notOk(tried({}), 'one that did not fail')
  t.notOk(tried({ failure: 'crash', result_id: 'res_1' }), 'one that has stored its result')
  t.ok(tried({ failure: 'crash', attempt: 3 }))
  t.notOk(tried({ failure: 'crash', attempt: 4 }))
  t.strictSame([1, 2, 3].map((attempt) => backOffMs(attempt, limits, () => 0.5)), [5000, 10_000, 20_000])
  t.ok(backOffMs(1, limits, () => 0) < 5000 && backOffMs(1, limits, () => 1) > 5000)
  t.ok(backOffMs(30, limits, () => 1) <= 720_000)
})

t.test('an agent that crashes is tried three times more, is told why, and then its failure is escalated', async (t) => {
  const stage = await createStage(t, { limits: { max_retries: 3, retry_seconds: 0 } })
  const spawning = stage.spawn()
  let record: AgentRecord | undefined
  for (let attempt = 1; attempt <= 4; attempt++) {
    const { request, puppet } = await stage.begin()
    record ??= (await spawning).record
    t.equal(record.attempt, attempt)
    if (attempt === 1) t.equal(request.task, 'work')
    else t.match(request.task, new RegExp(`^work\n\nThis is attempt ${attempt}\\. Attempt ${attempt - 1} failed: exit code ${attempt - 1}\\.\n\nIts last output:\n[^]*words of ${attempt - 1}`))
    t.equal(request.environment.TASK, request.task)
    writeFileSync(request.log_file, `words of ${attempt}\neyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl\n`)
    request.on_sign({ kind: 'usage', usage: { input_tokens: 10, output_tokens: 1, cached_tokens: null, cost_usd: null, turns: 1 } })
    puppet.end(attempt)
  }
  await eventually(() => record!.state === 'failed', 'it fails in the end')
  t.match(record!.earlier, [{ attempt: 1, failure: 'crash', reason: 'exit code 1', exit: { code: 1 } }, { attempt: 2 }, { attempt: 3 }])
  t.equal(stage.results.length, 1, 'one result for all attempts')
  t.match(stage.submissions, [{ escalated: true }])
  t.match(stage.results[0], { status: 'failed', metrics: { attempts: 4, output_tokens: 1 }, artifacts: { last_output: 'words of 4\n[token]\n', earlier_attempts: [{ reason: 'exit code 1' }, {}, {}] } })
  t.strictSame(stage.announced.map(({ event_type: type, data }) => `${type} ${String(data.attempt)}`), [
    'agent_started 1', 'agent_running 1', 'agent_retrying 2', 'agent_started 2', 'agent_running 2', 'agent_retrying 3',
    'agent_started 3', 'agent_running 3', 'agent_retrying 4', 'agent_started 4', 'agent_running 4', 'agent_ended 4'
  ])
  t.match(stage.fleet.statistics(), { failed: 1, retried: 3, spawned_total: 4, transitions: { queued: 3, starting: 4, running: 4, failed: 1 } })
  t.equal(new Set(stage.revoked).size, 1)
  t.equal(stage.revoked.length, 4, 'each attempt has a token of its own')
})

t.test('an attempt that succeeds is the end of it', async (t) => {
  const stage = await createStage(t, { limits: { max_retries: 3 } })
  const spawning = stage.spawn()
  const first = await stage.begin()
  const { record } = await spawning
  first.puppet.end(null)
  const second = await stage.begin()
  second.request.on_sign({ kind: 'result', status: 'success', text: 'All is well.' })
  second.puppet.end()
  await eventually(() => record.state === 'completed', 'it completes')
  t.match(record, { attempt: 2, earlier: [{ reason: 'ended by SIGKILL' }] })
  t.notOk('failure' in record)
  t.match(stage.results, [{ status: 'success', artifacts: { final_text: 'All is well.' } }])
  t.notOk('escalated' in stage.submissions[0]!)
})

t.test('one that waits for its next attempt can be stopped, and comes back after a restart otherwise', async (t) => {
  const stage = await createStage(t, { places: 2, limits: { max_retries: 3, retry_seconds: 60 } })
  const records: AgentRecord[] = []
  for (let count = 0; count < 2; count++) {
    const spawning = stage.spawn()
    const { puppet } = await stage.begin()
    const { record } = await spawning
    records.push(record)
    puppet.end(1)
    await eventually(() => record.state === 'queued', 'it waits')
    t.match(stage.fleet.waiting(record), { waits_for: 'retry' })
  }
  const [stopped, kept] = records as [AgentRecord, AgentRecord]
  t.match(await stage.fleet.stop('sample', stopped.agent_id, 0), { state: 'stopped' })
  await stage.fleet.close(0)
  t.match(JSON.parse(readFileSync(join(stage.storage, 'agents', kept.agent_id, 'agent.json'), 'utf8')), { state: 'queued', attempt: 2, not_before: kept.not_before! })
  const reopened = await stage.reopen()
  reopened.resume()
  t.match(reopened.waiting(reopened.get('sample', kept.agent_id)), { position: 1, waits_for: 'retry' })
  stage.clock.advance(120_000)
  reopened.resume()
  const { request } = await stage.begin()
  t.equal(request.agent_id, kept.agent_id)
  t.match(request.task, /Attempt 1 failed: exit code 1/)
})

t.test('who stops an agent as it crashes does not see it come back', async (t) => {
  const stage = await createStage(t, { limits: { max_retries: 3 } })
  const spawning = stage.spawn()
  const { puppet } = await stage.begin()
  const { record } = await spawning
  const stopping = stage.fleet.stop('sample', record.agent_id, 0)
  puppet.end(1)
  const { state } = await stopping
  t.match(state, /stopped|failed/)
  t.equal(record.attempt, 1)
  t.equal(stage.fleet.statistics().queued, 0)
})

t.test('a start that its caller saw fail is not tried again; one of the queue is', async (t) => {
  const stage = await createStage(t, { limits: { max_retries: 1 } })
  const direct = stage.spawn()
  await eventually(() => stage.starts.length === 1, 'it is being started')
  const queued = await stage.spawn()
  stage.starts[0]!.gate.fail(new Error('no such thing'))
  await t.rejects(direct, { code: 'AGT_001' })
  await eventually(() => stage.starts.length === 2, 'the next is being started')
  stage.starts[1]!.gate.fail(new Error('no such thing'))
  await eventually(() => stage.starts.length === 3, 'and tried again')
  t.match(queued.record, { attempt: 2, earlier: [{ failure: 'start', reason: /no such thing/ }] })
  stage.starts[2]!.gate.fail(new Error('no such thing'))
  await eventually(() => queued.record.state === 'failed', 'once')
  t.strictSame(stage.fleet.list('sample', {}).map(({ state, attempt }) => [state, attempt]), [['failed', 2], ['failed', 1]])
})
