import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, readdir, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { type ResultRecord } from '../../../core/plugin-api.js'
import { createFolders } from '../../../plugins/storage/files/folders.js'
import { createFileStore } from '../../../plugins/storage/files/store.js'
import { createWriteGuard } from '../../../plugins/storage/files/write-guard.js'
import { ioError, replaceSync } from './broken-sync.js'
import { holdSync, isOneFile, opened, readJson, refuses, tree } from './opened-store.js'
import { AGENT_TYPE, createLog, ISSUE, PROJECT, record, temporaryFolder, timeOf } from './sample.js'

const TEMPORARY = '.test-engineer.01234567-89ab-cdef-0123-456789abcdef.tmp'

t.test('a result that comes late does not take the place of one that is not acknowledged yet', async (t) => {
  const { store, latest, history } = await opened(t)
  await store.put(PROJECT, record(1))
  const { reached, release } = await holdSync(t)
  const newer = store.put(PROJECT, record(5))
  await reached
  const older = store.put(PROJECT, record(3))
  while ((await readdir(history)).length < 3);
  release()
  await Promise.all([newer, older])
  t.same(await readJson(latest), record(5))
})

t.test('FAULT 2: the file and every folder on the way are synced before a result is acknowledged', async (t) => {
  const { store, storage, folder, history, reopen } = await opened(t)
  const synced: string[] = []
  const note = async (what: string, inode: number): Promise<void> => { synced.push(`${what} ${inode}`) }
  t.teardown(await replaceSync('datasync', async (handle, real) => {
    await real()
    await note('file', (await handle.stat()).ino)
  }))
  t.teardown(await replaceSync('sync', async (handle, real) => {
    await real()
    await note('folder', (await handle.stat()).ino)
  }))
  const inode = async (path: string): Promise<number> => (await stat(path)).ino
  await store.put(PROJECT, record(1))
  const atAcknowledgement = [...synced]
  const file = `file ${await inode(join(history, `${record(1).id}.success.json`))}`
  const folders = await Promise.all([join(storage, 'results'), join(storage, 'results', PROJECT), folder, history].map(async (path) => `folder ${await inode(path)}`))
  for (const expected of [file, ...folders]) t.ok(atAcknowledgement.includes(expected), expected)
  t.ok(atAcknowledgement.lastIndexOf(folders[3]!) > atAcknowledgement.indexOf(file), 'the history after the file')
  t.ok(atAcknowledgement.lastIndexOf(folders[2]!) > atAcknowledgement.indexOf(file), 'the folder of the issue after the file')

  const again = await reopen()
  synced.length = 0
  await again.store.put(PROJECT, record(1))
  for (const expected of folders.slice(2)) t.ok(synced.includes(expected), 'an id found on disk may not be durable yet')
})

t.test('FAULT 2: a result is not acknowledged before its folders are synced', async (t) => {
  const { store, latest } = await opened(t)
  await store.put(PROJECT, record(1))
  const { reached, release } = await holdSync(t)
  let acknowledged = false
  const put = store.put(PROJECT, record(2)).then(() => { acknowledged = true })
  await reached
  t.same(await readJson(latest), record(2), 'it is in its place')
  t.equal(acknowledged, false)
  t.equal(await store.get(PROJECT, record(2).id), undefined, 'and nobody is shown what may still be lost')
  release()
  await put
  t.same(await store.get(PROJECT, record(2).id), record(2))
})

t.test('syncs of one folder that overlap are shared, and none that began before the change counts', async (t) => {
  const root = await temporaryFolder(t)
  const folders = createFolders(root, createWriteGuard())
  let syncs = 0
  t.teardown(await replaceSync('sync', async (_handle, real) => {
    syncs++
    await real()
  }))
  await Promise.all(Array.from({ length: 50 }, () => folders.sync(root)))
  t.equal(syncs, 2, 'the one that ran, and one for all who came meanwhile')
  await folders.sync(root)
  t.equal(syncs, 3)
})

