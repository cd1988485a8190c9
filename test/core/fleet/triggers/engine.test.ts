import t from 'tap'
import type { EventBus, ResultRecord } from '../../../../core/contracts/index.js'
import { eventually } from '../../../../core/testing/expectations.js'
import { createStage, NEIGHBOUR, PROJECT, rule, rulesOf, type Stage } from './stage.js'

const types = ({ agents }: Stage): string[] => agents.map((agent) => agent.agent_type)

function resultOf (agentType: string, more: Partial<ResultRecord> = {}): ResultRecord {
  return { id: 'res_1', project_id: PROJECT, issue_id: 'issue-1', agent_id: 'a', agent_type: agentType, status: 'success', result: {}, timestamp: '', ...more }
}

t.test('an event starts the agents of its rule, with the task, issue, correlation and round that it says', async (t) => {
  const stage = createStage(t)
  const triggers = stage.open()
  await triggers.serve(PROJECT, rulesOf({ ...rule('designed', 'coder', { when: { filter: 'data.ready:true' } }) }))
  await stage.publish('designed', { data: { issue_id: 'issue-1', ready: false } })
  await stage.publish('other', { data: { issue_id: 'issue-1', ready: true } })
  const id = await stage.publish('designed', { data: { issue_id: 'issue-7', ready: true }, correlation_id: 'c', round: 2 })
  await stage.settled(triggers)
  t.match(stage.agents, [{ agent_type: 'coder', issue_id: 'issue-7', task: 'Do issue-7 after designed.', correlation_id: 'c', round: 2, depth: 1, trigger: { rule: 'designed-coder', event_id: id, index: 0 } }])
  t.match(triggers.list(PROJECT), [{ matched: 2, started: 1, refused: 0, last: { event_id: id, outcome: 'started', reason: null } }])
})

t.test('a join starts once, when the last of its agents has stored a success for the issue and the correlation', async (t) => {
  const stage = createStage(t)
  const triggers = stage.open()
  await triggers.serve(PROJECT, rulesOf(rule('agent_completed', 'deployer', { when: { completed: ['tester', 'auditor'] } })))
  const completed = async (agentType: string, more: Partial<ResultRecord> = {}): Promise<void> => {
    const result = resultOf(agentType, { correlation_id: 'c', ...more })
    stage.results.push(result)
    await stage.publish('agent_completed', { data: { issue_id: result.issue_id, agent_type: agentType }, correlation_id: 'c' })
    await stage.settled(triggers)
  }
  await completed('tester')
  await completed('auditor', { issue_id: 'issue-2' })
  await completed('auditor', { status: 'failed' })
  await completed('auditor', { correlation_id: 'other' })
  t.strictSame(types(stage), [])
  await completed('auditor')
  t.strictSame(types(stage), ['deployer'])
  await completed('tester')
  t.strictSame(types(stage), ['deployer'], 'a further result joins nothing more')
})

t.test('both results of a join may be stored before either is announced', async (t) => {
  const stage = createStage(t)
  const triggers = stage.open()
  await triggers.serve(PROJECT, rulesOf(rule('agent_completed', 'deployer', { when: { completed: ['tester', 'auditor'] } })))
  stage.results.push(resultOf('tester'), resultOf('auditor'))
  await Promise.all(['tester', 'auditor'].map(async (type) => await stage.publish('agent_completed', { data: { issue_id: 'issue-1', agent_type: type } })))
  await stage.settled(triggers)
  t.strictSame(types(stage), ['deployer'])
})

t.test('nothing starts while one of `not_running` is at work on the issue', async (t) => {
  const stage = createStage(t)
  const triggers = stage.open()
  await triggers.serve(PROJECT, rulesOf(rule('designed', 'coder', { when: { not_running: ['coder'] } })))
  for (let count = 0; count < 3; count++) await stage.publish('designed')
  await stage.publish('designed', { data: { issue_id: 'issue-2' } })
  await stage.settled(triggers)
  t.strictSame(stage.agents.map((agent) => agent.issue_id), ['issue-1', 'issue-2'])
})

t.test('two rules that start each other end at the bound of depth, with one refusal', async (t) => {
  const stage = createStage(t, { onStart: async (agent, { publish }) => await publish(agent.agent_type === 'ping' ? 'pinged' : 'ponged', { publisher: agent.agent_id, correlation_id: 'c' }) })
  const triggers = stage.open()
  await triggers.serve(PROJECT, rulesOf(rule('ponged', 'ping', { max_depth: 5, max_rounds: 100 }), rule('pinged', 'pong', { max_depth: 5, max_rounds: 100 })))
  await stage.publish('ponged', { correlation_id: 'c' })
  await stage.settled(triggers)
  t.strictSame(stage.agents.map(({ agent_type: type, depth }) => [type, depth]), [['ping', 1], ['pong', 2], ['ping', 3], ['pong', 4], ['ping', 5]])
  const refused = await stage.events('trigger_refused')
  t.match(refused, [{ topic: 'coordination', publisher: 'sidecar', correlation_id: 'c', data: { rule: 'pinged-pong', bound: 'max_depth', event_id: refused[0]?.references } }])
  t.equal(refused.length, 1)
})

