import assert from 'node:assert/strict'
import { sampleId } from '../samples.js'
import { TEST_TIME } from '../clock.js'
import type { PlacedEvent } from '../../contracts/event-bus.js'
import { append, appendRange, draft, NEIGHBOUR, numbersOf, PROJECT, range, readAll, type BusTest } from './events.js'

const KEYS = ['constructor', 'agent-1/order 7', 'agent-1/order', 'Größe', 'a:b', `k${'x'.repeat(400)}`]

/** Publishing again with the key of an event that is retained. */
export function idempotencyTests (check: BusTest): void {
  check('an idempotency_key seen before returns the first event, also with other content, and adds none', async ({ instance: bus, clock }) => {
    const first = await bus.append(PROJECT, draft(1, { idempotency_key: 'agent-1/a' }))
    assert.equal(first.duplicate, false)
    await appendRange(bus, PROJECT, 2, 3)
    clock.advance(60_000)
    const heard: PlacedEvent[] = []
    await bus.subscribe(PROJECT, (placed) => { heard.push(placed) })
    for (const again of [draft(1), draft(9, { topic: 'testing', event_id: sampleId('evt_', TEST_TIME + 90_000, 1) })]) {
      assert.deepEqual(await bus.append(PROJECT, { ...again, idempotency_key: 'agent-1/a' }), { ...first, duplicate: true })
    }
    assert.equal((await bus.append(PROJECT, draft(4, { idempotency_key: 'agent-1/b' }))).duplicate, false)
    assert.equal((await bus.append(PROJECT, draft(5))).duplicate, false)
    assert.deepEqual(numbersOf(await readAll(bus, PROJECT)), range(1, 5))
    assert.ok(heard.every(({ event }) => event.event_id !== first.event.event_id), 'nobody hears it again')
    assert.equal((await bus.stats()).published, 5)
  })

  check('an idempotency_key is no part of the event', async ({ instance: bus }) => {
    const heard: PlacedEvent[] = []
    await bus.subscribe(PROJECT, (placed) => { heard.push(placed) })
    const placed = await append(bus, PROJECT, draft(1, { idempotency_key: 'agent-1/a' }))
    await append(bus, PROJECT, draft(2))
    const items = await readAll(bus, PROJECT)
    assert.deepEqual(items[0], placed)
    for (const { event } of [...items, placed, ...heard]) assert.ok(!('idempotency_key' in event))
  })

  check('an idempotency_key may be any text, and is not an event_id', async ({ instance: bus }) => {
    const id = sampleId('evt_', TEST_TIME, 1)
    const known = await append(bus, PROJECT, draft(0, { event_id: id }))
    assert.equal((await bus.append(PROJECT, draft(-1, { idempotency_key: id }))).duplicate, false)
    for (const [index, key] of KEYS.entries()) assert.equal((await bus.append(PROJECT, draft(index, { idempotency_key: key }))).duplicate, false, key)
    for (const [index, key] of KEYS.entries()) assert.equal((await bus.append(PROJECT, draft(99, { idempotency_key: key }))).event.data.number, index, key)
    assert.deepEqual(await bus.append(PROJECT, draft(99, { event_id: id, idempotency_key: KEYS[0]! })), { ...known, duplicate: true }, 'the event_id leads')
  })

  check('an idempotency_key appended many times at once is one event', async ({ instance: bus }) => {
    const placed = await Promise.all(range(1, 20).map((number) => bus.append(PROJECT, draft(number, { idempotency_key: 'agent-1/a' }))))
    assert.equal(placed.filter(({ duplicate }) => !duplicate).length, 1, 'one of them appended it')
    for (const { event, position } of placed) assert.deepEqual({ event, position }, { event: placed[0]!.event, position: placed[0]!.position })
    assert.equal((await readAll(bus, PROJECT)).length, 1)
  })

  check('an event is located by its idempotency_key, as long as it is retained', async ({ instance: bus }) => {
    const { position: before } = await append(bus, PROJECT, draft(1))
    await bus.append(PROJECT, draft(2, { idempotency_key: 'agent-1/a' }))
    await bus.append(NEIGHBOUR, draft(1, { idempotency_key: 'agent-1/b' }))
    await bus.append(PROJECT, draft(3))
    assert.equal(await bus.locate(PROJECT, { at: 'key', idempotency_key: 'agent-1/a' }), before)
    for (const key of ['agent-1/b', 'agent-1/', '', (await readAll(bus, PROJECT))[0]!.event.event_id]) {
      assert.equal(await bus.locate(PROJECT, { at: 'key', idempotency_key: key }), undefined, key)
    }
  })

  check('an idempotency_key of another project is not taken', async ({ instance: bus }) => {
    await bus.append(PROJECT, draft(1, { idempotency_key: 'agent-1/a' }))
    assert.equal((await bus.append(NEIGHBOUR, draft(2, { idempotency_key: 'agent-1/a' }))).duplicate, false)
    assert.deepEqual(numbersOf(await readAll(bus, PROJECT)), [1])
    assert.deepEqual(numbersOf(await readAll(bus, NEIGHBOUR)), [2])
  })

  check('durable: an idempotency_key is still known after reopening', async ({ instance: bus, reopen }) => {
    if (!bus.supports.durable) return
    const placed = await append(bus, PROJECT, draft(1, { idempotency_key: 'agent-1/a' }))
    await bus.append(PROJECT, draft(2))
    const reopened = await reopen()
    assert.deepEqual(await reopened.append(PROJECT, draft(9, { idempotency_key: 'agent-1/a' })), { ...placed, duplicate: true })
    assert.equal((await reopened.append(PROJECT, draft(3, { idempotency_key: 'agent-1/b' }))).duplicate, false)
    assert.deepEqual(numbersOf(await readAll(reopened, PROJECT)), range(1, 3))
  })
}
