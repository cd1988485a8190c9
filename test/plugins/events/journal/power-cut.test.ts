import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import type { EventBus } from '../../../../core/contracts/index.js'
import { writeFileDurably } from '../../../../core/durable-file.js'
import { createTestClock } from '../../../../core/testing/clock.js'
import { draft, NEIGHBOUR, PROJECT, range, readAll } from '../../../../core/testing/event-bus/events.js'
import { record } from '../../../../core/testing/result-store/records.js'
import { createJournal } from '../../../../plugins/events/journal/journal.js'
import { createFileStore } from '../../../../plugins/storage/files/store.js'
import { isJson } from '../../../support/json-file.js'
import { mountDisk, NO_DISK, type TestDisk } from '../../../support/disk.js'
import { interceptFileHandles } from '../../../support/file-handle.js'
import { createLogSpy } from '../../../support/log-spy.js'
import { isRising, retentionOf } from './open-journal.js'

const WRITERS = 119
/** `npm run soak:power` gives another number. */
const rounds = Number(process.argv[2] ?? 4)

interface Acknowledged {
  number: number
  /** By the clock of `process.hrtime`. */
  at: bigint
}

interface Survived {
  acknowledged: { events: number, results: number }
  lost: { events: number, results: number }
  /** Files of results that are no JSON. */
  unsound: number
}

/** Publishes and stores until the power is cut, and starts again; answers how much of what was acknowledged before is lost or unsound. */
async function survive (disk: TestDisk, round: number): Promise<Survived> {
  const clock = createTestClock()
  const directory = join(disk.folder, `events-${round}`)
  const storage = join(disk.folder, `storage-${round}`)
  const log = createLogSpy()
  const openBus = async (): Promise<EventBus> => {
    const bus = createJournal({ directory, retention: retentionOf({ count: 1_000_000 }), segmentBytes: 20_000, clock, elapsed: clock, log })
    await bus.open!()
    return bus
  }
  const bus = await openBus()
  const store = createFileStore({ storage, log, writes: 8 })
  await store.open!()
  const events = new Map<string, Acknowledged>()
  const results = new Map<string, Acknowledged>()
  let last = 0
  const publish = async (project: string): Promise<void> => {
    for (;;) {
      const number = ++last
      const { event } = await bus.append(project, draft(number))
      events.set(event.event_id, { number, at: process.hrtime.bigint() })
    }
  }
  const keep = async (): Promise<void> => {
    for (;;) {
      const number = ++last
      const result = record(number, { issue_id: `issue-${number % 7}` })
      await store.put(PROJECT, result)
      results.set(result.id, { number, at: process.hrtime.bigint() })
    }
  }
  const working = [...range(1, WRITERS).map((writer) => publish(writer % 4 === 0 ? NEIGHBOUR : PROJECT)), ...range(1, 8).map(keep)]
  const failed = Promise.race(working)
  const ended = Promise.allSettled(working)
  while (events.size < 300 * (1 + round % 3) || results.size < 10) await Promise.race([failed, delay(1)])
  let cut: bigint
  try {
    cut = await disk.cutPower()
  } finally {
    await Promise.allSettled([bus.close!(), store.close?.()])
  }
  await ended
  await disk.restore()
  for (const acknowledged of [events, results]) {
    for (const [id, { at }] of acknowledged) if (at > cut) acknowledged.delete(id)
  }

  const reopened = await openBus()
  const there = new Map<string, unknown>()
  for (const project of [PROJECT, NEIGHBOUR]) {
    const ids = (await readAll(reopened, project)).map(({ event }) => { there.set(event.event_id, event.data.number); return event.event_id })
    if (!isRising(ids)) throw new Error('identifiers do not rise')
  }
  await reopened.close!()
  const again = createFileStore({ storage, log, writes: 8 })
  await again.open!()
  const lost = { events: [...events].filter(([id, { number }]) => there.get(id) !== number).length, results: 0 }
  for (const id of results.keys()) if (await again.get(PROJECT, id).catch(() => undefined) === undefined) lost.results++
  await again.close?.()
  const unsound = readdirSync(join(storage, 'results'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.json') && !isJson(join(entry.parentPath, entry.name))).length
  for (const folder of [directory, storage]) rmSync(folder, { recursive: true })
  return { acknowledged: { events: events.size, results: results.size }, lost, unsound }
}

/** Stores one result, cuts the power at once, and answers whether it is there. */
async function storeOne (disk: TestDisk, name: string): Promise<boolean> {
  const options = { storage: join(disk.folder, name), log: createLogSpy(), writes: 8 }
  const store = createFileStore(options)
  await store.open!()
  // The second: its folders are there, and only its own names are new.
  for (const number of [1, 2]) await store.put(PROJECT, record(number))
  await disk.cutPower()
  await store.close!().catch(() => {})
  await disk.restore()
  const again = createFileStore(options)
  await again.open!()
  const found = await again.get(PROJECT, record(2).id).catch(() => undefined)
  await again.close!()
  return found !== undefined
}

t.setTimeout(0)

const disk = await mountDisk(t)

t.test('FAULT 2: a power cut', { skip: disk === undefined ? NO_DISK : false }, async (t) => {
  t.test('FAULT 2: loses nothing that was acknowledged, and leaves no file empty or cut off', async (t) => {
    const all = { events: 0, results: 0 }
    for (let round = 0; round < rounds; round++) {
      const { acknowledged, lost, unsound } = await survive(disk!, round)
      t.strictSame({ lost, unsound }, { lost: { events: 0, results: 0 }, unsound: 0 }, `round ${round + 1}: of ${acknowledged.events} events and ${acknowledged.results} results`)
      all.events += acknowledged.events
      all.results += acknowledged.results
    }
    t.ok(all.events > 100 * rounds && all.results >= 10 * rounds, `${all.events} events and ${all.results} results were acknowledged`)
    t.ok(await storeOne(disk!, 'stored'), 'also one that is alone')
  })

  t.test('FAULT 2, safeguard taken out: without fdatasync events and results are lost', async (t) => {
    const restore = interceptFileHandles(t, 'datasync', async () => {})
    const { acknowledged, lost, unsound } = await survive(disk!, rounds)
    restore()
    t.ok(lost.events > 0, `${lost.events} of ${acknowledged.events} events`)
    t.ok(lost.results > 0, `${lost.results} of ${acknowledged.results} results, ${unsound} files are unsound`)
  })

  t.test('FAULT 2, safeguard taken out: without the fsync of its folder a result is lost', async (t) => {
    const restore = interceptFileHandles(t, 'sync', async () => {})
    const isThere = await storeOne(disk!, 'stored-without')
    restore()
    t.notOk(isThere)
  })

  t.test('FAULT 2, safeguard taken out: without the fsync of its folder a file that was renamed is lost, as each new segment of the log is', async (t) => {
    const [kept, lost] = ['kept', 'lost'].map((name) => join(disk!.folder, name))
    await writeFileDurably(kept!, 'kept')
    const restore = interceptFileHandles(t, 'sync', async () => {})
    await writeFileDurably(lost!, 'lost')
    restore()
    await disk!.cutPower()
    await disk!.restore()
    t.ok(existsSync(kept!))
    t.notOk(existsSync(lost!))
  })
})
