import t from 'tap'
import { eventually } from '../../../../core/testing/expectations.js'
import { createStage, Puppet } from '../../../support/fleet-stage.js'

const USAGE = { input_tokens: null, output_tokens: null, cached_tokens: null }

t.test('an agent is told what its attempts before have left of its budget, and is ended when it takes more', async (t) => {
  const stage = await createStage(t, { limits: { run_max_turns: 10, run_max_usd: 1, max_retries: 1 } })
  const spawning = stage.spawn()
  const first = await stage.begin()
  const { record } = await spawning
  t.match(first.request, { max_turns: 10, max_cost_usd: 1 })
  first.request.on_sign({ kind: 'usage', usage: { ...USAGE, cost_usd: 0.75, turns: 4 } })
  first.puppet.end(1)
  const second = await stage.begin()
  t.match(second.request, { max_turns: 6, max_cost_usd: 0.25 })
  await eventually(() => record.state === 'running', 'it runs again')
  second.request.on_sign({ kind: 'usage', usage: { ...USAGE, cost_usd: null, turns: 6 } })
  t.equal(second.puppet.stops, 0)
  second.request.on_sign({ kind: 'usage', usage: { ...USAGE, cost_usd: null, turns: 7 } })
  await eventually(() => record.state === 'failed', 'it is ended')
  t.match(record, { failure: 'budget', reason: 'it took 11 turns, more than the 10 of its budget' })
})

t.test('without a budget an agent is told of none', async (t) => {
  const stage = await createStage(t)
  const spawning = stage.spawn()
  const { request, puppet } = await stage.begin()
  await spawning
  t.notMatch(Object.keys(request).join(), /max_/)
  puppet.end()
})

t.test('how long silence may last its spawner knows, where the settings do not say', async (t) => {
  for (const [setting, known, reason] of [[0, 0.01, 'it showed nothing for 0.01 seconds'], [0.02, 1000, 'it showed nothing for 0.02 seconds']] as const) {
    const stage = await createStage(t, { limits: { silence_seconds: setting } })
    const spawning = stage.spawn()
    await stage.begin()
    const { record } = await spawning
    await eventually(() => record.state === 'running', 'it runs')
    const puppet = new Puppet()
    const reopened = await stage.reopen({ silence_seconds: known, adopt: async () => puppet })
    await eventually(() => puppet.stops > 0, 'it counts as hanging')
    await eventually(() => reopened.get('sample', record.agent_id).state === 'failed', 'it is ended')
    t.match(reopened.get('sample', record.agent_id), { failure: 'silence', reason })
  }
})
