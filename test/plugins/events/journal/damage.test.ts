import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { appendRange, numbersOf, PROJECT, readAll } from '../../../../core/testing/event-bus/events.js'
import { rejectsWith } from '../../../../core/testing/expectations.js'
import { createJournal } from '../../../../plugins/events/journal/journal.js'
import { quickFolder } from '../../../support/temporary.js'
import { importWithout, type Safeguard } from '../../../support/without-safeguard.js'
import { cutEverywhere, flipEverywhere, sampleLog } from './damaged-log.js'
import { closedSegments, DAMAGED, openJournal } from './open-journal.js'

/** The checksum of a record is not compared. */
const CHECKSUM = {
  module: 'plugins/events/journal/record.js',
  line: "line.toString('latin1', RECORD_START.length, RECORD_START.length + 8) !== checksumOf(line.subarray(CHECKED_FROM))",
  without: 'false'
}
/** The torn end of a log stays where it is. */
const CUT = { module: 'plugins/events/journal/segments.js', line: 'await handle.truncate(size + (whole?.length ?? 0));', without: '' }

async function createJournalWithout (t: Test, safeguard: Safeguard): Promise<typeof createJournal> {
  const module = await importWithout<{ createJournal: typeof createJournal }>(t, 'plugins/events/journal/journal.js', safeguard)
  return module.createJournal
}

t.test('damage', async (t) => {
  t.test('FAULT 3: a log cut at any byte of its last three records gives the whole ones before, and says what was cut', async (t) => {
    const log = await sampleLog(t)
    const { faults, cut } = await cutEverywhere(t, log, createJournal)
    t.strictSame(faults, [])
    t.equal(cut, log.starts[7]! - log.starts[4]! - 6, 'every cut that leaves a part of a record is one that is told')
  })

  t.test('FAULT 3, safeguard taken out: a torn end that is left there is found', async (t) => {
    const { faults } = await cutEverywhere(t, await sampleLog(t), await createJournalWithout(t, CUT), 5)
    t.ok(faults.length > 10, `${faults.length} faults, such as ${faults[0]}`)
  })

  t.test('FAULT 3 and FAULT 4: a record of which any byte is flipped is set aside once, those around it live, and no reader passes over one', async (t) => {
    const log = await sampleLog(t)
    const { faults, flips, lost } = await flipEverywhere(t, log, createJournal)
    t.strictSame(faults, [])
    t.ok(lost > flips - 3 * 6, `${lost} of ${flips} flips cost their record`)
  })

  t.test('FAULT 3 and FAULT 4, safeguard taken out: flips that no checksum tells are found', async (t) => {
    const log = await sampleLog(t)
    const { faults } = await flipEverywhere(t, log, await createJournalWithout(t, CHECKSUM), 11)
    t.ok(faults.length > 10, `${faults.length} faults, such as ${faults[0]}`)
  })

  t.test('a damaged last record does not give its number away: who has read it gets the next', async (t) => {
    const { bytes, starts, placed, folderWith } = await sampleLog(t)
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
    const { bytes, placed, folderWith } = await sampleLog(t)
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
    const { bytes, starts, folderWith } = await sampleLog(t)
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
