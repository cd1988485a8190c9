import { execFileSync, spawnSync } from 'node:child_process'
import { readdirSync, statSync } from 'node:fs'
import { appendFile, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import type { PlacedEvent } from '../../../../core/contracts/index.js'
import { codeOf, messageOf } from '../../../../core/errors.js'
import { append, appendRange, draft, PROJECT, range, readAll } from '../../../../core/testing/event-bus/events.js'
import { eventually, rejectsWith } from '../../../../core/testing/expectations.js'
import { createJournal } from '../../../../plugins/events/journal/journal.js'
import { diskError, interceptFileHandles } from '../../../support/file-handle.js'
import { quickFolder } from '../../../support/temporary.js'
import { importWithout } from '../../../support/without-safeguard.js'
import { idsOf, isRising, LOG, openJournal } from './open-journal.js'

const PAGE_BYTES = 4096
const FILLER_BYTES = 17 * PAGE_BYTES

/** Nothing is remembered of a sync that failed. */
const REMEMBERED = {
  module: 'plugins/events/journal/group-commit-file.js',
  line: 'this.#broken = `the disk did not confirm a write (${messageOf(error)}); restart the sidecar when the disk is sound`;', // eslint-disable-line no-template-curly-in-string
  without: ''
}

/** Publishes on a disk that once fails to sync; tells what is wrong then. */
async function failToSync (t: Test, create: typeof createJournal): Promise<string[]> {
  const faults: string[] = []
  const directory = await quickFolder(t)
  const { bus } = await openJournal(t, directory, { create })
  const placed = await appendRange(bus, PROJECT, 1, 3)
  let syncs = 0
  const restore = interceptFileHandles(t, 'datasync', async () => {
    syncs++
    throw diskError('EIO')
  })
  const heard: unknown[] = []
  await bus.subscribe(PROJECT, ({ event }) => { heard.push(event.data.number) })
  const outcomes = await Promise.allSettled(range(4, 9).map(async (number) => await bus.append(PROJECT, draft(number))))
  restore()
  if (!outcomes.every((outcome) => outcome.status === 'rejected' && codeOf(outcome.reason) === 'EVT_001')) faults.push('an event was acknowledged')
  if (heard.length > 0) faults.push('an event was delivered')
  if (syncs !== 1) faults.push(`synced ${syncs} times`)
  await bus.append(PROJECT, draft(10)).then(() => faults.push('an event was taken behind a sync that failed'), () => {})
  await bus.check!().then(() => faults.push('the check of the log says nothing'), (error: unknown) => {
    if (!/did not confirm.*EIO.*restart/.test(messageOf(error))) faults.push(`the check says: ${messageOf(error)}`)
  })
  if (!isSame(await readAll(bus, PROJECT), placed)) faults.push('reading does not go on')
  await bus.close!()
  const { bus: reopened } = await openJournal(t, directory, { create })
  await reopened.check!()
  if (!isSame((await readAll(reopened, PROJECT)).slice(0, 3), placed)) faults.push('what was acknowledged before is lost')
  await appendRange(reopened, PROJECT, 11, 11)
  return faults
}

/** Where a file system of 128 KiB is mounted, until the test ends; `undefined` where that cannot be. */
async function mountSmall (t: Test): Promise<string | undefined> {
  const folder = await quickFolder(t)
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=128k', 'tmpfs', folder], { stdio: 'ignore' })
  } catch {
    return undefined
  }
  t.teardown(() => execFileSync('umount', ['--lazy', folder]))
  return folder
}

/** Publishes until the disk is full, makes room and starts again; tells what is wrong then. `breakIt` is in force while it is full. */
async function fillUp (t: Test, disk: string, segmentBytes: number, breakIt?: () => () => void): Promise<string[]> {
  const faults: string[] = []
  const directory = join(disk, 'events')
  for (const name of readdirSync(disk)) await rm(join(disk, name), { recursive: true })
  const { bus, log } = await openJournal(t, directory, { segmentBytes })
  await writeFile(join(disk, 'filler'), Buffer.alloc(FILLER_BYTES))
  const repair = breakIt?.()
  const acknowledged: PlacedEvent[] = []
  const publish = async (number: number, text: string): Promise<boolean> => {
    try {
      acknowledged.push(await append(bus, PROJECT, draft(number, { data: { number, text } })))
      return true
    } catch (error) {
      if (codeOf(error) !== 'EVT_001') faults.push(`refused with ${codeOf(error)}`)
      return false
    }
  }
  for (let number = 1, refused = 0; refused < 5; number++) if (!await publish(number, 'x'.repeat(number % 700))) refused++
  if (acknowledged.length < 20) faults.push(`only ${acknowledged.length} fitted`)
  // Room for the beginning of the next event, and not for its end.
  await truncate(join(disk, 'filler'), FILLER_BYTES - 3 * PAGE_BYTES)
  if (await publish(8001, 'x'.repeat(10 * PAGE_BYTES))) faults.push('what does not fit was acknowledged')

  // An index that is written behind may leave room once more, so the rest is filled until the position finds none.
  await eventually(async () => {
    await appendFile(join(disk, 'rest'), Buffer.alloc(PAGE_BYTES * 32)).catch(() => {})
    await bus.savePosition(PROJECT, 'reader', acknowledged[9]!.position)
    return log.said.warn.some((message) => message.includes('could not be saved'))
  }, 'a position that cannot be saved is told', 60_000)
  if (!isSame(await readAll(bus, PROJECT), acknowledged)) faults.push('reading does not go on')
  for (const name of ['filler', 'rest']) await rm(join(disk, name))
  await bus.check!()
  acknowledged.push(...await appendRange(bus, PROJECT, 9001, 9003))
  await bus.close!()
  repair?.()

  const reopened = await openJournal(t, directory, { segmentBytes })
  if (!isSame(await readAll(reopened.bus, PROJECT), acknowledged)) faults.push('not exactly what was acknowledged is there')
  // It is written at the latest when the log is closed.
  if (await reopened.bus.loadPosition(PROJECT, 'reader') !== acknowledged[9]!.position) faults.push('the position was lost')
  faults.push(...reopened.log.said.warn)
  await reopened.bus.close!()
  return faults
}

