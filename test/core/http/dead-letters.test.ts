import t from 'tap'
import { temporaryFolder } from '../../support/temporary.js'
import { startDocumented } from './documented.js'
import { writePlugin } from './plugin-file.js'

t.test('a dead letter is shown with its reason, and driven once more', async (t) => {
  const folder = await temporaryFolder(t)
  const use = await writePlugin(folder, 'letters.mjs', `
    export default definePlugin({ kind: 'http', name: 'letters', requires: ['event-bus'], create: (_options, context) => ({
      async register () {},
      async open () {
        await context.get('event-bus').addDeadLetter('sample', {
          event: { event_id: 'evt_DEAD', event_type: 'note', publisher: 'ada', publisher_type: 'ai-engineer', topic: 'testing', data: { n: 1 }, timestamp: '2026-01-01T00:00:00.000Z', ttl_seconds: 60 },
          reason: 'nobody took it', attempts: 3, last_error: 'connection refused', timestamp: '2026-01-01T00:00:01.000Z'
        })
      }
    }) })`)
  const { ask, agent } = await startDocumented(t, { plugins: [{ use }] })
  const { body } = await ask('GET', '/api/events/dead-letters')
  t.match(body.dead_letters, [{ event: { event_id: 'evt_DEAD', data: { n: 1 } }, reason: 'nobody took it', attempts: 3, last_error: 'connection refused' }])
  t.equal((await ask('GET', '/status')).body.events.dead_letter_queue_size, 1)
  const { token } = await agent('chief-architect')
  t.equal((await ask('POST', '/api/events/dead-letters/evt_DEAD/redrive', { token })).status, 403)

  const redriven = await ask('POST', '/api/events/dead-letters/evt_DEAD/redrive')
  t.equal(redriven.status, 202)
  t.equal(redriven.body.redriven, 'evt_DEAD')
  const { body: { events } } = await ask('GET', '/api/events')
  t.match(events, [{ event_id: redriven.body.event_id, event_type: 'note', publisher: 'ada', publisher_type: 'ai-engineer', topic: 'testing', data: { n: 1 }, references: 'evt_DEAD' }])
  t.strictSame((await ask('GET', '/api/events/dead-letters')).body.dead_letters, [])
  const status = (await ask('GET', '/status')).body.events
  t.equal(status.dead_letter_queue_size, 0)
  t.equal(status.total_published, 1)
  t.equal((await ask('POST', '/api/events/dead-letters/evt_DEAD/redrive')).status, 404)
})
