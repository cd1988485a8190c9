import assert from 'node:assert/strict'
import { AWKWARD_NAMES, awkwardJson, sampleId } from '../samples.js'
import { TEST_TIME } from '../clock.js'
import { append, appendRange, draft, NEIGHBOUR, numbersOf, PROJECT, range, readAll, type BusTest } from './events.js'

const AT_ONCE = 200

export function appendTests (check: BusTest): void {
  check('append gives the event an id, the time of the clock and a position', async ({ instance: bus, clock }) => {
    const { event, position } = await bus.append(PROJECT, draft(1))
    assert.match(event.event_id, /^evt_[0-9A-HJKMNP-TV-Z]{26}$/)
    assert.match(event.timestamp, /Z$/)
    assert.equal(Date.parse(event.timestamp), clock())
    assert.equal(typeof position, 'string')
    const { event_id: id, timestamp, ...rest } = event
    assert.deepEqual(rest, draft(1))
  })

  check('read returns what append returned, oldest first', async ({ instance: bus }) => {
    const placed = await appendRange(bus, PROJECT, 1, 20)
    assert.deepEqual(await readAll(bus, PROJECT), placed)
  })

  check('ids increase strictly, also when the clock stands still or goes back', async ({ instance: bus, clock }) => {
    const placed = await appendRange(bus, PROJECT, 1, 3)
    clock.advance(-60_000)
    placed.push(...await appendRange(bus, PROJECT, 4, 6))
    clock.advance(120_000)
    placed.push(...await appendRange(bus, PROJECT, 7, 9))
    const ids = placed.map(({ event }) => event.event_id)
    assert.deepEqual(ids, [...new Set(ids)].sort())
    assert.deepEqual(numbersOf(await readAll(bus, PROJECT)), range(1, 9))
  })

  check('data comes back verbatim', async ({ instance: bus }) => {
    const placed = await bus.append(PROJECT, draft(1, { data: awkwardJson() }))
    assert.deepEqual(placed.event.data, awkwardJson())
    const [item] = await readAll(bus, PROJECT)
    assert.deepEqual(item?.event.data, awkwardJson())
  })

  check('optional members come back, and what was not given stays absent', async ({ instance: bus }) => {
    const optional = {
      correlation_id: 'c-1',
      round: 0,
      references: sampleId('evt_', TEST_TIME, 9),
      priority: 'high',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      replay_of: sampleId('evt_', TEST_TIME, 8)
    } as const
    await bus.append(PROJECT, draft(1, optional))
    await bus.append(PROJECT, draft(2))
    const [full, bare] = await readAll(bus, PROJECT)
    const { event_id: id, timestamp, ...members } = full!.event
    assert.deepEqual(members, draft(1, optional))
    for (const member of Object.keys(optional)) assert.ok(!(member in bare!.event), `'${member}' was not given`)
  })

  check('a draft that is changed after append leaves the event as it was', async ({ instance: bus }) => {
    const given = draft(1, { data: { number: 1, list: ['a'] } })
    await bus.append(PROJECT, given)
    given.topic = 'changed'
    ;(given.data.list as string[]).push('changed')
    const [item] = await readAll(bus, PROJECT)
    assert.equal(item?.event.topic, 'implementation')
    assert.deepEqual(item?.event.data, { number: 1, list: ['a'] })
  })

  check('an event_id that is there already returns that event and adds none', async ({ instance: bus }) => {
    const id = sampleId('evt_', TEST_TIME, 1)
    const first = await bus.append(PROJECT, draft(1, { event_id: id }))
    assert.equal(first.event.event_id, id)
    assert.equal(first.duplicate, false)
    const second = await bus.append(PROJECT, draft(2))
    assert.ok(second.event.event_id > id, 'later ids go on behind one that was given')
    assert.deepEqual(await bus.append(PROJECT, draft(3, { event_id: id })), { ...first, duplicate: true })
    assert.deepEqual(await bus.append(PROJECT, draft(4, { event_id: second.event.event_id })), { ...second, duplicate: true })
    assert.deepEqual((await readAll(bus, PROJECT)).map(({ event }) => event), [first.event, second.event])
  })

  check('an event_id appended many times at once is one event', async ({ instance: bus }) => {
    const id = sampleId('evt_', TEST_TIME, 1)
    const placed = await Promise.all(range(1, 20).map(() => bus.append(PROJECT, draft(1, { event_id: id }))))
    for (const { event, position } of placed) assert.deepEqual({ event, position }, { event: placed[0]!.event, position: placed[0]!.position })
    assert.equal(placed.filter(({ duplicate }) => !duplicate).length, 1, 'one of them appended it')
    assert.equal((await readAll(bus, PROJECT)).length, 1)
  })

  check('an event_id of another project is not taken', async ({ instance: bus }) => {
    const id = sampleId('evt_', TEST_TIME, 1)
    await bus.append(PROJECT, draft(1, { event_id: id }))
    await bus.append(NEIGHBOUR, draft(2, { event_id: id }))
    assert.deepEqual(numbersOf(await readAll(bus, PROJECT)), [1])
    assert.deepEqual(numbersOf(await readAll(bus, NEIGHBOUR)), [2])
  })

  check(`${AT_ONCE} appends at once lose nothing and place each exactly once`, async ({ instance: bus }) => {
    const [placed] = await Promise.all([
      Promise.all(range(1, AT_ONCE).map((number) => append(bus, PROJECT, draft(number)))),
      Promise.all(range(1, 20).map((number) => bus.append(NEIGHBOUR, draft(-number))))
    ])
    const items = await readAll(bus, PROJECT)
    assert.equal(items.length, AT_ONCE)
    assert.equal(new Set(items.map(({ position }) => position)).size, AT_ONCE, 'each has a position of its own')
    assert.deepEqual(numbersOf(items).sort((a, b) => Number(a) - Number(b)), range(1, AT_ONCE))
    const ids = items.map(({ event }) => event.event_id)
    assert.deepEqual(ids, [...ids].sort(), 'reading order is the order of the ids')
    const byId = new Map(items.map((item) => [item.event.event_id, item]))
    for (const each of placed) assert.deepEqual(byId.get(each.event.event_id), each, 'what append returned is what is read')
    assert.equal((await readAll(bus, NEIGHBOUR)).length, 20)
  })

  check('a project sees nothing of another', async ({ instance: bus }) => {
    await appendRange(bus, PROJECT, 1, 3)
    await appendRange(bus, NEIGHBOUR, 4, 5)
    await appendRange(bus, PROJECT, 6, 6)
    assert.deepEqual(numbersOf(await readAll(bus, PROJECT)), [1, 2, 3, 6])
    assert.deepEqual(numbersOf(await readAll(bus, NEIGHBOUR)), [4, 5])
    assert.deepEqual(await readAll(bus, 'unheard-of'), [])
  })

  check('any valid project name is a project of its own', async ({ instance: bus }) => {
    for (const [index, name] of AWKWARD_NAMES.entries()) await bus.append(name, draft(index))
    for (const [index, name] of AWKWARD_NAMES.entries()) assert.deepEqual(numbersOf(await readAll(bus, name)), [index], name)
  })

  check('an event whose ttl has passed by the clock is passed over, and is not missed', async ({ instance: bus, clock }) => {
    await bus.append(PROJECT, draft(1, { ttl_seconds: 60 }))
    await bus.append(PROJECT, draft(2, { ttl_seconds: 600 }))
    await bus.append(PROJECT, draft(3, { ttl_seconds: 60 }))
    await bus.append(PROJECT, draft(4, { ttl_seconds: 600 }))
    const start = (await bus.locate(PROJECT, { at: 'earliest' }))!
    clock.advance(59_000)
    assert.deepEqual(numbersOf(await readAll(bus, PROJECT, start)), [1, 2, 3, 4])
    clock.advance(2_000)
    assert.equal((await bus.read(PROJECT, { after: start, limit: 10 })).missed, 0)
    assert.deepEqual(numbersOf(await readAll(bus, PROJECT, start)), [2, 4])
    assert.deepEqual(numbersOf(await readAll(bus, PROJECT, start, 1)), [2, 4], 'also one by one')
  })
}
