import assert from 'node:assert/strict'
import { rejectsWith } from '../expectations.js'
import { sampleId } from '../samples.js'
import { appendRange, earliest, latest, NEIGHBOUR, numbersOf, PROJECT, range, readAll, type BusTest } from './events.js'

const GARBAGE = ['', ' ', 'garbage', '-1', '1.5', 'NaN', 'null', '{}', '../../etc/passwd', '%00', '\u0000', 'é', 'z'.repeat(4_096)]

export function positionTests (check: BusTest): void {
  check('reading after a position continues exactly behind its event', async ({ instance: bus }) => {
    const placed = await appendRange(bus, PROJECT, 1, 6)
    for (const [index, { position }] of placed.entries()) {
      assert.deepEqual(await readAll(bus, PROJECT, position), placed.slice(index + 1))
    }
    const first = placed[0]!.position
    assert.deepEqual(await readAll(bus, PROJECT, first), placed.slice(1), 'a position may be used again')
  })

  check('a page holds at most limit items, and pages follow without loss or repetition', async ({ instance: bus }) => {
    const placed = await appendRange(bus, PROJECT, 1, 10)
    await appendRange(bus, NEIGHBOUR, 11, 15)
    for (const limit of [1, 3, 5, 10, 11]) assert.deepEqual(await readAll(bus, PROJECT, undefined, limit), placed, `limit ${limit}`)
  })

  check('end is said when, and only when, nothing is left', async ({ instance: bus }) => {
    const start = await earliest(bus, PROJECT)
    await appendRange(bus, PROJECT, 1, 4)
    assert.equal((await bus.read(PROJECT, { after: start, limit: 3 })).end, false)
    const exact = await bus.read(PROJECT, { after: start, limit: 4 })
    assert.equal(exact.items.length < 4 || exact.end, true, 'a page that took the last event is the end')
    const behind = await bus.read(PROJECT, { after: await latest(bus, PROJECT), limit: 4 })
    assert.deepEqual({ items: behind.items, end: behind.end, missed: behind.missed }, { items: [], end: true, missed: 0 })
  })

  check('an empty page gives a position from which later events are seen', async ({ instance: bus }) => {
    const start = await earliest(bus, PROJECT)
    const empty = await bus.read(PROJECT, { after: start, limit: 5 })
    assert.deepEqual({ items: empty.items, end: empty.end, missed: empty.missed }, { items: [], end: true, missed: 0 })
    await appendRange(bus, NEIGHBOUR, 8, 9)
    await appendRange(bus, PROJECT, 1, 2)
    assert.deepEqual(numbersOf(await readAll(bus, PROJECT, empty.next)), [1, 2])
    const { next } = await bus.read(PROJECT, { after: empty.next, limit: 5 })
    await appendRange(bus, PROJECT, 3, 3)
    assert.deepEqual(numbersOf(await readAll(bus, PROJECT, next)), [3])
  })

  check('earliest lies before all events and latest behind them', async ({ instance: bus }) => {
    const beforeAny = await latest(bus, PROJECT)
    await appendRange(bus, PROJECT, 1, 3)
    const behind = await latest(bus, PROJECT)
    assert.deepEqual(await readAll(bus, PROJECT, behind), [])
    await appendRange(bus, PROJECT, 4, 5)
    assert.deepEqual(numbersOf(await readAll(bus, PROJECT, await earliest(bus, PROJECT))), range(1, 5))
    assert.deepEqual(numbersOf(await readAll(bus, PROJECT, beforeAny)), range(1, 5))
    assert.deepEqual(numbersOf(await readAll(bus, PROJECT, behind)), [4, 5])
  })

  check('an event is located just before itself', async ({ instance: bus }) => {
    const placed = await appendRange(bus, PROJECT, 1, 4)
    for (const [index, { event }] of placed.entries()) {
      const position = await bus.locate(PROJECT, { at: 'event', event_id: event.event_id })
      assert.deepEqual(await readAll(bus, PROJECT, position), placed.slice(index))
    }
  })

  check('locating an event that is not there gives undefined', async ({ instance: bus, clock }) => {
    const [other] = await appendRange(bus, NEIGHBOUR, 1, 1)
    assert.equal(await bus.locate(PROJECT, { at: 'event', event_id: other!.event.event_id }), undefined, 'of another project')
    await appendRange(bus, PROJECT, 2, 3)
    assert.equal(await bus.locate(PROJECT, { at: 'event', event_id: other!.event.event_id }), undefined, 'of another project')
    assert.equal(await bus.locate(PROJECT, { at: 'event', event_id: sampleId('evt_', clock() + 1, 1) }), undefined, 'of nobody')
    assert.equal(await bus.locate(PROJECT, { at: 'event', event_id: 'constructor' }), undefined, 'of no form')
  })

  check('a time is located before the first event of that time or later', async ({ instance: bus, clock }) => {
    const start = clock()
    for (const number of range(1, 4)) {
      clock.set(start + number * 1_000)
      await appendRange(bus, PROJECT, number, number)
    }
    for (const [time, expected] of [[0, [1, 2, 3, 4]], [1_000, [1, 2, 3, 4]], [1_001, [2, 3, 4]], [3_000, [3, 4]], [4_001, []]] as const) {
      const position = await bus.locate(PROJECT, { at: 'time', time: start + time })
      assert.deepEqual(numbersOf(await readAll(bus, PROJECT, position)), expected, `${time} ms after the start`)
    }
  })

  check('a garbage position is refused with VAL_001', async ({ instance: bus }) => {
    await appendRange(bus, PROJECT, 1, 2)
    for (const after of GARBAGE) {
      await rejectsWith('VAL_001', () => bus.read(PROJECT, { after, limit: 10 }), `reading after the position ${JSON.stringify(after.slice(0, 20))}`)
    }
  })

  check('a position of another project is refused with VAL_001', async ({ instance: bus }) => {
    await appendRange(bus, PROJECT, 1, 3)
    const theirs = await appendRange(bus, NEIGHBOUR, 1, 3)
    const positions = [...theirs.map(({ position }) => position), await earliest(bus, NEIGHBOUR), await latest(bus, NEIGHBOUR)]
    for (const after of positions) await rejectsWith('VAL_001', () => bus.read(PROJECT, { after, limit: 10 }), 'reading after a position of another project')
    assert.deepEqual(numbersOf(await readAll(bus, NEIGHBOUR, theirs[0]!.position)), [2, 3])
  })

  check('a position from the future is refused with VAL_001', async ({ instance: bus, another }) => {
    await appendRange(bus, PROJECT, 1, 1)
    const ahead = await appendRange(await another(), PROJECT, 1, 5)
    const after = ahead.at(-1)!.position
    await rejectsWith('VAL_001', () => bus.read(PROJECT, { after, limit: 10 }), 'reading after a position that this bus has not reached')
  })
}
