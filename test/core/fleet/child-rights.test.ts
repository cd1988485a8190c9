import t from 'tap'
import { eventually } from '../../../core/testing/expectations.js'
import { createStage } from '../../support/fleet-stage.js'

t.test('an agent gets no right that who asked for it lacks, nor does its repetition', async (t) => {
  const stage = await createStage(t, { places: 3 })
  const project = { id: 'sample', root: stage.storage, ...stage.profiles }
  const first = stage.spawn('worker', { permissions: ['read_context', 'spawn_agents'] })
  const { puppet } = await stage.begin()
  const { record } = await first
  t.strictSame(stage.issued[0]!.permissions, ['read_context'], 'what both have')
  puppet.end(0)
  await eventually(() => stage.fleet.get('sample', record.agent_id).state === 'completed', 'it ends')
  const repeated = stage.fleet.retry(project, record.agent_id, ['publish_events'])
  await stage.begin()
  await repeated
  t.strictSame(stage.issued[1]!.permissions, [], 'what neither who asked first nor who asks now lacks')
  const free = stage.spawn('worker')
  await stage.begin()
  await free
  t.strictSame(stage.issued[2]!.permissions, ['read_context', 'publish_events'], 'the operator gives all of the profile')
})
