import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { PlacedEvent } from '../../../../core/contracts/index.js'
import { createTestClock } from '../../../../core/testing/clock.js'
import { appendRange, numbersOf, PROJECT, readAll } from '../../../../core/testing/event-bus/events.js'
import { rejectsWith } from '../../../../core/testing/expectations.js'
import { quickFolder } from '../../../support/temporary.js'
import { closedSegments, DAMAGED, LOG, openJournal } from './open-journal.js'

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
