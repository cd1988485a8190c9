import assert from 'node:assert/strict'
import { awkwardJson } from '../samples.js'
import { letter } from './dead-letters.js'
import { append, appendRange, draft, NEIGHBOUR, numbersOf, PROJECT, range, readAll, type BusTest } from './events.js'

/** What `supports.durable` promises. Reopened without close, as after a crash, unless a test says otherwise. */
export function durabilityTests (check: BusTest): void {
  check('durable: acknowledged events and their positions are there after reopening without close', async ({ instance: bus, reopen }) => {
    if (!bus.supports.durable) return
    const first = await append(bus, PROJECT, draft(1, { data: awkwardJson(), correlation_id: 'c-1' }))
    const placed = [first, ...await Promise.all(range(2, 50).map((number) => append(bus, PROJECT, draft(number))))]
    const theirs = await appendRange(bus, NEIGHBOUR, 1, 2)
    const before = await readAll(bus, PROJECT)
    assert.equal(before.length, placed.length)
    const reopened = await reopen()
    assert.deepEqual(await readAll(reopened, PROJECT), before)
    assert.deepEqual(await readAll(reopened, PROJECT, before[20]!.position), before.slice(21))
    assert.deepEqual(await readAll(reopened, NEIGHBOUR), theirs)
  })

  check('durable: after reopening ids go on increasing and a known event_id is still known', async ({ instance: bus, clock, reopen }) => {
    if (!bus.supports.durable) return
    const placed = await appendRange(bus, PROJECT, 1, 3)
    const reopened = await reopen()
    clock.advance(-60_000)
    assert.deepEqual(await reopened.append(PROJECT, draft(9, { event_id: placed[1]!.event.event_id })), { ...placed[1]!, duplicate: true })
    const next = await append(reopened, PROJECT, draft(4))
    assert.ok(next.event.event_id > placed[2]!.event.event_id)
    assert.deepEqual(await readAll(reopened, PROJECT), [...placed, next])
    assert.deepEqual(await readAll(reopened, PROJECT, placed[2]!.position), [next])
    assert.equal((await reopened.stats()).published, 1, 'published counts since the bus was opened')
  })

  check('durable: dead letters are there after reopening, and removed ones are not', async ({ instance: bus, clock, reopen }) => {
    if (!bus.supports.durable) return
    const [first, second] = await appendRange(bus, PROJECT, 1, 2)
    await bus.addDeadLetter(PROJECT, letter(first!, clock()))
    await bus.addDeadLetter(PROJECT, letter(second!, clock()))
    await bus.addDeadLetter(PROJECT, letter(second!, clock(), 'group:reviewers'))
    await bus.addDeadLetter(PROJECT, letter(second!, clock(), 'webhook:1'))
    await bus.removeDeadLetter(PROJECT, first!.event.event_id)
    await bus.removeDeadLetter(PROJECT, second!.event.event_id, 'group:reviewers')
    assert.deepEqual(await (await reopen()).listDeadLetters(PROJECT), [letter(second!, clock()), letter(second!, clock(), 'webhook:1')])
  })

  check('durable: saved positions are there after close and reopening', async ({ instance: bus, reopen }) => {
    if (!bus.supports.durable) return
    const placed = await appendRange(bus, PROJECT, 1, 3)
    for (const { position } of placed.slice(0, 2)) await bus.savePosition(PROJECT, 'agent-1', position)
    await bus.close?.()
    const reopened = await reopen()
    assert.equal(await reopened.loadPosition(PROJECT, 'agent-1'), placed[1]!.position)
    assert.equal(await reopened.loadPosition(NEIGHBOUR, 'agent-1'), undefined)
    assert.deepEqual(numbersOf(await readAll(reopened, PROJECT, placed[1]!.position)), [3])
  })

  check('durable: after reopening without close a saved position may be older, and is never another', async ({ instance: bus, reopen }) => {
    if (!bus.supports.durable) return
    const placed = await appendRange(bus, PROJECT, 1, 5)
    for (const { position } of placed.slice(0, 3)) await bus.savePosition(PROJECT, 'agent-1', position)
    const possible = [undefined, ...placed.slice(0, 3).map(({ position }) => position)]
    const loaded = await (await reopen()).loadPosition(PROJECT, 'agent-1')
    assert.ok(possible.includes(loaded), `${String(loaded)} was never saved`)
  })
}
