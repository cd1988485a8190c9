import { cpSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { EventBus, PlacedEvent } from '../../../../core/contracts/index.js'
import { createTestClock } from '../../../../core/testing/clock.js'
import { append, appendRange, draft, earliest, NEIGHBOUR, numbersOf, PROJECT, range, readAll } from '../../../../core/testing/event-bus/events.js'
import { eventually, rejectsWith } from '../../../../core/testing/expectations.js'
import { interceptFileHandles } from '../../../support/file-handle.js'
import { quickFolder } from '../../../support/temporary.js'
import { closedSegments, DAMAGED, LOG, openJournal } from './open-journal.js'

const SEGMENT_BYTES = 4000
const EVENTS = 120

function indexes (directory: string): string[] {
  return readdirSync(directory).filter((name) => name.endsWith('.index')).sort()
}

/** A log of many segments and two projects that was closed; every event has a key of its own. */
async function sample (t: Test): Promise<{ directory: string, placed: PlacedEvent[], theirs: PlacedEvent[] }> {
  const { bus, clock, directory } = await openJournal(t, await quickFolder(t), { segmentBytes: SEGMENT_BYTES })
  const placed: PlacedEvent[] = []
  const theirs: PlacedEvent[] = []
  for (const number of range(1, EVENTS)) {
    placed.push(await append(bus, PROJECT, draft(number, { idempotency_key: `key-${number}`, data: { number, text: 'Größe '.repeat(number % 9) } })))
    if (number % 3 === 0) theirs.push(await append(bus, NEIGHBOUR, draft(number, { idempotency_key: `key-${number}` })))
    clock.advance(1_000)
  }
  await bus.close!()
  return { directory, placed, theirs }
}

/** All that a reader can ask for, compared with what was appended. */
async function isWhole (t: Test, bus: EventBus, placed: PlacedEvent[], theirs: PlacedEvent[]): Promise<void> {
  for (const limit of [1, 7, 1000]) t.strictSame(await readAll(bus, PROJECT, undefined, limit), placed, `read by pages of ${limit}`)
  t.strictSame(await readAll(bus, NEIGHBOUR), theirs)
  t.match(await bus.stats(PROJECT), { retained: placed.length })
  for (const index of [0, 1, 17, 60, EVENTS - 1]) {
    const each = placed[index]!
    const before = await bus.locate(PROJECT, { at: 'event', event_id: each.event.event_id })
    t.strictSame((await bus.read(PROJECT, { after: before!, limit: 1 })).items, [each])
    t.equal(await bus.locate(PROJECT, { at: 'time', time: Date.parse(each.event.timestamp) }), before)
    t.equal(await bus.locate(PROJECT, { at: 'key', idempotency_key: `key-${index + 1}` }), before)
    t.strictSame(await bus.append(PROJECT, draft(0, { idempotency_key: `key-${index + 1}` })), { ...each, duplicate: true })
    t.strictSame(await bus.append(PROJECT, draft(0, { event_id: each.event.event_id })), { ...each, duplicate: true })
    t.equal(await bus.locate(NEIGHBOUR, { at: 'event', event_id: each.event.event_id }), undefined)
  }
  t.equal((await bus.append(NEIGHBOUR, draft(1, { idempotency_key: 'key-2' }))).duplicate, false, 'a key of the other project')
}

t.test('closed segments have an index, and a start that finds it does not read them', async (t) => {
  const { directory, placed, theirs } = await sample(t)
  t.ok(closedSegments(directory).length > 5)
  t.equal(indexes(directory).length, closedSegments(directory).length)
  const away = await quickFolder(t, 'segments')
  for (const name of closedSegments(directory)) cpSync(join(directory, name), join(away, name))
  for (const name of closedSegments(directory).slice(1)) writeFileSync(join(directory, name), Buffer.alloc(statSync(join(directory, name)).size, '\n'))
  const { bus, log } = await openJournal(t, directory, { segmentBytes: SEGMENT_BYTES })
  t.match(await bus.stats(PROJECT), { retained: EVENTS })
  t.strictSame(log.said.warn, [])
  for (const name of closedSegments(away)) cpSync(join(away, name), join(directory, name))
  await isWhole(t, bus, placed, theirs)
})

t.test('an index that is missing, damaged or of another file is made anew', async (t) => {
  const { directory, placed, theirs } = await sample(t)
  const original = indexes(directory).map((name) => readFileSync(join(directory, name)))
  const changes: [string, (name: string, bytes: Buffer) => void][] = [
    ['missing', (name) => rmSync(join(directory, name))],
    ['empty', (name) => writeFileSync(join(directory, name), '')],
    ['cut', (name, bytes) => writeFileSync(join(directory, name), bytes.subarray(0, -9))],
    ['a flipped bit', (name, bytes) => {
      const flipped = Buffer.from(bytes)
      flipped[flipped.length - 50]! ^= 4
      writeFileSync(join(directory, name), flipped)
    }],
    ['of another segment', (name) => writeFileSync(join(directory, name), original[name === indexes(directory)[2] ? 3 : 2]!)]
  ]
  for (const [what, change] of changes) {
    for (const [index, name] of indexes(directory).entries()) change(name, original[index]!)
    const { bus, log } = await openJournal(t, directory, { segmentBytes: 1 << 20 })
    t.strictSame(log.said.warn, [], what)
    t.strictSame(await readAll(bus, PROJECT), placed)
    t.strictSame(await readAll(bus, NEIGHBOUR), theirs)
    await bus.close!()
    t.strictSame(indexes(directory).map((name) => readFileSync(join(directory, name)).length), original.map((bytes) => bytes.length), `${what}: written again`)
  }
  await isWhole(t, (await openJournal(t, directory)).bus, placed, theirs)
})

t.test('an index without its segment is removed, and so is that of a segment which retention took', async (t) => {
  const { directory } = await sample(t)
  const [stray] = indexes(directory)
  cpSync(join(directory, stray!), join(directory, 'event-log.00009999.index'))
  const { bus } = await openJournal(t, directory, { segmentBytes: SEGMENT_BYTES, retention: { count: 5 } })
  t.notOk(existsSync(join(directory, 'event-log.00009999.index')))
  await appendRange(bus, PROJECT, 1, 30)
  await appendRange(bus, NEIGHBOUR, 1, 30)
  await bus.close!()
  t.ok(closedSegments(directory).length <= 5)
  t.strictSame(indexes(directory).map((name) => name.slice(0, 18)), closedSegments(directory).map((name) => name.slice(0, 18)))
})

t.test('a record of a closed segment that is damaged is found when it is read: set aside once, told, and passed over', async (t) => {
  const { directory, placed, theirs } = await sample(t)
  const name = closedSegments(directory)[2]!
  const bytes = readFileSync(join(directory, name))
  const starts = [0]
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) starts.push(at + 1)
  const line = bytes.subarray(starts[3]!, starts[4]! - 1)
  const { seq, project_id: project } = JSON.parse(line.toString()) as { seq: number, project_id: string }
  bytes[starts[3]! + 70]! ^= 1
  writeFileSync(join(directory, name), bytes)
  const kept = (items: PlacedEvent[], of: string): PlacedEvent[] => items.filter((_each, index) => of !== project || index !== seq - 1)
  const current = readFileSync(join(directory, LOG))
  for (const start of ['first', 'second']) {
    const { bus, log } = await openJournal(t, directory, { segmentBytes: 1 << 20 })
    t.strictSame(log.said.warn, [], 'nobody has read it')
    for (let round = 0; round < 2; round++) {
      t.strictSame(await readAll(bus, PROJECT, undefined, 10), kept(placed, PROJECT), `${start} start`)
      t.strictSame(await readAll(bus, NEIGHBOUR), kept(theirs, NEIGHBOUR))
    }
    t.equal((await bus.read(PROJECT, { after: await earliest(bus, PROJECT), limit: 1000 })).missed, 0)
    await eventually(() => log.said.warn.length > 0, 'the damage is told')
    t.equal(log.said.warn.filter((message) => message.includes('set aside')).length, 1)
    const damaged = project === PROJECT ? placed[seq - 1]! : theirs[seq - 1]!
    t.equal((await bus.append(project, draft(0, { event_id: damaged.event.event_id }))).duplicate, false, 'what cannot be read is not there')
    await bus.close!()
    t.equal(readFileSync(join(directory, DAMAGED), 'latin1').split('\n').length, 2, 'set aside once')
    writeFileSync(join(directory, LOG), current)
  }
})

