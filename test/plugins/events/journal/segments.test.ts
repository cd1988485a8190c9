import { cpSync, existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { createTestClock } from '../../../../core/testing/clock.js'
import { appendRange, draft, NEIGHBOUR, numbersOf, PROJECT, range, readAll } from '../../../../core/testing/event-bus/events.js'
import { eventually, rejectsWith } from '../../../../core/testing/expectations.js'
import { diskError, interceptFileHandles } from '../../../support/file-handle.js'
import { quickFolder } from '../../../support/temporary.js'
import { closedSegments, HOUR, LOG, openJournal } from './open-journal.js'

t.test('segments', async (t) => {
  t.test('are closed when they have grown, and removed when they hold nothing that is retained', async (t) => {
    const options = { segmentBytes: 2000, retention: { age: 24 * HOUR, count: 20 } }
    const { bus, directory } = await openJournal(t, await quickFolder(t), options)
    const placed = await appendRange(bus, PROJECT, 1, 300)
    const names = closedSegments(directory)
    t.ok(names.length >= 2 && names.length <= 8, `20 retained events lie in ${names.length} closed segments`)
    t.ok(Number(/\d+/.exec(names[0]!)![0]) > 20, 'the first ones are gone')
    for (const name of [...names, LOG]) {
      t.match(JSON.parse(readFileSync(join(directory, name), 'utf8').split('\n')[0]!), { heads: { [PROJECT]: { last_id: /^evt_/ } } }, `${name} begins with the numbering`)
    }
    const bytes = [...names, LOG].reduce((sum, name) => sum + statSync(join(directory, name)).size, 0)
    t.match(await bus.stats(), { retained: 20, published: 300, bytes })
    const reopened = await openJournal(t, directory, options)
    t.strictSame(await readAll(reopened.bus, PROJECT), placed.slice(-20))
    t.match(await reopened.bus.stats(), { retained: 20, published: 0 })
    t.strictSame(numbersOf((await reopened.bus.read(PROJECT, { after: placed[289]!.position, limit: 100 })).items), range(291, 300))
  })

  t.test('numbering, identifiers and positions go on after all events of a project have expired with their segments', async (t) => {
    const directory = await quickFolder(t)
    const options = { segmentBytes: 1500, retention: { age: 24 * HOUR, count: 10 }, clock: createTestClock() }
    const { bus, clock } = await openJournal(t, directory, options)
    const placed = await appendRange(bus, PROJECT, 1, 5)
    await bus.savePosition(PROJECT, 'reader', placed[4]!.position)
    clock.advance(25 * HOUR)
    await appendRange(bus, NEIGHBOUR, 1, 60)
    t.ok(closedSegments(directory).every((name) => !readFileSync(join(directory, name), 'utf8').includes(`"project_id":"${PROJECT}"`)), 'no segment holds them any more')
    await bus.close!()
    for (const round of [1, 2, 3]) {
      const reopened = (await openJournal(t, directory, options)).bus
      t.strictSame(await readAll(reopened, PROJECT), [])
      t.equal(await reopened.loadPosition(PROJECT, 'reader'), placed[4]!.position, `opened ${round} times, the reader stands where it stood`)
      t.equal((await reopened.read(PROJECT, { after: placed[4]!.position, limit: 10 })).missed, 0)
      t.equal((await reopened.read(PROJECT, { after: placed[1]!.position, limit: 10 })).missed, 3)
    }
    const last = (await openJournal(t, directory, options)).bus
    const [next] = await appendRange(last, PROJECT, 6, 6)
    t.ok(next!.event.event_id > placed[4]!.event.event_id)
    t.strictSame((await last.read(PROJECT, { after: placed[4]!.position, limit: 10 })).items, [next], 'the reader gets exactly what came after')
    t.equal((await last.read(PROJECT, { after: placed[0]!.position, limit: 10 })).missed, 4)
  })

  t.test('a crash at any point of a rotation keeps events, numbering and positions', async (t) => {
    const directory = await quickFolder(t)
    const snapshots: { folder: string, acknowledged: number }[] = []
    const parent = await quickFolder(t, 'snapshots')
    const options = { segmentBytes: 1500, retention: { age: 24 * HOUR, count: 4 }, clock: createTestClock() }
    const { bus } = await openJournal(t, directory, options)
    const [idle] = await appendRange(bus, NEIGHBOUR, 1, 1)
    await bus.savePosition(NEIGHBOUR, 'reader', idle!.position)
    await eventually(() => existsSync(join(directory, 'positions.json')), 'the position is written')
    options.clock.advance(25 * HOUR)
    let acknowledged = 0
    const snap = async (original: () => Promise<unknown>): Promise<unknown> => {
      for (const when of ['before', 'after']) {
        const folder = join(parent, `${snapshots.length}-${when}`)
        cpSync(directory, folder, { recursive: true })
        snapshots.push({ folder, acknowledged })
        if (when === 'before') await original()
      }
      return undefined
    }
    const restore = [interceptFileHandles(t, 'datasync', snap), interceptFileHandles(t, 'sync', snap)]
    for (; acknowledged < 20; acknowledged++) await bus.append(PROJECT, draft(acknowledged + 1))
    for (const undo of restore) undo()
    t.ok(snapshots.some(({ folder }) => !existsSync(join(folder, LOG))), 'a snapshot lies between two segments')
    t.ok(snapshots.some(({ folder }) => closedSegments(folder).some((name) => name.endsWith('3.jsonl'))), 'several rotations were seen')
    for (const { folder, acknowledged } of snapshots) {
      const reopened = (await openJournal(t, folder, options)).bus
      const numbers = numbersOf(await readAll(reopened, PROJECT))
      const newest = Number(numbers.at(-1) ?? 0)
      if (newest < acknowledged || newest > acknowledged + 1) t.fail(`${folder}: ${acknowledged} were acknowledged, and ${newest} is the newest`)
      if (numbers.length < Math.min(4, acknowledged)) t.fail(`${folder}: ${numbers.length} events are left`)
      if (await reopened.loadPosition(NEIGHBOUR, 'reader') !== idle!.position) t.fail(`${folder}: the idle project lost its reader's position`)
      const [next] = await appendRange(reopened, NEIGHBOUR, 2, 2)
      t.strictSame((await reopened.read(NEIGHBOUR, { after: idle!.position, limit: 9 })).items, [next])
      await reopened.close!()
    }
  })

  t.test('a rotation that fails half-way is refused, and goes on when there is room', async (t) => {
    const directory = await quickFolder(t)
    const { bus } = await openJournal(t, directory, { segmentBytes: 1000 })
    const placed = await appendRange(bus, PROJECT, 1, 4)
    const restore = interceptFileHandles(t, 'datasync', async () => { throw diskError('ENOSPC') })
    for (const number of [5, 6]) await rejectsWith('EVT_001', () => bus.append(PROJECT, draft(number)), 'an event for which no segment can be begun')
    restore()
    await bus.check!()
    placed.push(...await appendRange(bus, PROJECT, 7, 8))
    t.strictSame(await readAll(bus, PROJECT), placed)
    t.strictSame(await readAll((await openJournal(t, directory)).bus, PROJECT), placed)
  })
})