t.test('the index is built of names alone, and only what is read can be damaged', async (t) => {
  const { store, reopen } = await opened(t)
  for (const number of [1, 2, 3]) await store.put(PROJECT, record(number))
  await store.put('shop-2', record(4, { project_id: 'shop-2' }))
  const usage = await store.usage()
  const { store: again, history, latest, log } = await reopen()
  const newest = join(history, `${record(3).id}.success.json`)
  const { size } = await stat(newest)
  // The same file is the newest of the agent type.
  await writeFile(newest, '\0'.repeat(size))
  t.same(await again.usage(), usage, 'counted without a look inside')

  const ids = async (limit: number) => (await again.list(PROJECT, { limit })).results.map(({ id }) => id)
  t.same(await ids(2), [record(2).id, record(1).id], 'the next takes its place on the page')
  t.equal(await again.get(PROJECT, record(3).id), undefined)
  t.same(await readJson(latest), record(2), 'the newest that can be read stands under the agent type')
  t.ok(existsSync(`${newest}.damaged`), 'kept for whoever wants to look at it')
  t.equal((await again.usage(PROJECT)).count, 2)
  t.match(log.lines.filter(({ level }) => level === 'error'), [{ details: { id: record(3).id, damaged: 1 } }])

  await writeFile(join(history, `${record(1).id}.success.json`), JSON.stringify(record(2)))
  t.equal(await again.get(PROJECT, record(1).id), undefined, 'the record of another id is none')
  t.match(log.lines.at(-1), { level: 'error', details: { id: record(1).id, damaged: 2 } })

  const last = await reopen()
  t.same((await last.store.list(PROJECT, { limit: 9 })).results, [record(2)])
  t.match(last.log.lines, [{ level: 'warn', details: { project: PROJECT, damaged: 2 } }])
})

t.test('the last result of an agent type, damaged, leaves nothing under its name', async (t) => {
  const { store, latest, history, log } = await opened(t)
  await store.put(PROJECT, record(1))
  await writeFile(latest, '{"id":')
  const reads = await Promise.all([store.get(PROJECT, record(1).id), store.get(PROJECT, record(1).id), store.list(PROJECT, { limit: 1 })])
  t.same(reads, [undefined, undefined, { results: [] }])
  t.notOk(existsSync(latest))
  t.equal(log.lines.length, 1, 'said once, however many read it')
  t.same(await readdir(history), [`${record(1).id}.success.json.damaged`])
  await store.put(PROJECT, record(1))
  t.same(await store.get(PROJECT, record(1).id), record(1), 'it can be stored again')
})

t.test('FAULT 7: what a crash left is tidied up at first use, and nothing else is touched', async (t) => {
  const { store, folder, latest, history, reopen } = await opened(t)
  await store.put(PROJECT, record(1))
  await rename(latest, `${latest}.old`)
  await store.put(PROJECT, record(2))
  await rename(`${latest}.old`, latest)
  t.same(await readJson(latest), record(1), 'as if it had crashed before the rename')
  await writeFile(join(folder, TEMPORARY), '{"id":')
  for (const path of [join(folder, 'notes.json'), join(history, 'README'), join(folder, '.hidden')]) await writeFile(path, 'of a person')
  const again = await reopen()
  t.same((await again.store.list(PROJECT, { limit: 9 })).results, [record(2), record(1)])
  t.same(await readJson(latest), record(2))
  await isOneFile(t, latest, join(history, `${record(2).id}.success.json`))
  t.same((await readdir(folder)).sort(), ['.hidden', 'notes.json', `${AGENT_TYPE}.history`, `${AGENT_TYPE}.json`])
  t.equal((await readdir(history)).length, 3)
  t.match(again.log.lines, [{ level: 'info', details: { leftovers: 1, stale: 1 } }])
})

