import t, { type Test } from 'tap'
import { DeadLetters } from '../../../core/events/dead-letters.js'
import { createMemoryBus } from '../../../plugins/events/memory.js'
import { createLogSpy } from '../../support/log-spy.js'
import { temporaryFolder } from '../../support/temporary.js'
import { startDocumented } from './documented.js'
import type { Ask } from './event-requests.js'
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

/** A plugin that leaves letters and groups on the bus before the first request. */
async function withLetters (t: Test, letters: object[], groups: string[] = []) {
  const use = await writePlugin(await temporaryFolder(t), 'letters.mjs', `
    export default definePlugin({ kind: 'http', name: 'letters', requires: ['event-bus'], create: (_options, context) => ({
      async register () {},
      async open () {
        const bus = context.get('event-bus')
        for (const group of ${JSON.stringify(groups)}) await bus.openGroup('sample', group, { after: await bus.locate('sample', { at: 'latest' }), purpose: '' })
        for (const letter of ${JSON.stringify(letters)}) await bus.addDeadLetter('sample', letter)
        await bus.addDeadLetter('other', ${JSON.stringify(letter(1))})
      }
    }) })`)
  return await startDocumented(t, { plugins: [{ use }] })
}

function letter (number: number, target?: string) {
  return {
    event: { event_id: `evt_DEAD${number}`, event_type: 'note', publisher: 'ada', publisher_type: 'ai-engineer', topic: 'testing', data: { number }, timestamp: '2026-01-01T00:00:00.000Z', ttl_seconds: 60 },
    reason: 'nobody took it', attempts: 3, last_error: 'connection refused', timestamp: new Date(Date.UTC(2026, 0, 1) + number * 1000).toISOString(),
    ...(target === undefined ? {} : { target })
  }
}

async function listed (ask: Ask, query = ''): Promise<string[]> {
  const { body } = await ask('GET', `/api/events/dead-letters${query}`)
  return body.dead_letters.map(({ event, target }: { event: { event_id: string }, target?: string }) => `${event.event_id.slice(8)}${target === undefined ? '' : ` ${target}`}`)
}

t.test('letters are listed in pages, also while some of them go', async (t) => {
  const { ask } = await withLetters(t, Array.from({ length: 7 }, (_, index) => letter(index + 1, index % 2 === 0 ? 'group:a' : undefined)))
  t.strictSame(await listed(ask), ['1 group:a', '2', '3 group:a', '4', '5 group:a', '6', '7 group:a'])
  t.strictSame(await listed(ask, '?target=group:a'), ['1 group:a', '3 group:a', '5 group:a', '7 group:a'])
  t.strictSame(await listed(ask, '?target=group:'), [])
  const first = await ask('GET', '/api/events/dead-letters?limit=3')
  t.equal(first.body.dead_letters.length, 3)
  const at = `?limit=3&cursor=${first.body.next_cursor}`
  t.strictSame(await listed(ask, at), ['4', '5 group:a', '6'])
  await ask('DELETE', '/api/events/dead-letters/evt_DEAD3')
  t.strictSame(await listed(ask, at), ['4', '5 group:a', '6'], 'the letter that the cursor named is gone')
  const last = await ask('GET', `/api/events/dead-letters?limit=3&cursor=${(await ask('GET', `/api/events/dead-letters${at}`)).body.next_cursor}`)
  t.equal(last.body.dead_letters.length, 1)
  t.notHas(last.body, 'next_cursor')
  for (const cursor of ['x', 'dlc_', 'dlc_e30', `dlc_${Buffer.from('[1,2,3]').toString('base64url')}`]) {
    const { status, body } = await ask('GET', `/api/events/dead-letters?cursor=${cursor}`)
    t.strictSame([status, body.code, body.details.issues[0].path], [400, 'VAL_001', 'cursor'], cursor)
  }
})

t.test('a letter of a group goes back to that group alone, and one of nobody to all', async (t) => {
  const { ask } = await withLetters(t, [letter(1, 'group:builders'), letter(1), letter(2, 'webhook:w1'), letter(3, 'group:gone')], ['builders', 'webhook:w1'])
  const one = await ask('POST', '/api/events/dead-letters/evt_DEAD1/redrive?target=group:builders')
  t.strictSame([one.status, one.body.event_id, one.body.redriven], [202, 'evt_DEAD1', 'evt_DEAD1'])
  t.strictSame((await ask('GET', '/api/events')).body.events, [], 'nobody else hears of it')
  t.equal((await ask('POST', '/api/events/dead-letters/evt_DEAD2/redrive')).body.event_id, 'evt_DEAD2')
  const gone = await ask('POST', '/api/events/dead-letters/evt_DEAD3/redrive')
  t.strictSame([gone.status, gone.body.code], [404, 'NOT_001'])
  t.match(gone.body.message, /'group:gone' .* no longer there/)
  t.strictSame(await listed(ask), ['1', '3 group:gone'])
  const published = await ask('POST', '/api/events/dead-letters/evt_DEAD1/redrive')
  t.match(published.body.event_id, /^evt_[0-9A-Z]{26}$/)
  t.match((await ask('GET', '/api/events')).body.events, [{ event_id: published.body.event_id, references: 'evt_DEAD1', publisher: 'ada' }])
})

