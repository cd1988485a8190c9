import t from 'tap'
import { eventually } from '../../../../core/testing/expectations.js'
import { createStage, Puppet } from '../../../support/fleet-stage.js'

const usage = (tokens: number, usd: number | null = null) => ({ input_tokens: tokens, output_tokens: 0, cached_tokens: null, cost_usd: usd, turns: 1 })

t.test('whatever comes at once, limits hold exactly and nobody is forgotten', async (t) => {
  const stage = await createStage(t, { places: 5, limits: { max_per_type: 2, max_queue: 200 } })
  const types = ['debugger', 'test-engineer', 'code-reviewer', 'ai-engineer']
  const asked = Array.from({ length: 60 }, async (_, index) => await stage.spawn(types[index % types.length]))
  let most = 0
  for (let started = 0; started < 60; started++) {
    const { request, puppet } = await stage.begin()
    const active = stage.fleet.list('sample', {}).filter(({ state }) => state === 'starting' || state === 'running')
    most = Math.max(most, active.length)
    t.ok(active.length <= 5)
    for (const type of types) t.ok(active.filter(({ agent_type: of }) => of === type).length <= 2)
    setTimeout(() => puppet.end(), started % 7)
    t.ok(request.agent_id)
  }
  await Promise.all(asked)
  await eventually(() => stage.fleet.list('sample', {}).every(({ state }) => state === 'completed'), 'all have ended')
  t.equal(most, 5, 'and the places are used')
  t.match(stage.fleet.statistics(), { active: 0, queued: 0, completed: 60, spawned_total: 60, transitions: { starting: 60, completed: 60 } })
})

t.test('a rate limit pauses its spawner for all until the told time', async (t) => {
  const stage = await createStage(t, { places: 9 })
  const first = stage.spawn()
  const { request, puppet } = await stage.begin()
  await first
  request.on_sign({ kind: 'rate_limited', until: stage.clock() + 60_000 })
  const waiting = await stage.spawn('debugger')
  t.equal(waiting.position, 1)
  t.match(stage.fleet.waiting(waiting.record), { position: 1, waits_for: 'rate_limit' })
  t.strictSame(Object.keys(stage.fleet.statistics().paused), ['process'])
  puppet.end()
  await eventually(() => stage.fleet.statistics().active === 0, 'the first ends')
  t.equal(stage.starts.length, 1, 'a free place does not help')
  stage.clock.advance(60_000)
  stage.fleet.resume()
  await stage.begin()
  await eventually(() => waiting.record.state === 'running', 'it starts when the pause is over')
})

t.test('one whose attempt ends after a rate limit is tried again, and its type is not blamed', async (t) => {
  const stage = await createStage(t, { limits: { max_retries: 1, breaker_failures: 1 } })
  const spawning = stage.spawn()
  const { request, puppet } = await stage.begin()
  const { record } = await spawning
  request.on_sign({ kind: 'rate_limited', until: stage.clock() + 5000 })
  puppet.end(1)
  await eventually(() => record.state === 'queued', 'it waits for its next attempt')
  t.match(record, { attempt: 2, earlier: [{ attempt: 1, failure: 'rate_limit' }] })
  t.strictSame(stage.fleet.statistics().breakers, {})
  stage.clock.advance(5000)
  stage.fleet.resume()
  const next = await stage.begin()
  next.puppet.end()
  await eventually(() => record.state === 'completed', 'it completes')
})

t.test('the run that exceeds its budget is ended with a reason and not tried again', async (t) => {
  const stage = await createStage(t, { limits: { run_max_tokens: 1000, max_retries: 3 } })
  const spawning = stage.spawn()
  const { request, puppet } = await stage.begin()
  const { record } = await spawning
  request.on_sign({ kind: 'usage', usage: usage(1000) })
  t.equal(puppet.stops, 0)
  request.on_sign({ kind: 'usage', usage: usage(1001) })
  t.equal(puppet.stops, 1, 'at once')
  await eventually(() => record.state === 'failed', 'it is ended')
  t.match(record, { failure: 'budget', reason: 'it used 1001 tokens, more than the 1000 of its budget', attempt: 1, usage: { input_tokens: 1001 } })
  t.match(stage.results, [{ metrics: { input_tokens: 1001, attempts: 1 }, artifacts: { failure: 'budget' } }])
})