t.test('FAULT 5: a write that fails is refused in words, leaves nothing, and can be tried again', async (t) => {
  const { store, folder, latest, history } = await opened(t)
  await mkdir(join(latest, 'in the way'), { recursive: true })
  await refuses(t, store.put(PROJECT, record(1)), 'STR_001', /^Results cannot be written: a folder stands where the storage wants a file; move it away\.$/)
  t.same(await readdir(history), [])
  t.same((await readdir(folder)).sort(), [`${AGENT_TYPE}.history`, `${AGENT_TYPE}.json`])
  t.equal(await store.get(PROJECT, record(1).id), undefined)
  t.same(await store.usage(PROJECT), { count: 0, bytes: 0 })
  await rm(latest, { recursive: true })
  await store.put(PROJECT, record(1))
  t.same(await readJson(latest), record(1))

  await writeFile(join(folder, 'planner.history'), 'in the way')
  await refuses(t, store.put(PROJECT, record(2, { agent_type: 'planner' })), 'STR_001', /a file stands where the storage wants a folder/)
  await rm(join(folder, 'planner.history'))
  await store.put(PROJECT, record(2, { agent_type: 'planner' }))

  await rm(join(folder, '..'), { recursive: true })
  await refuses(t, store.put(PROJECT, record(3)), 'STR_001', /removed while in use/)
  await store.put(PROJECT, record(3))
  t.same(await readJson(latest), record(3), 'the next attempt makes the folders again')
})

t.test('a read that fails is refused in words', async (t) => {
  const { store, history, reopen } = await opened(t)
  await store.put(PROJECT, record(1))
  const file = join(history, `${record(1).id}.success.json`)
  await rm(file)
  await mkdir(file)
  await refuses(t, store.get(PROJECT, record(1).id), 'STR_002', /^Results cannot be read: /)
  await refuses(t, store.list(PROJECT, { limit: 1 }), 'STR_002', /^Results cannot be read: /)
  await rmdir(file)
  t.equal(await store.get(PROJECT, record(1).id), undefined, 'what was removed by hand is not there')
  t.equal((await store.usage(PROJECT)).count, 0)
  const again = await reopen()
  await rm(join(again.storage, 'results'), { recursive: true })
  await writeFile(join(again.storage, 'results'), '')
  await refuses(t, again.store.get(PROJECT, record(1).id), 'STR_002', /a file stands/)
  await refuses(t, again.store.usage(), 'STR_002', /a file stands/)
})

for (const [sync, syscall] of [['datasync', 'fdatasync'], ['sync', 'fsync']] as const) {
  t.test(`FAULT 6: after ${syscall} failed nothing is acknowledged any more, and reading goes on`, async (t) => {
    const { store, folder, latest, history, reopen } = await opened(t)
    await store.put(PROJECT, record(1))
    const restore = await replaceSync(sync, () => Promise.reject(ioError(syscall)))
    t.teardown(restore)
    const results = await Promise.allSettled([2, 3, 4].map((number) => store.put(PROJECT, record(number))))
    t.ok(results.every(({ status }) => status === 'rejected'))
    restore()
    await refuses(t, store.put(PROJECT, record(5)), 'STR_001', /^Results cannot be written: the disk failed .* restart the sidecar\.$/)
    await refuses(t, store.putIssue(PROJECT, { issue_id: ISSUE, title: '', created_at: '', updated_at: '' }), 'STR_001', /the disk failed/)
    await refuses(t, store.check!(), 'STR_001', /the disk failed/)
    t.same((await store.list(PROJECT, { limit: 9 })).results, [record(1)])
    t.same(await readJson(latest), record(1), 'the newest acknowledged is back in its place')
    t.same(await readdir(history), [`${record(1).id}.success.json`])
    t.equal((await readdir(folder)).length, 2)
    const again = await reopen()
    await again.store.put(PROJECT, record(5))
    t.same(await readJson(latest), record(5))
  })
}

t.test('a prune that fails leaves the newest result in its place', async (t) => {
  const { store, latest, history } = await opened(t)
  await store.put(PROJECT, record(1))
  await store.put(PROJECT, record(2))
  const obstacle = join(history, `${record(1).id}.success.json`)
  await rm(obstacle)
  await mkdir(obstacle)
  await refuses(t, store.prune(PROJECT, { before: timeOf(9) }), 'STR_001', /^Results cannot be written: /)
  t.same(await readJson(latest), record(2))
  await rmdir(obstacle)
  await store.prune(PROJECT, { before: timeOf(9) })
  t.notOk(existsSync(latest))
})

