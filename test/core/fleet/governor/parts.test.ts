import t from 'tap'
import type { AgentRecord } from '../../../../core/fleet/agent-record.js'
import { Budgets } from '../../../../core/fleet/governor/budgets.js'
import { CircuitBreakers } from '../../../../core/circuit-breakers.js'
import { Pauses } from '../../../../core/fleet/governor/pauses.js'
import { Places } from '../../../../core/fleet/governor/places.js'
import { Ramp } from '../../../../core/fleet/governor/ramp.js'
import { createTestClock } from '../../../../core/testing/clock.js'
import { NO_LIMITS } from '../../../support/fleet-limits.js'

let agents = 0

function agent (changes: Partial<AgentRecord> = {}): AgentRecord {
  return { agent_id: `agent-${++agents}`, project_id: 'sample', agent_type: 'test-engineer', model_tier: 'sonnet', spawner: 'process', attempt: 1, ...changes } as AgentRecord
}

const used = (tokens: number, usd = 0): Pick<AgentRecord, 'usage'> =>
  ({ usage: { input_tokens: tokens, output_tokens: 0, cached_tokens: 1_000_000, cost_usd: usd, turns: 1 } })

t.test('places are held to each limit, and come free once', async (t) => {
  const cases: [Partial<typeof NO_LIMITS>, Partial<AgentRecord>, Partial<AgentRecord>][] = [
    [{ max_concurrent: 1 }, {}, { project_id: 'other', agent_type: 'debugger', model_tier: 'haiku' }],
    [{ max_per_project: 1 }, {}, { agent_type: 'debugger', model_tier: 'haiku' }],
    [{ max_per_type: 1 }, {}, { project_id: 'other', model_tier: 'haiku' }],
    [{ max_per_tier: ['haiku=7', 'sonnet=1'] }, {}, { project_id: 'other', agent_type: 'debugger' }]
  ]
  for (const [limits, first, second] of cases) {
    const places = new Places({ ...NO_LIMITS, ...limits })
    const [one, two] = [agent(first), agent(second)]
    t.ok(places.isFree(one))
    places.take(one)
    places.take(one)
    t.notOk(places.isFree(two), JSON.stringify(limits))
    if (!('max_concurrent' in limits)) t.ok(places.isFree(agent({ project_id: 'third', agent_type: 'writer', model_tier: 'opus' })), 'another one has a place')
    places.free(one.agent_id)
    places.free(one.agent_id)
    t.ok(places.isFree(two))
    places.take(two)
    t.notOk(places.isFree(agent(second)))
    t.equal(places.taken, 1)
  }
})

t.test('a ramp gives a second\'s worth at once and then one after the other', async (t) => {
  let now = 0
  const ramp = new Ramp(4, () => now)
  const startAll = (): number => {
    let count = 0
    for (; ramp.waitMs === 0; count++) ramp.take()
    return count
  }
  t.equal(startAll(), 4)
  t.equal(ramp.waitMs, 250)
  now += 500
  t.equal(startAll(), 2)
  now += 60_000
  t.equal(startAll(), 4, 'a long pause saves up no more')
  const slow = new Ramp(0.5, () => now)
  slow.take()
  t.equal(slow.waitMs, 2000)
})

t.test('a pause ends at the told time, and without one is longer each time', async (t) => {
  const clock = createTestClock()
  const pauses = new Pauses(clock, () => 0)
  t.equal(pauses.begin('claude', clock() - 1), undefined, 'a limit that is over is none')
  t.equal(pauses.begin('claude', clock() + 60_000), clock() + 60_000)
  t.equal(pauses.begin('claude', clock() + 10_000), clock() + 60_000, 'a later word does not make it shorter')
  t.equal(pauses.begin('claude', null), clock() + 60_000, 'nor does one that tells no time')
  t.strictSame(Object.keys(pauses.all), ['claude'])
  t.equal(pauses.until('codex'), undefined)
  clock.advance(60_000)
  t.equal(pauses.until('claude'), undefined)
  pauses.recover('claude')
  const lengths = Array.from({ length: 7 }, () => {
    const length = pauses.begin('claude', null)! - clock()
    clock.advance(length)
    return length / 1000
  })
  t.strictSame(lengths, [30, 60, 120, 240, 480, 900, 900])
  pauses.recover('claude')
  t.equal(pauses.begin('claude', null)! - clock(), 30_000, 'who came through begins anew')
  t.ok(pauses.begin('other', clock() + 1e15)! <= clock() + 7 * 86_400_000, 'no mistake of an agent stops everything for ever')
})