t.test('the budget of a project is looked at before queueing, before starting and while agents run', async (t) => {
  const stage = await createStage(t, { places: 2, limits: { project_max_usd: 10 } })
  const [one, two] = [stage.spawn(), stage.spawn()]
  const [first, second] = [await stage.begin(), await stage.begin()]
  const queued = await stage.spawn()
  t.equal(queued.position, 1)
  first.request.on_sign({ kind: 'usage', usage: usage(1, 6) })
  second.request.on_sign({ kind: 'usage', usage: usage(1, 4) })
  t.strictSame([first.puppet.stops, second.puppet.stops], [0, 1], 'the one that used it up is ended')
  await eventually(async () => (await two).record.state === 'failed', 'it is ended')
  t.match((await two).record.reason, /10 of 10 US dollars within 24 hours/)
  t.match(stage.fleet.waiting(queued.record), { waits_for: 'budget' }, 'there is a place, and no money')
  await t.rejects(stage.spawn(), { code: 'AGT_003', message: /budget/ })
  t.equal(stage.starts.length, 2)
  t.match(stage.fleet.statistics().spent, { sample: { usd: 10 } })
  first.puppet.end()
  await one
  stage.clock.advance(24 * 3_600_000)
  stage.fleet.resume()
  await stage.begin()
  await eventually(() => queued.record.state === 'running', 'the next day it starts')
})

t.test('a circuit breaker holds back a type that only fails, and says so', async (t) => {
  const stage = await createStage(t, { places: 9, limits: { breaker_failures: 2, breaker_seconds: 60 } })
  for (let failure = 0; failure < 2; failure++) {
    const spawning = stage.spawn()
    const { puppet } = await stage.begin()
    const { record } = await spawning
    puppet.end(1)
    await eventually(() => record.state === 'failed', 'it fails')
  }
  t.strictSame(stage.fleet.statistics().breakers, { 'type:test-engineer': 'open', 'spawner:process': 'open' })
  t.match(stage.log.said.warn, [/none is started for a while/, /none is started for a while/])
  const [trial, next] = [await stage.spawn(), await stage.spawn()]
  t.match(stage.fleet.waiting(trial.record), { waits_for: 'circuit_breaker' })
  stage.clock.advance(60_000)
  stage.fleet.resume()
  await eventually(() => stage.starts.length === 3, 'one is tried')
  t.equal(next.record.state, 'queued', 'and only one')
  const { puppet } = await stage.begin()
  await eventually(() => stage.starts.length === 4, 'when it shows that it is alive the next one is')
  puppet.end()
  stage.starts[3]!.gate.open(new Puppet())
  await eventually(() => Object.keys(stage.fleet.statistics().breakers).length === 0, 'its end closes them')
})

t.test('the ramp lets a burst through bit by bit', async (t) => {
  const stage = await createStage(t, { places: 99, limits: { starts_per_second: 10, max_queue: 99 } })
  const spawned = Array.from({ length: 15 }, async () => await stage.spawn())
  await eventually(() => stage.starts.length >= 10, 'the first start at once')
  const queued = stage.fleet.list('sample', { status: 'queued' })
  t.ok(queued.length > 0 && queued.length <= 5, 'the others wait')
  t.ok(queued.every((record) => stage.fleet.waiting(record)?.waits_for === 'ramp'))
  for (let count = 0; count < 15; count++) (await stage.begin()).puppet.end()
  await Promise.all(spawned)
})
