import assert from 'node:assert/strict'
import type { DeadLetter, PlacedEvent } from '../../contracts/event-bus.js'
import { awkwardJson } from '../samples.js'
import { appendRange, draft, NEIGHBOUR, numbersOf, PROJECT, readAll, type BusTest } from './events.js'

export function letter ({ event }: PlacedEvent, time: number): DeadLetter {
  return {
    event,
    reason: 'the trigger failed to start an agent',
    attempts: 3,
    last_error: 'spawn: "no such file" – Größe\n  at line 2',
    timestamp: new Date(time).toISOString()
  }
}

export function deadLetterTests (check: BusTest): void {
  check('dead letters are listed oldest first and as they were added', async ({ instance: bus, clock }) => {
    const first = await bus.append(PROJECT, draft(1, { data: awkwardJson() }))
    const [second, third] = await appendRange(bus, PROJECT, 2, 3)
    const letters = [letter(second!, clock()), letter(first, clock() + 1_000), letter(third!, clock() + 2_000)]
    assert.deepEqual(await bus.listDeadLetters(PROJECT), [])
    for (const each of letters) await bus.addDeadLetter(PROJECT, each)
    assert.deepEqual(await bus.listDeadLetters(PROJECT), letters)
    assert.equal((await readAll(bus, PROJECT)).length, 3, 'the stream keeps its events')
  })

  check('dead letters are removed by event, and once', async ({ instance: bus, clock }) => {
    const [first, second] = await appendRange(bus, PROJECT, 1, 2)
    await bus.addDeadLetter(PROJECT, letter(first!, clock()))
    await bus.addDeadLetter(PROJECT, letter(second!, clock()))
    assert.equal(await bus.removeDeadLetter(PROJECT, first!.event.event_id), true)
    assert.equal(await bus.removeDeadLetter(PROJECT, first!.event.event_id), false)
    assert.equal(await bus.removeDeadLetter(PROJECT, 'evt_unknown'), false)
    assert.deepEqual(await bus.listDeadLetters(PROJECT), [letter(second!, clock())])
    assert.deepEqual(numbersOf(await readAll(bus, PROJECT)), [1, 2], 'the stream keeps its events')
  })

  check('dead letters of another project can be neither seen nor removed', async ({ instance: bus, clock }) => {
    const [mine] = await appendRange(bus, PROJECT, 1, 1)
    const [theirs] = await appendRange(bus, NEIGHBOUR, 2, 2)
    await bus.addDeadLetter(PROJECT, letter(mine!, clock()))
    await bus.addDeadLetter(NEIGHBOUR, letter(theirs!, clock()))
    assert.equal(await bus.removeDeadLetter(PROJECT, theirs!.event.event_id), false)
    assert.deepEqual(await bus.listDeadLetters(PROJECT), [letter(mine!, clock())])
    assert.deepEqual(await bus.listDeadLetters(NEIGHBOUR), [letter(theirs!, clock())])
  })
}