t.test('agents that hide who they are end at the rounds, at the total of the correlation, or at that of the hour', async (t) => {
  for (const [more, correlation, limits, count, bound] of [
    [{ max_rounds: 4 }, () => 'c', {}, 4, 'max_rounds'],
    [{ max_rounds: 1000 }, () => 'c', { max_per_correlation: 6 }, 6, 'max_per_correlation'],
    [{ max_rounds: 1000 }, (n: number) => `c${n}`, { max_per_hour: 9 }, 9, 'max_per_hour']
  ] as const) {
    const stage = createStage(t, { onStart: async (_agent, { publish, agents }) => await publish('again', { publisher: 'nobody', correlation_id: correlation(agents.length) }) })
    const triggers = stage.open({ limits })
    await triggers.serve(PROJECT, rulesOf(rule('*', 'coder', more)))
    await stage.publish('again', { correlation_id: correlation(0) })
    await stage.settled(triggers)
    t.equal(stage.agents.length, count, bound)
    t.strictSame((await stage.events('trigger_refused')).map(({ data }) => data.bound), [bound], 'what is refused triggers nothing, though the rule takes any type')
  }
})

t.test('neither a replay nor what triggers tell starts anything', async (t) => {
  const stage = createStage(t)
  const triggers = stage.open()
  await triggers.serve(PROJECT, rulesOf(rule('*', 'coder')))
  await stage.publish('designed', { replay_of: 'evt_0' })
  await stage.publish('trigger_refused')
  await stage.publish('trigger_anything')
  await stage.settled(triggers)
  t.strictSame(types(stage), [])
})

t.test('a place that is not in the event, and an issue that nobody names, refuse the start', async (t) => {
  const stage = createStage(t)
  const triggers = stage.open()
  await triggers.serve(PROJECT, rulesOf({ name: 'a', on: { type: 'note' }, spawn: [{ agent_type: 'coder', task: 'Do {{data.files}}.' }] }, { name: 'b', on: { type: 'other' }, spawn: [{ agent_type: 'coder', task: 'Do.' }] }))
  await stage.publish('note')
  await stage.publish('other', { data: {} })
  await stage.publish('other', { data: { issue_id: '../x' } })
  await stage.publish('other', { data: {}, correlation_id: 'issue-5' })
  await stage.settled(triggers)
  const refused = (await stage.events('trigger_refused')).map(({ data }) => [data.rule, data.bound, data.reason])
  t.strictSame(new Set(refused.map(([name, bound]) => `${String(name)} ${String(bound)}`)), new Set(['a template', 'b issue']))
  t.equal(refused.length, 3)
  t.match(refused.find(([name]) => name === 'a'), ['a', 'template', "the event has no 'data.files'"])
  t.strictSame(stage.agents.map((agent) => agent.issue_id), ['issue-5'], 'the correlation names the issue where nothing else does')
})

t.test('a key starts its agents once', async (t) => {
  const stage = createStage(t)
  const triggers = stage.open()
  await triggers.serve(PROJECT, rulesOf(rule('pushed', 'coder', { dedupe_key: '{{data.commit}}' })))
  for (const commit of ['a', 'b', 'a']) await stage.publish('pushed', { data: { issue_id: 'issue-1', commit } })
  await stage.settled(triggers)
  t.strictSame(stage.agents.map(({ trigger }) => trigger?.dedupe_key), ['a', 'b'])
})

t.test('a dry run tells what would start', async (t) => {
  const stage = createStage(t)
  const triggers = stage.open({ limits: { dry_run: true } })
  await triggers.serve(PROJECT, rulesOf(rule('designed', 'coder')))
  const id = await stage.publish('designed')
  await stage.settled(triggers)
  t.strictSame(types(stage), [])
  t.match(await stage.events('trigger_would_start'), [{ data: { rule: 'designed-coder', event_id: id, agents: [{ agent_type: 'coder', issue_id: 'issue-1', task: 'Do issue-1 after designed.' }] } }])
})

t.test('projects are apart: rules, events, depth and bounds', async (t) => {
  const stage = createStage(t)
  const triggers = stage.open({ limits: { max_per_hour: 1 } })
  await triggers.serve(PROJECT, rulesOf(rule('designed', 'coder')))
  await triggers.serve(NEIGHBOUR, rulesOf(rule('designed', 'tester')))
  await stage.publish('designed')
  await stage.publish('designed', {}, NEIGHBOUR)
  await stage.settled(triggers)
  await stage.settled(triggers, NEIGHBOUR)
  t.strictSame(stage.agents.map((agent) => [agent.project_id, agent.agent_type]).sort(), [[PROJECT, 'coder'], [NEIGHBOUR, 'tester']])
})

