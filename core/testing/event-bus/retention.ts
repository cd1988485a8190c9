import assert from 'node:assert/strict'
import type { EventBus } from '../../contracts/event-bus.js'
import type { ContractTest } from '../contract-test.js'
import type { SmallEventBus } from '../event-bus-contract.js'
import { appendRange, draft, earliest, NEIGHBOUR, numbersOf, PROJECT, range, readAll } from './events.js'

/** Appends so much that some is lost; says how many were appended and how many of them are gone. */
async function overflow (bus: EventBus, retained: number): Promise<{ total: number, lost: number }> {
  const total = retained * 4
  await appendRange(bus, PROJECT, 1, total)
  const kept = (await readAll(bus, PROJECT)).length
  assert.ok(kept >= retained, `at least ${retained} of ${total} events are retained, not ${kept}`)
  assert.ok(kept < total, `a bus that retains ${retained} does not keep all ${total} events`)
  return { total, lost: total - kept }
}

export function retentionTests (check: ContractTest<SmallEventBus>): void {
  check('retention: reading from earliest gives the newest events and misses none', async ({ instance: bus, subject }) => {
    const { total, lost } = await overflow(bus, subject.retained)
    assert.deepEqual(numbersOf(await readAll(bus, PROJECT)), range(lost + 1, total))
    assert.equal((await bus.read(PROJECT, { after: await earliest(bus, PROJECT), limit: 1 })).missed, 0)
    assert.equal((await bus.stats(PROJECT)).retained, total - lost)
  })

  check('retention: missed is exact, and said once', async ({ instance: bus, subject }) => {
    const start = await earliest(bus, PROJECT)
    const [first, second] = await appendRange(bus, PROJECT, -1, 0)
    const { total, lost } = await overflow(bus, subject.retained)
    for (const [after, missed] of [[start, lost + 2], [first!.position, lost + 1], [second!.position, lost]] as const) {
      const page = await bus.read(PROJECT, { after, limit: 3 })
      assert.equal(page.missed, missed)
      assert.deepEqual(numbersOf(page.items), range(lost + 1, lost + 3).slice(0, page.items.length))
      const following = await bus.read(PROJECT, { after: page.next, limit: 3 })
      assert.equal(following.missed, 0, 'the next page misses nothing')
      assert.deepEqual(numbersOf([...page.items, ...await readAll(bus, PROJECT, page.next)]), range(lost + 1, total))
    }
  })

  check('retention: who read up to the first event that is left has missed nothing', async ({ instance: bus, subject }) => {
    const total = subject.retained * 4
    const placed = await appendRange(bus, PROJECT, 1, total)
    const lost = total - (await readAll(bus, PROJECT)).length
    assert.equal((await bus.read(PROJECT, { after: placed[lost - 1]!.position, limit: 3 })).missed, 0)
    assert.equal((await bus.read(PROJECT, { after: placed[lost - 2]!.position, limit: 3 })).missed, 1)
  })

  check('retention: an event that was taken cannot be located, one that is left can', async ({ instance: bus, subject }) => {
    const placed = await appendRange(bus, PROJECT, 1, subject.retained * 4)
    assert.equal(await bus.locate(PROJECT, { at: 'event', event_id: placed[0]!.event.event_id }), undefined)
    const last = placed.at(-1)!
    assert.deepEqual(await readAll(bus, PROJECT, await bus.locate(PROJECT, { at: 'event', event_id: last.event.event_id })), [last])
  })

  check('retention: the idempotency_key of an event that was taken is free again', async ({ instance: bus, subject }) => {
    const first = await bus.append(PROJECT, draft(0, { idempotency_key: 'agent-1/a' }))
    const total = subject.retained * 4
    await appendRange(bus, PROJECT, 1, total)
    assert.equal(await bus.locate(PROJECT, { at: 'key', idempotency_key: 'agent-1/a' }), undefined)
    const second = await bus.append(PROJECT, draft(total + 1, { idempotency_key: 'agent-1/a' }))
    assert.equal(second.duplicate, false)
    assert.ok(second.event.event_id > first.event.event_id)
    assert.equal((await bus.append(PROJECT, draft(-1, { idempotency_key: 'agent-1/a' }))).event.event_id, second.event.event_id, 'it belongs to the later event')
  })

  check('retention: a busy project takes nothing from its neighbour', async ({ instance: bus, subject }) => {
    const theirs = await appendRange(bus, NEIGHBOUR, 1, 3)
    await bus.savePosition(NEIGHBOUR, 'agent-1', theirs[0]!.position)
    await overflow(bus, subject.retained)
    assert.deepEqual(await readAll(bus, NEIGHBOUR), theirs)
    const page = await bus.read(NEIGHBOUR, { after: theirs[0]!.position, limit: 10 })
    assert.equal(page.missed, 0)
    assert.equal(await bus.loadPosition(NEIGHBOUR, 'agent-1'), theirs[0]!.position)
  })

  check('retention: missed is still exact after reopening', async ({ instance: bus, subject, reopen }) => {
    if (!bus.supports.durable) return
    const start = await earliest(bus, PROJECT)
    const { total, lost } = await overflow(bus, subject.retained)
    const reopened = await reopen()
    assert.equal((await reopened.read(PROJECT, { after: start, limit: 3 })).missed, total - (await readAll(reopened, PROJECT)).length)
    assert.ok((await readAll(reopened, PROJECT)).length >= subject.retained)
    assert.ok(total - (await readAll(reopened, PROJECT)).length <= lost + subject.retained)
  })
}