t.test('many are redriven, and it is said what failed and what was not there', async (t) => {
  const { ask } = await withLetters(t, [...Array.from({ length: 40 }, (_, index) => letter(index + 1)), letter(1, 'group:gone')])
  const some = await ask('POST', '/api/events/dead-letters/redrive', { body: { event_ids: ['evt_DEAD1', 'evt_DEAD2', 'evt_NONE'] } })
  t.equal(some.status, 202)
  t.match(some.body, { redriven: 2, not_found: ['evt_NONE'], failed: [{ event_id: 'evt_DEAD1', target: 'group:gone', message: /no longer there/ }] })
  const [one, other] = await Promise.all([1, 2].map(async () => await ask('POST', '/api/events/dead-letters/redrive', { body: { all: true } })))
  t.equal(one!.status, 202)
  t.equal(other!.status, 202)
  const { body: { events } } = await ask('GET', '/api/events?limit=1000')
  t.equal(events.length, 40, 'each is published once, although two asked')
  t.strictSame(await listed(ask), ['1 group:gone'])
  t.match((await ask('POST', '/api/events/dead-letters/redrive', { body: { target: 'group:other' } })).body, { redriven: 0, failed: [], not_found: [] })
  for (const body of [{}, { all: true, target: 'group:gone' }, { all: false }, { event_ids: [] }]) {
    t.equal((await ask('POST', '/api/events/dead-letters/redrive', { body })).status, 400, JSON.stringify(body))
  }
})

t.test('a crash between publishing and forgetting the letter does not publish twice', async (t) => {
  const bus = createMemoryBus({ retention: { age: 86_400_000, count: 100 }, clock: Date.now, log: createLogSpy() })
  let crashes = true
  const letters = new DeadLetters({
    bus: { ...bus, removeDeadLetter: async (...given) => { if (crashes) throw new Error('gone'); return await bus.removeDeadLetter(...given) } },
    publish: bus.append
  })
  await bus.addDeadLetter('sample', letter(1))
  await t.rejects(letters.redrive('sample', 'evt_DEAD1', undefined), { message: 'gone' })
  crashes = false
  const id = await letters.redrive('sample', 'evt_DEAD1', undefined)
  const { items } = await bus.read('sample', { after: (await bus.locate('sample', { at: 'earliest' }))!, limit: 10 })
  t.strictSame(items.map(({ event }) => event.event_id), [id])
  await bus.addDeadLetter('sample', { ...letter(1), timestamp: '2026-01-02T00:00:00.000Z' })
  t.not(await letters.redrive('sample', 'evt_DEAD1', undefined), id, 'a later letter of the same event is another')
})

t.test('letters are thrown away one by one, by age, by target, or all', async (t) => {
  const { ask, agent } = await withLetters(t, [letter(1), letter(1, 'group:a'), letter(2, 'group:a'), letter(3), letter(4, 'group:b'), letter(5)])
  const { token } = await agent('chief-architect')
  for (const [method, url] of [['GET', ''], ['DELETE', '?all=true'], ['DELETE', '/evt_DEAD1'], ['POST', '/redrive']] as const) {
    t.equal((await ask(method, `/api/events/dead-letters${url}`, { token, ...(method === 'POST' ? { body: { all: true } } : {}) })).status, 403)
  }
  for (const query of ['', '?all=false', '?all=true&target=group:a', '?before=yesterday']) t.equal((await ask('DELETE', `/api/events/dead-letters${query}`)).status, 400, query)
  t.equal((await ask('DELETE', '/api/events/dead-letters/evt_DEAD1?target=group:a')).body.purged, 1)
  t.equal((await ask('DELETE', '/api/events/dead-letters/evt_DEAD1?target=group:a')).status, 404)
  t.strictSame(await listed(ask), ['1', '2 group:a', '3', '4 group:b', '5'])
  t.equal((await ask('DELETE', `/api/events/dead-letters?before=${letter(3).timestamp}`)).body.purged, 2)
  t.equal((await ask('DELETE', '/api/events/dead-letters?target=group:b')).body.purged, 1)
  t.strictSame(await listed(ask), ['3', '5'])
  t.match((await ask('GET', '/metrics')).text, /sidecar_dead_letters 3/, 'with that of another project')
  t.equal((await ask('DELETE', '/api/events/dead-letters?all=true')).body.purged, 2)
  t.match((await ask('GET', '/metrics')).text, /sidecar_dead_letters 1/, 'the neighbour\'s is there')
  t.equal((await ask('GET', '/status')).body.events.dead_letter_queue_size, 1)
})
