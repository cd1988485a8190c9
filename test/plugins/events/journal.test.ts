import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { appendFile, cp, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { EventBus, PlacedEvent } from '../../../core/contracts/index.js'
import { createTestClock, TEST_TIME, type TestClock } from '../../../core/testing/clock.js'
import { append, appendRange, draft, earliest, latest, NEIGHBOUR, numbersOf, PROJECT, range, readAll } from '../../../core/testing/event-bus/events.js'
import { letter } from '../../../core/testing/event-bus/dead-letters.js'
import { eventually, rejectsWith } from '../../../core/testing/expectations.js'
import { createJournal, type JournalOptions } from '../../../plugins/events/journal/journal.js'
import { createMemoryBus } from '../../../plugins/events/memory.js'
import { diskError, interceptFileHandles } from '../../support/file-handle.js'
import { createLogSpy, type LogSpy } from '../../support/log-spy.js'
import { quickFolder } from '../../support/temporary.js'

const HOUR = 3_600_000
const DAY_OF_MANY = { age: 24 * HOUR, count: 10_000 }
const LOG = 'event-log.jsonl'
const DAMAGED = 'event-log.damaged.jsonl'

interface Opened { bus: EventBus, log: LogSpy, clock: TestClock, directory: string }

/** Opens a journal, closed when the test ends. Opening a folder whose journal is not closed is what a crash looks like. */
async function openJournal (t: Test, directory: string, options: Partial<JournalOptions> & { clock?: TestClock } = {}): Promise<Opened> {
  const log = createLogSpy()
  const clock = options.clock ?? createTestClock()
  const bus = createJournal({ directory, retention: DAY_OF_MANY, segmentBytes: 1 << 20, log, ...options, clock })
  t.teardown(async () => await bus.close!())
  await bus.open!()
  return { bus, log, clock, directory }
}

function closedSegments (directory: string): string[] {
  return readdirSync(directory).filter((name) => /^event-log\.\d+\.jsonl$/.test(name)).sort()
}

function idsOf (items: readonly PlacedEvent[]): string[] {
  return items.map(({ event }) => event.event_id)
}

function isRising (values: readonly string[]): boolean {
  return values.every((value, index) => index === 0 || value > values[index - 1]!)
}

t.test('group commit: what gathers during a sync is synced together, and nothing is acknowledged before its sync', async (t) => {
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

t.test('damage', async (t) => {
  /** A closed log of six events, as bytes, with the place where each line begins. */
  async function sample (t: Test): Promise<{ bytes: Buffer, starts: number[], placed: PlacedEvent[], folderWith: (bytes: Buffer) => string }> {
    const original = await quickFolder(t)
    const { bus } = await openJournal(t, original)
    const placed = await appendRange(bus, PROJECT, 1, 6)
    await bus.savePosition(PROJECT, 'reader', placed[5]!.position)
    await bus.close!()
    const bytes = readFileSync(join(original, LOG))
    const starts = [0]
    for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) starts.push(at + 1)
    const parent = await quickFolder(t, 'damaged')
    let folders = 0
    return {
      bytes,
      starts,
      placed,
      folderWith (damaged) {
        const folder = join(parent, String(++folders))
        mkdirSync(folder)
        for (const name of ['generation', 'positions.json']) cpSync(join(original, name), join(folder, name))
        writeFileSync(join(folder, LOG), damaged)
        return folder
      }
    }
  }

  t.test('a log cut at any byte of its last three records gives the whole ones before, and says what was cut', async (t) => {
    const { bytes, starts, placed, folderWith } = await sample(t)
    const clock = createTestClock()
    for (let cut = starts[4]!; cut <= bytes.length; cut++) {
      const folder = folderWith(bytes.subarray(0, cut))
      const { bus, log } = await openJournal(t, folder, { clock })
      // A record that lacks nothing but its newline is whole.
      const whole = starts.filter((start) => start > starts[1]! && start - 1 <= cut).length
      const isTorn = !starts.includes(cut) && !starts.includes(cut + 1)
      const read = await readAll(bus, PROJECT)
      if (JSON.stringify(read) !== JSON.stringify(placed.slice(0, whole))) t.fail(`cut at ${cut}: ${read.length} events instead of ${whole}`)
      if (log.said.warn.some((message) => message.includes('cut off')) !== isTorn) t.fail(`cut at ${cut}: said ${JSON.stringify(log.said.warn)}`)
      const [next] = await appendRange(bus, PROJECT, 7, 7)
      await bus.close!()
      if (cut % 5 !== 0) continue
      const again = await openJournal(t, folder, { clock })
      if (JSON.stringify(await readAll(again.bus, PROJECT)) !== JSON.stringify([...placed.slice(0, whole), next])) t.fail(`cut at ${cut}: the log does not go on`)
      if (again.log.said.warn.length > 0) t.fail(`cut at ${cut}: the second start says ${JSON.stringify(again.log.said.warn)}`)
      await again.bus.close!()
    }
    t.pass(`${bytes.length - starts[4]! + 1} cuts`)
  })

  t.test('a record of which any byte is flipped is set aside once, those around it live, and no reader passes over one', async (t) => {
    const { bytes, starts, placed, folderWith } = await sample(t)
    const clock = createTestClock()
    let lost = 0
    for (let at = starts[3]!; at < starts[4]!; at++) {
      const damaged = Buffer.from(bytes)
      damaged[at]! ^= [0x01, 0x20, 0x80, 0x46][at % 4]!
      const folder = folderWith(damaged)
      const { bus, log } = await openJournal(t, folder, { clock })
      const read = await readAll(bus, PROJECT)
      const kept = read.length === 6 ? placed : placed.filter((_event, index) => index !== 2)
      if (JSON.stringify(read) !== JSON.stringify(kept)) t.fail(`byte ${at}: ${JSON.stringify(numbersOf(read))}`)
      // Two bytes of a line are constants beside the checksum, and a damaged newline is put right.
      if (read.length === 5) {
        lost++
        if (!log.said.warn.some((message) => message.includes('set aside'))) t.fail(`byte ${at}: nothing was said`)
      }
      for (const [index, { position }] of placed.entries()) {
        const page = await bus.read(PROJECT, { after: position, limit: 9 })
        if (JSON.stringify(page.items) !== JSON.stringify(kept.filter((event) => placed.indexOf(event) > index))) t.fail(`byte ${at}: a reader behind event ${index + 1} gets ${JSON.stringify(numbersOf(page.items))}`)
      }
      const setAside = existsSync(join(folder, DAMAGED)) ? readFileSync(join(folder, DAMAGED), 'latin1') : ''
      await bus.close!()
      const again = await openJournal(t, folder, { clock })
      if (setAside !== (existsSync(join(folder, DAMAGED)) ? readFileSync(join(folder, DAMAGED), 'latin1') : '')) t.fail(`byte ${at}: set aside a second time`)
      if (read.length === 5 && setAside.replaceAll('\n', '').length < starts[4]! - starts[3]! - 2) t.fail(`byte ${at}: not all of the record was set aside`)
      const [next] = await appendRange(again.bus, PROJECT, 7, 7)
      if (JSON.stringify((await again.bus.read(PROJECT, { after: placed[5]!.position, limit: 9 })).items) !== JSON.stringify([next])) t.fail(`byte ${at}: who has read all does not get the next`)
      await again.bus.close!()
    }
    t.ok(lost > (starts[4]! - starts[3]!) - 6, `${lost} flips cost the record`)
  })

  t.test('a damaged last record does not give its number away: who has read it gets the next', async (t) => {
    const { bytes, starts, placed, folderWith } = await sample(t)
    for (const at of [starts[5]! + 20, starts[6]! - 40]) {
      const damaged = Buffer.from(bytes)
      damaged[at]! ^= 1
      damaged[damaged.lastIndexOf('number')]! ^= 1
      const { bus } = await openJournal(t, folderWith(damaged))
      t.equal(await bus.loadPosition(PROJECT, 'reader'), placed[5]!.position)
      const [next] = await appendRange(bus, PROJECT, 7, 7)
      t.strictSame((await bus.read(PROJECT, { after: placed[5]!.position, limit: 9 })).items, [next])
    }
  })

  t.test('a log without its beginning, or without all, is a new one: old cursors are refused and readers begin again', async (t) => {
    const { bytes, placed, folderWith } = await sample(t)
    const headless = Buffer.from(bytes)
    headless[12]! ^= 1
    for (const [damaged, kept] of [[headless, placed], [Buffer.alloc(0), []]] as const) {
      const { bus, log } = await openJournal(t, folderWith(damaged))
      t.ok(log.said.warn.some((message) => message.includes('lost its beginning')))
      t.strictSame(numbersOf(await readAll(bus, PROJECT)), numbersOf(kept))
      t.equal(await bus.loadPosition(PROJECT, 'reader'), undefined)
      await rejectsWith('VAL_001', () => bus.read(PROJECT, { after: placed[1]!.position, limit: 9 }), 'a cursor of before')
      await appendRange(bus, PROJECT, 7, 20)
      await rejectsWith('VAL_001', () => bus.read(PROJECT, { after: placed[1]!.position, limit: 9 }), 'a cursor of before, when the numbers have come so far again')
    }
  })

  t.test('a log that lost its tail forgets positions beyond it, before its numbers come there again', async (t) => {
    const { bytes, starts, folderWith } = await sample(t)
    const { bus, log } = await openJournal(t, folderWith(bytes.subarray(0, starts[4])))
    t.ok(log.said.warn.some((message) => message.includes('not of this event log')))
    await appendRange(bus, PROJECT, 10, 20)
    t.equal(await bus.loadPosition(PROJECT, 'reader'), undefined)
  })

  t.test('a closed segment that lost its last newline is told and set aside, not taken for a crash', async (t) => {
    const directory = await quickFolder(t)
    const { bus } = await openJournal(t, directory, { segmentBytes: 1000 })
    await appendRange(bus, PROJECT, 1, 12)
    await bus.close!()
    const [first] = closedSegments(directory)
    const bytes = readFileSync(join(directory, first!))
    writeFileSync(join(directory, first!), bytes.subarray(0, -30))
    const { bus: reopened, log } = await openJournal(t, directory, { segmentBytes: 1000 })
    t.equal((await readAll(reopened, PROJECT)).length, 11)
    t.ok(log.said.warn.some((message) => message.includes('set aside')))
    t.ok(existsSync(join(directory, DAMAGED)))
  })
})

t.test('a bad disk', async (t) => {
  t.test('a write that fails is refused and taken back, and the log heals', async (t) => {
    const directory = await quickFolder(t)
    const { bus } = await openJournal(t, directory)
    const placed = await appendRange(bus, PROJECT, 1, 2)
    const { size } = statSync(join(directory, LOG))
    let short = false
    const restore = interceptFileHandles(t, 'write', async (original, handle, args) => {
      if (short) throw diskError('ENOSPC')
      short = true
      // The system's own first answer to a full disk: a part is written.
      const [buffer, offset, , position] = args as [Buffer, number, number, number]
      args.splice(0, 4, buffer, offset, 40, position)
      return await original()
    })
    const outcomes = await Promise.allSettled(range(3, 22).map(async (number) => await bus.append(PROJECT, draft(number))))
    t.ok(outcomes.every((outcome) => outcome.status === 'rejected' && (outcome.reason as { code: string }).code === 'EVT_001'), 'none of the batch is acknowledged')
    t.equal(statSync(join(directory, LOG)).size, size, 'the short write is truncated away')
    t.strictSame(await readAll(bus, PROJECT), placed, 'reading goes on, and shows nothing that was refused')
    await bus.check!()
    restore()
    placed.push(...await appendRange(bus, PROJECT, 23, 24))
    t.ok(isRising(idsOf(placed)))
    t.strictSame(await readAll(bus, PROJECT), placed)
    const reopened = await openJournal(t, directory)
    t.strictSame(await readAll(reopened.bus, PROJECT), placed)
    t.strictSame(reopened.log.said.warn, [])
  })

  t.test('a write that cannot be taken back closes the log', async (t) => {
    const { bus } = await openJournal(t, await quickFolder(t))
    await appendRange(bus, PROJECT, 1, 1)
    const restore = ['write', 'truncate'].map((method) => interceptFileHandles(t, method as 'write', async () => { throw diskError('EIO') }))
    await rejectsWith('EVT_001', () => bus.append(PROJECT, draft(2)), 'an event')
    for (const undo of restore) undo()
    await rejectsWith('EVT_001', () => bus.append(PROJECT, draft(3)), 'an event behind unknown bytes')
    await t.rejects(bus.check!(), { code: 'EVT_001', message: /could not be taken back.*EIO/ })
  })

  t.test('a sync that fails is not tried again: the log takes nothing more and says so, until it is opened again', async (t) => {
    const directory = await quickFolder(t)
    const { bus } = await openJournal(t, directory)
    const placed = await appendRange(bus, PROJECT, 1, 3)
    let syncs = 0
    const restore = interceptFileHandles(t, 'datasync', async () => {
      syncs++
      throw diskError('EIO')
    })
    const heard: unknown[] = []
    await bus.subscribe(PROJECT, ({ event }) => { heard.push(event.data.number) })
    const outcomes = await Promise.allSettled(range(4, 9).map(async (number) => await bus.append(PROJECT, draft(number))))
    t.ok(outcomes.every((outcome) => outcome.status === 'rejected' && (outcome.reason as { code: string }).code === 'EVT_001'))
    t.equal(syncs, 1)
    restore()
    await rejectsWith('EVT_001', () => bus.append(PROJECT, draft(10)), 'an event after the disk is sound')
    await t.rejects(bus.check!(), { code: 'EVT_001', message: /did not confirm.*EIO.*restart/ })
    t.strictSame(await readAll(bus, PROJECT), placed, 'reading goes on')
    t.strictSame(heard, [])
    await bus.close!()
    const reopened = await openJournal(t, directory)
    await reopened.bus.check!()
    t.strictSame((await readAll(reopened.bus, PROJECT)).slice(0, 3), placed)
    await appendRange(reopened.bus, PROJECT, 11, 11)
  })

  const mountable = process.getuid?.() === 0 && process.platform === 'linux'
  t.test('a disk that is really full', { skip: mountable ? false : 'needs root, to mount a small file system' }, async (t) => {
    const mountPoint = await quickFolder(t)
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=128k', 'tmpfs', mountPoint], { stdio: 'ignore' })
    } catch {
      t.comment('NOT TESTED: a small file system cannot be mounted here')
      return
    }
    t.teardown(() => execFileSync('umount', ['--lazy', mountPoint]))
    const directory = join(mountPoint, 'events')
    // The first log is full at the end of a segment, the second in the middle of one.
    for (const segmentBytes of [10_000, 1 << 20]) {
      await rm(directory, { recursive: true, force: true })
      const { bus, log } = await openJournal(t, directory, { segmentBytes })
      await writeFile(join(mountPoint, 'filler'), Buffer.alloc(70_000))
      const acknowledged: PlacedEvent[] = []
      let refused = 0
      for (let number = 1; refused < 5; number++) {
        await append(bus, PROJECT, draft(number, { data: { number, text: 'x'.repeat(number % 700) } })).then(
          (placed) => acknowledged.push(placed),
          (error: { code: string }) => {
            t.equal(error.code, 'EVT_001')
            refused++
          }
        )
      }
      t.ok(acknowledged.length > 20)
      await bus.savePosition(PROJECT, 'reader', acknowledged[9]!.position)
      await eventually(() => log.said.warn.some((message) => message.includes('could not be saved')), 'a position that cannot be saved is told')
      t.strictSame(await readAll(bus, PROJECT), acknowledged)
      await rm(join(mountPoint, 'filler'))
      await bus.check!()
      acknowledged.push(...await appendRange(bus, PROJECT, 9001, 9003))
      await bus.close!()
      const reopened = await openJournal(t, directory, { segmentBytes })
      t.strictSame(await readAll(reopened.bus, PROJECT), acknowledged, 'exactly what was acknowledged is there')
      t.equal(await reopened.bus.loadPosition(PROJECT, 'reader'), acknowledged[9]!.position, 'the position is written at the latest when it closes')
      t.strictSame(reopened.log.said.warn, [])
      await reopened.bus.close!()
    }
  })
})

t.test('positions', async (t) => {
  t.test('survive close, and after a kill are never newer than saved', async (t) => {
    const directory = await quickFolder(t)
    const { bus } = await openJournal(t, directory)
    const placed = await appendRange(bus, PROJECT, 1, 10)
    const written = (): string => (existsSync(join(directory, 'positions.json')) ? readFileSync(join(directory, 'positions.json'), 'utf8') : '')
    const killed = await quickFolder(t)
    let rounds = 0
    for (const [index, { position }] of placed.entries()) {
      await bus.savePosition(PROJECT, 'reader', position)
      if (index % 3 === 0) await eventually(() => written().includes(position), 'the position is written behind')
      const folder = join(killed, String(index))
      await cp(directory, folder, { recursive: true })
      const found = await (await openJournal(t, folder)).bus.loadPosition(PROJECT, 'reader')
      const place = found === undefined ? -1 : placed.findIndex((event) => event.position === found)
      if (place > index || place < index - index % 3) t.fail(`saved ${index}, found ${place}`)
      rounds++
    }
    t.equal(rounds, 10)
    await bus.close!()
    t.equal(await (await openJournal(t, directory)).bus.loadPosition(PROJECT, 'reader'), placed[9]!.position)
  })

  t.test('that cannot be read are told, and readers begin again', async (t) => {
    const directory = await quickFolder(t)
    for (const content of ['', '{', 'null', '[["x"]]', '[[1,2]]']) {
      await mkdir(directory, { recursive: true })
      await writeFile(join(directory, 'positions.json'), content)
      const { bus, log } = await openJournal(t, directory)
      t.ok(log.said.warn.length > 0, JSON.stringify(content))
      t.equal(await bus.loadPosition(PROJECT, 'reader'), undefined)
    }
  })

  t.test('of another log are refused with VAL_001', async (t) => {
    const directory = await quickFolder(t)
    const { bus } = await openJournal(t, directory)
    const [first] = await appendRange(bus, PROJECT, 1, 3)
    const anchors = [first!.position, await earliest(bus, PROJECT), await latest(bus, PROJECT)]
    await bus.close!()
    await rm(directory, { recursive: true })
    const wiped = (await openJournal(t, directory)).bus
    await appendRange(wiped, PROJECT, 1, 3)
    for (const after of anchors) await rejectsWith('VAL_001', () => wiped.read(PROJECT, { after, limit: 9 }), 'a position of the log that was wiped')
  })
})

t.test('dead letters', async (t) => {
  t.test('survive a kill and a close; one that was removed stays away, and a torn line is told', async (t) => {
    const directory = await quickFolder(t)
    const { bus, clock } = await openJournal(t, directory)
    const letters = (await appendRange(bus, PROJECT, 1, 4)).map((placed) => letter(placed, clock()))
    await Promise.all(letters.map(async (each) => await bus.addDeadLetter(PROJECT, each)))
    t.equal(await bus.removeDeadLetter(PROJECT, letters[1]!.event.event_id), true)
    t.equal(await bus.removeDeadLetter(NEIGHBOUR, letters[0]!.event.event_id), false)
    const kept = letters.filter((_letter, index) => index !== 1)
    const killed = (await openJournal(t, directory)).bus
    t.strictSame(await killed.listDeadLetters(PROJECT), kept)
    await killed.close!()
    await appendFile(join(directory, 'dead-letters.jsonl'), '{"add":{"event":{"event_i')
    const { bus: last, log } = await openJournal(t, directory)
    t.strictSame(await last.listDeadLetters(PROJECT), kept)
    t.ok(log.said.warn.some((message) => message.includes('dead letters')))
    t.equal((await last.stats(PROJECT)).dead_letters, 3)
  })

  t.test('the file does not grow with letters that are gone', async (t) => {
    const directory = await quickFolder(t)
    const { bus, clock } = await openJournal(t, directory)
    const [kept, ...others] = await appendRange(bus, PROJECT, 1, 40)
    await bus.addDeadLetter(PROJECT, letter(kept!, clock()))
    for (const placed of others) {
      await bus.addDeadLetter(PROJECT, { ...letter(placed, clock()), last_error: 'x'.repeat(1 << 20) })
      await bus.removeDeadLetter(PROJECT, placed.event.event_id)
    }
    t.ok(statSync(join(directory, 'dead-letters.jsonl')).size < 20 * (1 << 20))
    t.strictSame(await (await openJournal(t, directory)).bus.listDeadLetters(PROJECT), [letter(kept!, clock())])
  })
})

t.test('identifiers rise strictly across restarts, whatever the clock does', async (t) => {
  const directory = await quickFolder(t)
  const clock = createTestClock()
  const ids: string[] = []
  for (const step of [0, -2 * HOUR, 25 * HOUR, -25 * HOUR, 1, -1000 * HOUR]) {
    clock.advance(step)
    const { bus } = await openJournal(t, directory, { clock, segmentBytes: 1000 })
    ids.push(...idsOf(await appendRange(bus, PROJECT, 1, 7)))
    if (step > 0) await bus.close!()
  }
  t.equal(ids.length, 42)
  t.ok(isRising(ids))
})

const buses: [string, (t: Test, clock: TestClock, retention: JournalOptions['retention']) => Promise<EventBus>][] = [
  ['journal', async (t, clock, retention) => (await openJournal(t, await quickFolder(t), { clock, retention, segmentBytes: 2000 })).bus],
  ['memory', async (_t, clock, retention) => createMemoryBus({ clock, retention, log: createLogSpy() })]
]

for (const [name, create] of buses) {
  t.test(`retention: ${name}`, async (t) => {
    t.test('by number, and missed is exact for every reader', async (t) => {
      const bus = await create(t, createTestClock(), { age: 24 * HOUR, count: 50 })
      const start = await earliest(bus, PROJECT)
      const placed = await appendRange(bus, PROJECT, 1, 3000)
      t.strictSame(await readAll(bus, PROJECT), placed.slice(-50))
      for (const [index, after] of [start, ...placed.map(({ position }) => position)].entries()) {
        const page = await bus.read(PROJECT, { after, limit: 2 })
        const missed = Math.max(0, 2950 - index)
        if (page.missed !== missed || page.items.length + missed + index > 3000) t.fail(`behind event ${index}: missed ${page.missed}`)
        if (JSON.stringify(page.items) !== JSON.stringify(placed.slice(index + missed, index + missed + 2))) t.fail(`behind event ${index}: ${JSON.stringify(numbersOf(page.items))}`)
      }
    })

    t.test('by age, to the hour', async (t) => {
      const clock = createTestClock()
      const bus = await create(t, clock, DAY_OF_MANY)
      const start = await earliest(bus, PROJECT)
      for (const hour of range(1, 48)) {
        clock.set(TEST_TIME + hour * HOUR)
        await bus.append(PROJECT, draft(hour, { ttl_seconds: 86_400 * 3 }))
      }
      t.strictSame(numbersOf(await readAll(bus, PROJECT)), range(24, 48))
      t.equal((await bus.read(PROJECT, { after: start, limit: 1 })).missed, 23)
      clock.advance(23 * HOUR)
      t.strictSame(numbersOf(await readAll(bus, PROJECT)), [47, 48])
      clock.advance(2 * HOUR)
      t.strictSame(await readAll(bus, PROJECT), [])
      t.equal((await bus.read(PROJECT, { after: start, limit: 1 })).missed, 48)
      t.equal((await bus.stats(PROJECT)).retained, 0)
    })

    t.test('a clock that is set back 2 h keeps order, drops nothing early and does not stop retention', async (t) => {
      const clock = createTestClock()
      const bus = await create(t, clock, { age: 24 * HOUR, count: 30 })
      const before = await appendRange(bus, PROJECT, 1, 10)
      clock.advance(-2 * HOUR)
      const after = await appendRange(bus, PROJECT, 11, 20)
      const all = [...before, ...after]
      t.strictSame(await readAll(bus, PROJECT), all)
      t.ok(isRising(idsOf(all)))
      const at = async (time: number): Promise<unknown[]> => numbersOf(await readAll(bus, PROJECT, await bus.locate(PROJECT, { at: 'time', time })))
      t.strictSame(await at(clock()), range(1, 20), 'a time finds all that was published since')
      t.strictSame(await at(clock() + 3 * HOUR), [])
      await appendRange(bus, PROJECT, 21, 45)
      t.strictSame(numbersOf(await readAll(bus, PROJECT)), range(16, 45), 'the number bounds them')
      clock.advance(26 * HOUR + 1)
      t.strictSame(await readAll(bus, PROJECT), [], 'so does the age, when the clock has caught up')
    })

    t.test('a clock that is set forward 25 h, and back again, loses nothing without saying so', async (t) => {
      const clock = createTestClock()
      const bus = await create(t, clock, DAY_OF_MANY)
      const early = await appendRange(bus, PROJECT, 1, 5)
      clock.advance(25 * HOUR)
      const late = await appendRange(bus, PROJECT, 6, 8)
      t.strictSame(await readAll(bus, PROJECT), late, 'what is a day old by the clock is gone')
      t.equal((await bus.read(PROJECT, { after: early[1]!.position, limit: 1 })).missed, 3, 'and said')
      clock.advance(-25 * HOUR)
      const back = await appendRange(bus, PROJECT, 9, 10)
      t.strictSame(await readAll(bus, PROJECT), [...late, ...back])
      t.ok(isRising(idsOf([...early, ...late, ...back])))
      clock.advance(50 * HOUR)
      t.strictSame(await readAll(bus, PROJECT), [])
    })
  })
}