t.test('what fails is tried again and ends in the dead letters, from which it is started again', async (t) => {
  const stage = createStage(t)
  const triggers = stage.open()
  await triggers.serve(PROJECT, rulesOf({ ...rule('designed', 'coder'), spawn: [{ agent_type: 'coder', task: 'Code.' }, { agent_type: 'writer', task: 'Write.' }] }))
  stage.faults.push(...Array.from({ length: 4 }, () => new Error('the queue is full')))
  const id = await stage.publish('designed')
  const attempts = async (count: number): Promise<void> => await eventually(() => stage.faults.length === count, `${count} faults are left`)
  await attempts(2)
  await eventually(async () => (await stage.bus.findGroup(PROJECT, 'trigger:designed-coder'))?.held[0]?.member === null, 'it was given back')
  stage.clock.advance(1000)
  triggers.wake(PROJECT, 'trigger:designed-coder')
  await attempts(0)
  stage.faults.push(new Error('still full'))
  await eventually(async () => (await stage.bus.findGroup(PROJECT, 'trigger:designed-coder'))?.held[0]?.member === null, 'it was given back')
  stage.clock.advance(5000)
  triggers.wake(PROJECT, 'trigger:designed-coder')
  await eventually(async () => (await stage.bus.listDeadLetters(PROJECT)).length === 1, 'it is a dead letter')
  t.match(await stage.bus.listDeadLetters(PROJECT), [{ target: 'trigger:designed-coder', attempts: 3, last_error: 'still full', event: { event_id: id } }])
  t.strictSame(types(stage), ['writer'], 'one that fails keeps no other from being started')
  await stage.bus.offer(PROJECT, 'trigger:designed-coder', (await stage.bus.listDeadLetters(PROJECT))[0]!.event)
  triggers.wake(PROJECT, 'trigger:designed-coder')
  await stage.settled(triggers)
  t.strictSame(types(stage), ['writer', 'coder'], 'and those that are there are not started again')
})

/** A bus on which a process dies: what it settles does not arrive; it is not heard of again before the test is over. */
function dying (bus: EventBus, isOver: Promise<never[]>): EventBus {
  return new Proxy(bus, {
    get: (target, name) => (name === 'settle' ? async () => await isOver : (Reflect.get(target, name) as (...args: unknown[]) => unknown).bind(target))
  })
}

t.test('after a kill between the start and its acknowledgement nothing starts twice, and nothing is lost', async (t) => {
  const stage = createStage(t)
  const rules = rulesOf(rule('designed', 'coder'))
  let end!: (none: never[]) => void
  const first = stage.open({ bus: dying(stage.bus, new Promise((resolve) => { end = resolve })) })
  await first.serve(PROJECT, rules)
  await stage.publish('designed')
  await eventually(() => stage.agents.length === 1, 'the first agent is started')
  await stage.publish('designed', { data: { issue_id: 'issue-2' } })
  // The first life is never heard of again; its hold on the event runs out.
  stage.clock.advance(30_001)
  const second = stage.open()
  await second.serve(PROJECT, rules)
  await stage.settled(second)
  t.strictSame(stage.agents.map((agent) => agent.issue_id), ['issue-1', 'issue-2'])
  t.match(second.list(PROJECT), [{ matched: 2, started: 1 }])
  end([])
  await first.close()
})

t.test('bounds hold over a restart', async (t) => {
  const stage = createStage(t)
  const rules = rulesOf(rule('designed', 'coder', { max_rounds: 2 }))
  for (let life = 0; life < 4; life++) {
    const triggers = stage.open()
    await triggers.serve(PROJECT, rules)
    await stage.publish('designed', { correlation_id: 'c' })
    await stage.settled(triggers)
    await triggers.close()
  }
  t.equal(stage.agents.length, 2)
  t.equal((await stage.events('trigger_refused')).length, 2)
})

t.test('several sidecars on one bus start an agent once', async (t) => {
  const stage = createStage(t)
  const rules = rulesOf(rule('designed', 'coder', { max_rounds: 1000 }))
  const all = [stage.open(), stage.open(), stage.open()]
  for (const triggers of all) await triggers.serve(PROJECT, rules)
  for (let number = 0; number < 30; number++) await stage.publish('designed', { data: { issue_id: `issue-${number}` } })
  await stage.settled(all[0]!)
  t.strictSame(stage.agents.map((agent) => agent.issue_id).sort(), Array.from({ length: 30 }, (_, number) => `issue-${number}`).sort())
})

t.test('events from before a rule was there, or while it was not, start nothing', async (t) => {
  const stage = createStage(t)
  await stage.publish('designed')
  for (const rules of [rulesOf(rule('designed', 'coder')), rulesOf(), rulesOf(rule('designed', 'coder'))]) {
    const triggers = stage.open()
    await triggers.serve(PROJECT, rules)
    if (rules.length === 0) await stage.publish('designed')
    await stage.settled(triggers)
    await triggers.close()
  }
  t.strictSame(types(stage), [])
})