t.test('a storage that cannot be used does not open', async (t) => {
  const storage = await temporaryFolder(t)
  await writeFile(join(storage, 'results'), '')
  await refuses(t, createFileStore({ storage, log: createLog(), writes: 1 }).open!(), 'STR_001', /move it away/)
})

t.test('FAULT 1: kill -9 in the middle of 2,000 puts loses nothing that was acknowledged', async (t) => {
  const storage = await temporaryFolder(t)
  const child = spawn(process.execPath, [fileURLToPath(new URL('./put-until-killed.js', import.meta.url)), storage], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => { child.kill('SIGKILL') })
  const closed = once(child, 'close')
  let printed = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text
    if (printed.length > 700 * 31) child.kill('SIGKILL')
  })
  const [, signal] = await closed as [number | null, string | null]
  t.equal(signal, 'SIGKILL', 'killed while it wrote')
  const acknowledged = printed.split('\n').slice(0, -1)
  t.ok(acknowledged.length >= 700 && acknowledged.length < 2_000, `${acknowledged.length} acknowledged`)

  const { store, log } = await opened(t, storage)
  const lost: string[] = []
  for (const id of acknowledged) if ((await store.get(PROJECT, id))?.id !== id) lost.push(id)
  t.same(lost, [])
  const { results } = await store.list(PROJECT, { limit: 2_000 })
  t.equal(results.length, (await store.usage(PROJECT)).count)
  t.ok(results.every(({ result }) => (result.text as string).length === 2_000))
  t.same(log.lines.filter(({ level }) => level === 'error'), [], 'none was damaged')

  const newest = new Map<string, string>()
  for (const each of results) {
    const path = join(each.issue_id, `${each.agent_type}.json`)
    if (!newest.has(path)) newest.set(path, each.id)
  }
  const folder = join(storage, 'results', PROJECT)
  for (const path of await tree(folder)) {
    t.notMatch(path, /\.tmp$/, 'no temporary file is left')
    if (newest.has(path)) t.equal((await readJson(join(folder, path))).id, newest.get(path), `${path} is the newest`)
  }
})

function mountSmallDisk (folder: string): boolean {
  return spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m,mode=0700', 'none', folder]).status === 0
}

const small = await temporaryFolder(t)
const mounted = mountSmallDisk(small)
if (mounted) execFileSync('umount', [small])
const skip = mounted ? false : 'needs root and mount(8): the full disk is NOT tested here'

t.test('FAULT 5: a full disk refuses, acknowledges nothing falsely, still reads, and heals', { skip }, async (t) => {
  const disk = await temporaryFolder(t)
  t.ok(mountSmallDisk(disk))
  t.teardown(() => { execFileSync('umount', ['--lazy', disk]) })
  const { store, folder, history, latest, log, reopen } = await opened(t, disk)
  const big = (number: number): ResultRecord => record(number, { result: { text: 'x'.repeat(100_000) } })
  await writeFile(join(disk, 'ballast'), Buffer.alloc(200_000))
  const acknowledged: number[] = []
  const outcomes = await Promise.allSettled(Array.from({ length: 30 }, async (_, number) => {
    await store.put(PROJECT, big(number))
    acknowledged.push(number)
  }))
  t.ok(acknowledged.length > 0 && acknowledged.length < 30, `${acknowledged.length} fitted`)
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected') t.match(outcome.reason, { code: 'STR_001', message: /^Results cannot be written: no space left on the device\.$/ })
  }
  for (const number of acknowledged) t.same(await store.get(PROJECT, big(number).id), big(number))
  t.equal((await readdir(history)).length, acknowledged.length, 'nothing is left of the others')
  t.same((await readdir(folder)).length, 2)
  t.same(await readJson(latest), big(Math.max(...acknowledged)))

  await rm(join(disk, 'ballast'))
  await store.put(PROJECT, big(50))
  t.same(await readJson(latest), big(50), 'heals without a restart')
  await t.resolves(store.check!())
  t.equal((await (await reopen()).store.usage(PROJECT)).count, acknowledged.length + 1)
  t.same(log.lines.filter(({ level }) => level === 'error'), [])
})