t.test('readers that catch up are told exactly what retention took, also while they read', async (t) => {
  const { directory } = await sample(t)
  const clock = createTestClock()
  clock.advance(EVENTS * 1_000)
  const { bus } = await openJournal(t, directory, { clock, segmentBytes: SEGMENT_BYTES, retention: { count: EVENTS } })
  const start = await earliest(bus, PROJECT)
  const seen: unknown[] = []
  let missed = 0
  const appending = (async () => { for (const number of range(EVENTS + 1, 3 * EVENTS)) await bus.append(PROJECT, draft(number)) })()
  let after = start
  for (let isOver = false; !isOver;) {
    const page = await bus.read(PROJECT, { after, limit: 3 })
    missed += page.missed
    seen.push(...numbersOf(page.items))
    after = page.next
    isOver = page.end && seen.at(-1) === 3 * EVENTS
    await setImmediate()
  }
  await appending
  t.ok(seen.every((number, index) => index === 0 || Number(number) > Number(seen[index - 1])), 'in order')
  t.equal(seen.length + missed, 3 * EVENTS, `${seen.length} were read and ${missed} missed`)
})

t.test('a disk that cannot be read is EVT_001, and heals', async (t) => {
  const { directory, placed } = await sample(t)
  const { bus } = await openJournal(t, directory)
  const after = await earliest(bus, PROJECT)
  const restore = interceptFileHandles(t, 'read', async () => { throw Object.assign(new Error('EIO: the test\'s disk'), { code: 'EIO' }) })
  await rejectsWith('EVT_001', () => bus.read(PROJECT, { after, limit: 10 }), 'reading what is on the disk')
  await rejectsWith('EVT_001', () => bus.locate(PROJECT, { at: 'event', event_id: placed[3]!.event.event_id }), 'looking for it')
  restore()
  t.strictSame(await readAll(bus, PROJECT), placed)
})

