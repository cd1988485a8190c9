import assert from 'node:assert/strict'
import { appendRange, draft, NEIGHBOUR, numbersOf, PROJECT, readAll, type BusTest } from './events.js'

export function readerTests (check: BusTest): void {
  check('positions are saved per reader and project', async ({ instance: bus }) => {
    const [first, second] = await appendRange(bus, PROJECT, 1, 3)
    const [theirs] = await appendRange(bus, NEIGHBOUR, 1, 1)
    assert.equal(await bus.loadPosition(PROJECT, 'agent-1'), undefined)
    await bus.savePosition(PROJECT, 'agent-1', first!.position)
    await bus.savePosition(PROJECT, 'agent-11', second!.position)
    await bus.savePosition(NEIGHBOUR, 'agent-1', theirs!.position)
    assert.equal(await bus.loadPosition(PROJECT, 'agent-1'), first!.position)
    assert.equal(await bus.loadPosition(PROJECT, 'agent-11'), second!.position)
    assert.equal(await bus.loadPosition(NEIGHBOUR, 'agent-1'), theirs!.position)
    assert.equal(await bus.loadPosition(NEIGHBOUR, 'agent-11'), undefined)
  })

  check('the position saved last is the one that is loaded, and reading goes on there', async ({ instance: bus }) => {
    const placed = await appendRange(bus, PROJECT, 1, 4)
    for (const { position } of placed.slice(0, 3)) await bus.savePosition(PROJECT, 'agent-1', position)
    assert.equal(await bus.loadPosition(PROJECT, 'agent-1'), placed[2]!.position)
    await bus.savePosition(PROJECT, 'agent-1', placed[1]!.position)
    const position = await bus.loadPosition(PROJECT, 'agent-1')
    assert.equal(position, placed[1]!.position, 'a reader may go back')
    assert.deepEqual(numbersOf(await readAll(bus, PROJECT, position)), [3, 4])
  })

  check('a reader may have any name', async ({ instance: bus }) => {
    const [first, second] = await appendRange(bus, PROJECT, 1, 2)
    const names = ['constructor', 'agent-1|agent_completed|*|', 'agent-1|agent_completed', 'a/b', 'a:b', 'Größe', `r${'x'.repeat(500)}`]
    for (const name of names) assert.equal(await bus.loadPosition(PROJECT, name), undefined, name)
    for (const [index, name] of names.entries()) await bus.savePosition(PROJECT, name, (index % 2 === 0 ? first : second)!.position)
    for (const [index, name] of names.entries()) assert.equal(await bus.loadPosition(PROJECT, name), (index % 2 === 0 ? first : second)!.position, name)
  })

  check('stats count what is retained, published and dead', async ({ instance: bus, clock }) => {
    const empty = await bus.stats()
    assert.deepEqual({ retained: empty.retained, published: empty.published, dead: empty.dead_letters }, { retained: 0, published: 0, dead: 0 })
    const [first] = await appendRange(bus, PROJECT, 1, 3)
    await bus.append(PROJECT, draft(1, { event_id: first!.event.event_id }))
    await appendRange(bus, NEIGHBOUR, 4, 5)
    await bus.addDeadLetter(PROJECT, { event: first!.event, reason: 'spawn', attempts: 3, last_error: 'no', timestamp: new Date(clock()).toISOString() })
    const all = await bus.stats()
    assert.deepEqual({ retained: all.retained, published: all.published, dead: all.dead_letters }, { retained: 5, published: 5, dead: 1 })
    assert.ok(Number.isInteger(all.bytes) && all.bytes >= 0, `bytes are a count, not ${all.bytes}`)
    const one = await bus.stats(PROJECT)
    assert.deepEqual({ retained: one.retained, dead: one.dead_letters }, { retained: 3, dead: 1 })
    const other = await bus.stats(NEIGHBOUR)
    assert.deepEqual({ retained: other.retained, dead: other.dead_letters }, { retained: 2, dead: 0 })
    assert.equal((await bus.stats('unheard-of')).retained, 0)
  })
}
