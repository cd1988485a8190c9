import { execFile, execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import type { EventBus } from '../../../../core/contracts/index.js'
import { writeFileDurably } from '../../../../core/durable-file.js'
import { createTestClock } from '../../../../core/testing/clock.js'
import { draft, NEIGHBOUR, PROJECT, range, readAll } from '../../../../core/testing/event-bus/events.js'
import { record } from '../../../../core/testing/result-store/records.js'
import { createJournal } from '../../../../plugins/events/journal/journal.js'
import { createFileStore } from '../../../../plugins/storage/files/store.js'
import { interceptFileHandles } from '../../../support/file-handle.js'
import { createLogSpy } from '../../../support/log-spy.js'
import { temporaryFolder } from '../../../support/temporary.js'
import { isRising, retentionOf } from './open-journal.js'

/**
 * A file system in a file whose power is cut: EXT4_IOC_SHUTDOWN without flushing drops all that was not synced.
 * Needs root, loop devices and perl, which has the call that Node lacks.
 */
const WRITERS = 119
const ROUNDS = 4
const SHUTDOWN = 'my $flags = pack("L", 2); open(my $folder, "<", $ARGV[0]) or die $!; ioctl($folder, 0x8004587d, $flags) or die $!'

interface Disk { folder: string, cutPower (): Promise<void>, restore (): void }

/** `undefined` where this machine cannot do it. */
async function createDisk (t: Test): Promise<Disk | undefined> {
  const parent = await temporaryFolder(t, 'cco-disk')
  const image = join(parent, 'image')
  const folder = join(parent, 'disk')
  const run = (command: string, ...args: string[]): void => { execFileSync(command, args, { stdio: 'ignore' }) }
  const mount = (): void => run('mount', '-o', 'loop', image, folder)
  try {
    mkdirSync(folder)
    run('truncate', '-s', '64M', image)
    run('mkfs.ext4', '-q', image)
    run('perl', '-e', '1')
    mount()
  } catch {
    return undefined
  }
  t.teardown(() => run('umount', '--lazy', folder))
  return {
    folder,
    cutPower: async () => { await promisify(execFile)('perl', ['-e', SHUTDOWN, folder]) },
    restore () {
      run('umount', folder)
      mount()
    }
  }
}

/** Publishes and stores until the power is cut, and starts again; answers how much of what was acknowledged is lost or unsound. */
async function survive (disk: Disk, round: number): Promise<{ acknowledged: number, lost: number, unsound: number }> {
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
  const events = new Map<string, number>()
  const results = new Set<string>()
  let last = 0
  const publish = async (project: string): Promise<void> => {
    for (;;) {
      const number = ++last
      const { event } = await bus.append(project, draft(number))
      events.set(event.event_id, number)
    }
  }
  const keep = async (): Promise<void> => {
    for (;;) {
      const number = ++last
      const result = record(number, { issue_id: `issue-${number % 7}` })
      await store.put(PROJECT, result)
      results.add(result.id)
    }
  }
  const working = [...range(1, WRITERS).map((writer) => publish(writer % 4 === 0 ? NEIGHBOUR : PROJECT)), ...range(1, 8).map(keep)]
  const failed = Promise.race(working)
  const ended = Promise.allSettled(working)
  while (events.size < 300 * (1 + round % 3) || results.size < 10) await Promise.race([failed, setImmediate()])
  try {
    await disk.cutPower()
  } finally {
    await Promise.allSettled([bus.close!(), store.close?.()])
  }
  await ended
  disk.restore()

  const reopened = await openBus()
  const there = new Map<string, unknown>()
  for (const project of [PROJECT, NEIGHBOUR]) {
    const ids = (await readAll(reopened, project)).map(({ event }) => { there.set(event.event_id, event.data.number); return event.event_id })
    if (!isRising(ids)) throw new Error('identifiers do not rise')
  }
  await reopened.close!()
  const again = createFileStore({ storage, log, writes: 8 })
  await again.open!()
  const missing = [...events].filter(([id, number]) => there.get(id) !== number).length
  let missingResults = 0
  for (const id of results) if (await again.get(PROJECT, id).catch(() => undefined) === undefined) missingResults++
  await again.close?.()
  const unsound = readdirSync(join(storage, 'results'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.json') && !isJson(join(entry.parentPath, entry.name))).length
  return { acknowledged: events.size + results.size, lost: missing + missingResults, unsound }
}

function isJson (path: string): boolean {
  try {
    JSON.parse(readFileSync(path, 'utf8'))
    return true
  } catch {
    return false
  }
}

const isRoot = process.getuid?.() === 0 && process.platform === 'linux'

t.test('a power cut', { skip: isRoot ? false : 'NOT TESTED: needs root, to mount a file system whose power can be cut' }, async (t) => {
  const disk = await createDisk(t)
  if (disk === undefined) {
    t.comment('NOT TESTED: no file system whose power can be cut can be mounted here')
    return
  }

  t.test('loses nothing that was acknowledged, and leaves no file empty or cut off', async (t) => {
    for (let round = 0; round < ROUNDS; round++) {
      const { acknowledged, lost, unsound } = await survive(disk, round)
      t.ok(acknowledged > 100, `round ${round + 1}: ${acknowledged} were acknowledged`)
      t.equal(lost, 0)
      t.equal(unsound, 0)
    }
  })

  t.test('loses what was acknowledged when the syncs are taken out: the test can fail', async (t) => {
    const restore = [interceptFileHandles(t, 'datasync', async () => {}), interceptFileHandles(t, 'sync', async () => {})]
    const { lost, unsound } = await survive(disk, ROUNDS)
    for (const undo of restore) undo()
    t.ok(lost > 0, `${lost} lost, ${unsound} unsound`)
  })

  t.test('loses a file that was renamed when the sync of its folder is taken out', async (t) => {
    const [kept, lost] = ['kept', 'lost'].map((name) => join(disk.folder, name))
    await writeFileDurably(kept!, 'kept')
    const restore = interceptFileHandles(t, 'sync', async () => {})
    await writeFileDurably(lost!, 'lost')
    restore()
    await disk.cutPower()
    disk.restore()
    t.ok(existsSync(kept!))
    t.notOk(existsSync(lost!))
  })
})
