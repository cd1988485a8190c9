import assert from 'node:assert/strict'
import type { LiveEvent, PlacedEvent } from '../../contracts/event-bus.js'
import { eventually } from '../expectations.js'
import { appendRange, draft, NEIGHBOUR, numbersOf, PROJECT, range, readAll, type BusTest } from './events.js'

const HEARD_MS = 5_000

/** As a read gives it. */
function placedOf ({ event, position }: LiveEvent): PlacedEvent {
  return { event, position }
}

export function liveTests (check: BusTest): void {
  check('a subscriber hears what is appended from now on, in order, as it is read', async ({ instance: bus }) => {
    await appendRange(bus, PROJECT, 1, 2)
    const heard: PlacedEvent[] = []
    await bus.subscribe(PROJECT, (placed) => { heard.push(placedOf(placed)) })
    const placed = await appendRange(bus, PROJECT, 3, 12)
    await eventually(() => heard.length >= 10, 'the subscriber has heard 10 events', HEARD_MS)
    assert.deepEqual(heard, placed)
    assert.deepEqual(await readAll(bus, PROJECT, heard[3]!.position), heard.slice(4), 'its positions can be read from')
  })

  check('nothing lies between an event that is heard and the position it is said to follow', async ({ instance: bus }) => {
    const heard: LiveEvent[] = []
    await bus.subscribe(PROJECT, (live) => { heard.push(live) })
    await Promise.all([...range(1, 5).map((number) => bus.append(PROJECT, draft(number))), bus.append(NEIGHBOUR, draft(6))])
    await eventually(() => heard.length >= 5, 'the subscriber has heard 5 events', HEARD_MS)
    for (const { event, after } of heard) {
      if (after !== undefined) assert.equal((await readAll(bus, PROJECT, after))[0]?.event.event_id, event.event_id, 'a read from there begins with the event')
    }
  })

  check('a subscriber hears nothing of another project', async ({ instance: bus }) => {
    const heard: PlacedEvent[] = []
    const heardByNeighbour: PlacedEvent[] = []
    await bus.subscribe(PROJECT, (placed) => { heard.push(placedOf(placed)) })
    await bus.subscribe(NEIGHBOUR, (placed) => { heardByNeighbour.push(placedOf(placed)) })
    await appendRange(bus, NEIGHBOUR, 1, 3)
    await appendRange(bus, PROJECT, 4, 5)
    await eventually(() => heard.length >= 2 && heardByNeighbour.length >= 3, 'both have heard theirs', HEARD_MS)
    assert.deepEqual(numbersOf(heard), [4, 5])
    assert.deepEqual(numbersOf(heardByNeighbour), [1, 2, 3])
  })

  check('unsubscribing may be repeated, ends one subscription and leaves the others', async ({ instance: bus }) => {
    const heard: PlacedEvent[] = []
    const heardByOther: PlacedEvent[] = []
    const listener = (placed: PlacedEvent): void => { heard.push(placedOf(placed)) }
    const unsubscribe = await bus.subscribe(PROJECT, listener)
    await bus.subscribe(PROJECT, (placed) => { heardByOther.push(placedOf(placed)) })
    await appendRange(bus, PROJECT, 1, 1)
    await eventually(() => heard.length === 1 && heardByOther.length === 1, 'both have heard the first event', HEARD_MS)
    unsubscribe()
    unsubscribe()
    await appendRange(bus, PROJECT, 2, 3)
    await eventually(() => heardByOther.length === 3, 'the other goes on hearing', HEARD_MS)
    assert.deepEqual(numbersOf(heard), [1])
    await bus.subscribe(PROJECT, listener)
    unsubscribe()
    await appendRange(bus, PROJECT, 4, 4)
    await eventually(() => heard.length === 2, 'a new subscription of the same listener is not ended by the old function', HEARD_MS)
    assert.deepEqual(numbersOf(heard), [1, 4])
  })

  check('a listener that throws harms neither append nor other listeners nor itself', async ({ instance: bus }) => {
    const heard: PlacedEvent[] = []
    let calls = 0
    await bus.subscribe(PROJECT, () => {
      calls += 1
      throw new Error('thrown on purpose by a listener of the contract suite')
    })
    await bus.subscribe(PROJECT, (placed) => { heard.push(placedOf(placed)) })
    const placed = await appendRange(bus, PROJECT, 1, 3)
    await eventually(() => heard.length >= 3 && calls >= 3, 'both have been called for 3 events', HEARD_MS)
    assert.deepEqual(heard, placed)
    assert.deepEqual(await readAll(bus, PROJECT), placed)
  })

  check('appends at once are heard once each, in the order of reading', async ({ instance: bus }) => {
    const heard: PlacedEvent[] = []
    await bus.subscribe(PROJECT, (placed) => { heard.push(placedOf(placed)) })
    await Promise.all(range(1, 100).map((number) => bus.append(PROJECT, draft(number))))
    await eventually(() => heard.length >= 100, 'the subscriber has heard 100 events', HEARD_MS)
    assert.deepEqual(heard, await readAll(bus, PROJECT))
  })

  check('an event_id that is there already is not heard again', async ({ instance: bus }) => {
    const heard: PlacedEvent[] = []
    await bus.subscribe(PROJECT, (placed) => { heard.push(placedOf(placed)) })
    const first = await bus.append(PROJECT, draft(1))
    await bus.append(PROJECT, draft(2, { event_id: first.event.event_id }))
    await bus.append(PROJECT, draft(3))
    await eventually(() => heard.some(({ event }) => event.data.number === 3), 'the subscriber has heard the last event', HEARD_MS)
    assert.deepEqual(numbersOf(heard), [1, 3])
  })

  check('who subscribes first and then reads overlooks nothing', async ({ instance: bus }) => {
    const seen = new Set<unknown>()
    const appending = range(1, 100).map((number) => bus.append(PROJECT, draft(number)))
    await bus.subscribe(PROJECT, ({ event }) => { seen.add(event.data.number) })
    for (const { event } of await readAll(bus, PROJECT)) seen.add(event.data.number)
    await Promise.all(appending)
    await eventually(() => seen.size === 100, 'each of 100 events was read or heard', HEARD_MS)
  })
}
