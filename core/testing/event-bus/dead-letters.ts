import assert from 'node:assert/strict'
import type { DeadLetter, PlacedEvent } from '../../contracts/event-bus.js'
import { awkwardJson } from '../samples.js'
import { append, appendRange, draft, NEIGHBOUR, numbersOf, PROJECT, readAll, type BusTest } from './events.js'

export function letter ({ event }: PlacedEvent, time: number, target?: string): DeadLetter {
  return {
    event,
    reason: 'the trigger failed to start an agent',
    attempts: 3,
    last_error: 'spawn: "no such file" – Größe\n  at line 2',
    timestamp: new Date(time).toISOString(),
    ...target === undefined ? {} : { target }
  }
}

export function deadLetterTests (check: BusTest): void {
  check('dead letters are listed oldest first and as they were added', async ({ instance: bus, clock }) => {
    const first = await append(bus, PROJECT, draft(1, { data: awkwardJson() }))
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

  check('an event has one dead letter per target, and exactly that of the target is removed', async ({ instance: bus, clock }) => {
    const [first, second] = await appendRange(bus, PROJECT, 1, 2)
    const targets = [undefined, 'group:reviewers', 'group:reviewers-2', 'webhook:constructor']
    for (const target of targets) await bus.addDeadLetter(PROJECT, letter(first!, clock(), target))
    await bus.addDeadLetter(PROJECT, letter(second!, clock(), 'group:reviewers'))
    const again = { ...letter(first!, clock() + 1_000, 'group:reviewers'), attempts: 9 }
    await bus.addDeadLetter(PROJECT, again)
    const listed = await bus.listDeadLetters(PROJECT)
    assert.equal(listed.length, 5)
    const ofFirst = (letters: readonly DeadLetter[]): DeadLetter[] => letters.filter(({ event }) => event.event_id === first!.event.event_id)
    assert.deepEqual(ofFirst(listed).filter(({ target }) => target === 'group:reviewers'), [again], 'the later letter takes the place of the earlier')
    const id = first!.event.event_id
    assert.equal(await bus.removeDeadLetter(PROJECT, id, 'group:nobody'), false)
    assert.equal(await bus.removeDeadLetter(PROJECT, id, 'group:reviewers'), true)
    assert.equal(await bus.removeDeadLetter(PROJECT, id, 'group:reviewers'), false)
    assert.equal(await bus.removeDeadLetter(PROJECT, id), true)
    assert.equal(await bus.removeDeadLetter(PROJECT, id), false, 'without a target it is not the letter of any')
    const left = await bus.listDeadLetters(PROJECT)
    assert.deepEqual(ofFirst(left).map(({ target }) => target).sort(), ['group:reviewers-2', 'webhook:constructor'])
    assert.deepEqual(left.filter((each) => !ofFirst(left).includes(each)), [letter(second!, clock(), 'group:reviewers')], 'the other event keeps its letter')
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
