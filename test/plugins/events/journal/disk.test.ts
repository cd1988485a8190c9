import { execFileSync, spawnSync } from 'node:child_process'
import { statSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import type { PlacedEvent } from '../../../../core/contracts/index.js'
import { append, appendRange, draft, PROJECT, range, readAll } from '../../../../core/testing/event-bus/events.js'
import { eventually, rejectsWith } from '../../../../core/testing/expectations.js'
import { diskError, interceptFileHandles } from '../../../support/file-handle.js'
import { quickFolder } from '../../../support/temporary.js'
import { idsOf, isRising, LOG, openJournal } from './open-journal.js'

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

  t.test('a file system that turns read-only refuses events and is read on; a start on one fails', async (t) => {
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

  t.test('without a file descriptor left nothing is acknowledged falsely, and the log heals', { skip: process.platform === 'win32' ? 'needs ulimit' : false }, async (t) => {
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