function isSame (one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}

t.test('a bad disk', async (t) => {
  t.test('FAULT 5: a write that fails is refused and taken back, and the log heals', async (t) => {
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

  t.test('FAULT 7: writes that fail as on a read-only file system (simulated) are refused, and the log is read on; a start without a folder fails', async (t) => {
    const directory = await quickFolder(t)
    const { bus } = await openJournal(t, directory)
    const placed = await appendRange(bus, PROJECT, 1, 3)
    const restore = interceptFileHandles(t, 'write', async () => { throw diskError('EROFS') })
    for (const number of [4, 5]) await rejectsWith('EVT_001', () => bus.append(PROJECT, draft(number)), 'an event')
    t.strictSame(await readAll(bus, PROJECT), placed)
    restore()
    placed.push(...await appendRange(bus, PROJECT, 6, 7))
    t.strictSame(await readAll(bus, PROJECT), placed)
    const path = join(directory, 'not-a-folder')
    await writeFile(path, '')
    await t.rejects(openJournal(t, join(path, 'events')), { code: 'ENOTDIR' }, 'nothing falls back to memory')
  })

  t.test('FAULT 7: without a file descriptor left nothing is acknowledged falsely, and the log heals', { skip: process.platform === 'win32' ? 'needs ulimit' : false }, async (t) => {
    const program = fileURLToPath(new URL('./descriptors-program.js', import.meta.url))
    const run = spawnSync('sh', ['-c', 'ulimit -n 64; exec "$0" "$@"', process.execPath, program, await quickFolder(t)], { encoding: 'utf8', timeout: 60_000 })
    t.equal(run.stderr, '')
    const { acknowledged, refused, readWhileShort, readLater, afterStart } = JSON.parse(run.stdout) as Record<string, unknown[]>
    t.ok(refused!.length > 0 && refused!.every((code) => code === 'EVT_001'), `${refused!.length} refused`)
    t.strictSame(readWhileShort, ['EVT_001'], 'what lies on the disk')
    t.strictSame(readLater, acknowledged)
    t.strictSame(afterStart, acknowledged)
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

  t.test('FAULT 6: a sync that fails is not tried again: the log takes nothing more and says so, until it is opened again', async (t) => {
    t.strictSame(await failToSync(t, createJournal), [])
  })

  t.test('FAULT 6, safeguard taken out: a log that goes on after a sync that failed is found', async (t) => {
    const { createJournal: careless } = await importWithout<{ createJournal: typeof createJournal }>(t, 'plugins/events/journal/journal.js', REMEMBERED)
    const faults = await failToSync(t, careless)
    t.ok(faults.includes('an event was taken behind a sync that failed'), faults.join('; '))
    t.ok(faults.includes('the check of the log says nothing'))
  })

  const disk = await mountSmall(t)
  const skip = disk === undefined ? 'NOT TESTED: needs root, to mount a small file system' : false
  // One log is full at the end of a segment, the other in the middle of one.
  for (const segmentBytes of [10_000, 1 << 20]) {
    t.test(`FAULT 5: a disk that is really full, with segments of ${segmentBytes} bytes`, { skip }, async (t) => {
      t.strictSame(await fillUp(t, disk!, segmentBytes), [])
    })
  }

  t.test('FAULT 5, safeguard taken out: a short write that is not truncated away is found', { skip }, async (t) => {
    const faults = await fillUp(t, disk!, 1 << 20, () => interceptFileHandles(t, 'truncate', async () => {}))
    t.ok(faults.length > 0, faults.join('; '))
  })
})