t.test('a log of before there were keys and indexes is read, with its positions', async (t) => {
  const directory = await quickFolder(t)
  const record = (crc: string, seq: number, id: string): string => `{"crc":"${crc}","seq":${seq},"project_id":"shop","event":{"event_id":"${id}","event_type":"agent_completed","publisher":"backend-architect-1","publisher_type":"backend-architect","topic":"implementation","data":{"number":${seq}},"ttl_seconds":3600,"timestamp":"2026-01-01T00:00:0${seq - 1}.000Z"}}`
  const files = {
    generation: ['dd8fbaa478f9'],
    'positions.json': ['[["[\\"shop\\",\\"reader\\"]","a4e0efc450bf97a3-2"]]'],
    'event-log.00000001.jsonl': [
      '{"crc":"47ab5903","heads":{}}',
      record('c51f8101', 1, 'evt_01KDVDNA00HNF9MM4N10EYYF8C'),
      record('75f2c94f', 2, 'evt_01KDVDNAZ8KFDSJ1CYFGF57WJ1')
    ],
    'event-log.jsonl': [
      '{"crc":"67a928ec","heads":{"shop":{"next":3,"last_id":"evt_01KDVDNAZ8KFDSJ1CYFGF57WJ1"}}}',
      record('a34e7135', 3, 'evt_01KDVDNBYGV8EMX7NQPD62SDVB'),
      record('fb001a0c', 4, 'evt_01KDVDNCXR07VMKJQ3MSW56KQD')
    ]
  }
  for (const [name, lines] of Object.entries(files)) writeFileSync(join(directory, name), lines.map((line) => `${line}\n`).join(''))
  for (const start of ['first', 'second']) {
    const { bus, log } = await openJournal(t, directory)
    t.strictSame(numbersOf(await readAll(bus, PROJECT)), [1, 2, 3, 4], `${start} start`)
    t.strictSame(numbersOf(await readAll(bus, PROJECT, await bus.loadPosition(PROJECT, 'reader'))), [3, 4])
    t.strictSame(log.said.warn, [])
    await bus.close!()
  }
  const { bus } = await openJournal(t, directory)
  t.ok((await append(bus, PROJECT, draft(5))).event.event_id > 'evt_01KDVDNCXR07VMKJQ3MSW56KQD')
})
