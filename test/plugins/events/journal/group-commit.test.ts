import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { append, appendRange, draft, NEIGHBOUR, numbersOf, PROJECT, range, readAll } from '../../../../core/testing/event-bus/events.js'
import { interceptFileHandles } from '../../../support/file-handle.js'
import { quickFolder } from '../../../support/temporary.js'
import { HOUR, idsOf, LOG, openJournal } from './open-journal.js'

t.test('FAULT 2: group commit: what gathers during a sync is synced together, and nothing is acknowledged before its sync', async (t) => {
  const { bus, directory } = await openJournal(t, await quickFolder(t))
  let syncs = 0
  let synced = 0
  interceptFileHandles(t, 'datasync', async (original) => {
    const size = statSync(join(directory, LOG)).size
    await original()
    syncs++
    synced = size
  })
  const unsynced: string[] = []
  const placed = await Promise.all(range(1, 500).map(async (number) => {
    const { event, position } = await bus.append(number % 2 === 0 ? PROJECT : NEIGHBOUR, draft(number))
    const written = readFileSync(join(directory, LOG)).subarray(0, synced).includes(event.event_id)
    if (!written) unsynced.push(event.event_id)
    return { event, position }
  }))
  t.strictSame(unsynced, [], 'each event is in the synced part of the log when it is acknowledged')
  t.equal(new Set(idsOf(placed)).size, 500)
  t.ok(syncs >= 1 && syncs <= 3, `500 appends at once take ${syncs} syncs`)
  await appendRange(bus, PROJECT, 501, 503)
  t.ok(syncs >= 4 && syncs <= 6, 'one after the other they take one each')
  t.strictSame(numbersOf(await readAll(bus, PROJECT)), [...range(1, 500).filter((number) => number % 2 === 0), 501, 502, 503])
})

t.test('an event that is given twice in one batch is one event, also where retention takes it in between', async (t) => {
  const directory = await quickFolder(t)
  const { bus } = await openJournal(t, directory, { retention: { age: HOUR, count: 1 } })
  const given = draft(1, { event_id: 'evt_given' })
  const heard: unknown[] = []
  await bus.subscribe(PROJECT, ({ event }) => { heard.push(event.data.number) })
  const [first, other, again] = await Promise.all([draft(0), given, draft(2), given].map(async (each) => await append(bus, PROJECT, each)).slice(1))
  t.strictSame(again, first)
  t.strictSame(heard, [0, 1, 2])
  t.strictSame((await readAll(bus, PROJECT)), [other], 'memory numbers its events as the log does')
  const reopened = await openJournal(t, directory, { retention: { age: HOUR, count: 1 } })
  t.strictSame(await readAll(reopened.bus, PROJECT), [other])
})