t.test('a circuit breaker opens, tries one, and opens again or closes', async (t) => {
  const clock = createTestClock()
  const told: string[] = []
  const breakers = new CircuitBreakers({ failures: 3, pauseMs: 1000, clock, onChange: (name, state) => told.push(`${name} ${state}`) })
  breakers.failed('a', 'x')
  breakers.failed('a', 'x')
  breakers.succeeded('a')
  for (const id of ['1', '2']) breakers.failed('a', id)
  t.equal(breakers.blockedUntil('a'), undefined, 'two in a row are too few')
  breakers.failed('a', '3')
  t.equal(breakers.blockedUntil('a'), clock() + 1000)
  t.equal(breakers.blockedUntil('b'), undefined)
  breakers.failed('a', '4')
  t.equal(breakers.blockedUntil('a'), clock() + 1000, 'one that began before says nothing new')
  t.strictSame(breakers.all, { a: 'open' })

  clock.advance(1000)
  t.strictSame(breakers.all, { a: 'half_open' })
  t.equal(breakers.blockedUntil('a'), undefined)
  breakers.pass('a', 'trial')
  t.equal(breakers.blockedUntil('a'), Infinity, 'one is tried')
  breakers.failed('a', 'trial')
  t.equal(breakers.blockedUntil('a'), clock() + 1000, 'and decides')
  clock.advance(1000)
  breakers.pass('a', 'again')
  breakers.passedOver('a', 'again')
  t.equal(breakers.blockedUntil('a'), undefined, 'the next one may be tried')
  breakers.succeeded('a')
  t.strictSame(breakers.all, {})
  t.strictSame(told, ['a open', 'a open', 'a closed'])
})

t.test('budgets', async (t) => {
  const clock = createTestClock()
  const at = (): string => new Date(clock()).toISOString()

  t.test('of a project count what ended within their time and what is at work, exactly', async (t) => {
    const budgets = new Budgets({ ...NO_LIMITS, project_max_tokens: 100, budget_hours: 1 }, clock)
    const [done, working] = [agent(used(60)), agent(used(30))]
    for (const record of [done, working]) budgets.open(record)
    t.equal(budgets.usedUp('sample'), undefined)
    budgets.close(Object.assign(done, { ended_at: at() }))
    t.equal(budgets.ofProject('sample').tokens, 90, 'closing moves it and counts it once')
    Object.assign(working, used(40))
    t.match(budgets.usedUp('sample'), /100 of 100 tokens within 1 hours/)
    t.equal(budgets.usedUp('other'), undefined)
    t.equal(budgets.freedAt('sample'), clock() + 3_600_000)
    t.match(budgets.exceeded(working), /budget of its project/)
    clock.advance(3_600_000)
    t.equal(budgets.usedUp('sample'), undefined, 'what ended an hour ago is free again')
    t.equal(budgets.ofProject('sample').tokens, 40)
  })

  t.test('of a run count all its attempts', async (t) => {
    const budgets = new Budgets({ ...NO_LIMITS, run_max_tokens: 100, run_max_usd: 2 }, clock)
    t.equal(budgets.exceeded(agent(used(100, 2))), undefined)
    t.match(budgets.exceeded(agent({ ...used(60), earlier: [{ attempt: 1, process_id: null, ...used(41) }] })), /101 tokens/)
    t.match(budgets.exceeded(agent(used(1, 2.5))), /2\.5 US dollars/)
  })

  t.test('of time run while agents do', async (t) => {
    const budgets = new Budgets({ ...NO_LIMITS, project_max_hours: 2 }, clock)
    const record = agent({ started_at: at() })
    budgets.open(record)
    clock.advance(7_199_999)
    t.equal(budgets.exceeded(record), undefined)
    clock.advance(1)
    t.match(budgets.exceeded(record), /2 of 2 hours/)
    t.equal(budgets.freedAt('sample'), Infinity)
  })
})
