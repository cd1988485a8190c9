import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { copyFile, lstat, mkdir, readdir, readFile, rename, rm, rmdir, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { codeOf, type IssueRecord, type ResultRecord, type ResultStore } from '../../../core/plugin-api.js'
import { MANIFEST } from '../../../core/plugin-host/define-plugin.js'
import { checkOptions } from '../../../core/plugin-host/manifest.js'
import plugin from '../../../plugins/storage/files/index.js'
import { createFolders } from '../../../plugins/storage/files/folders.js'
import { createLimit } from '../../../plugins/storage/files/limit.js'
import { createFileStore } from '../../../plugins/storage/files/store.js'
import { createWriteGuard } from '../../../plugins/storage/files/write-guard.js'
import { ioError, replaceSync } from './broken-sync.js'
import { AGENT_TYPE, createLog, ISSUE, PROJECT, record, temporaryFolder, timeOf } from './sample.js'

const TEMPORARY = '.test-engineer.01234567-89ab-cdef-0123-456789abcdef.tmp'

interface Opened {
  store: ResultStore
  storage: string
  /** The folder of the issue that `record()` belongs to. */
  folder: string
  latest: string
  history: string
  log: ReturnType<typeof createLog>
  /** Another store over the same folder, as after a crash. */
  reopen (): Promise<Omit<Opened, 'reopen'>>
}

async function opened (t: Test, at?: string): Promise<Opened> {
  const storage = at ?? await temporaryFolder(t)
  const folder = join(storage, 'results', PROJECT, ISSUE)
  const open = async () => {
    const log = createLog()
    const store = createFileStore({ storage, log, writes: 32 })
    t.teardown(() => store.close?.())
    await store.open?.()
    return { store, log, storage, folder, latest: join(folder, `${AGENT_TYPE}.json`), history: join(folder, `${AGENT_TYPE}.history`) }
  }
  return { ...await open(), reopen: open }
}

async function readJson (path: string): Promise<ResultRecord> {
  return JSON.parse(await readFile(path, 'utf8')) as ResultRecord
}

/** Every path below a folder, relative to it, in order. */
async function tree (folder: string): Promise<string[]> {
  return (await readdir(folder, { recursive: true })).sort()
}

/** Holds every sync of a folder until `release` is called; `reached` resolves when one waits. */
async function holdSync (t: Test): Promise<{ reached: Promise<void>, release (): void }> {
  let release = (): void => {}
  const released = new Promise<void>((resolve) => { release = resolve })
  let reach = (): void => {}
  const reached = new Promise<void>((resolve) => { reach = resolve })
  const restore = await replaceSync('sync', async (_handle, real) => {
    reach()
    await released
    await real()
  })
  t.teardown(() => {
    restore()
    // Also when the test failed before it did: the store waits for it when it is closed.
    release()
  })
  return { reached, release }
}

function isOneFile (t: Test, one: string, other: string): Promise<unknown> {
  return Promise.all([lstat(one), lstat(other)]).then(([a, b]) => t.equal(a.ino, b.ino, 'both names are one file'))
}

/** The call must reject with this code, in words for a person, without a path. */
async function refuses (t: Test, call: Promise<unknown>, code: string, reason: RegExp): Promise<void> {
  const error = await call.then(() => undefined, (thrown: unknown) => thrown as Error & { code: string })
  t.equal(error?.code, code)
  t.match(error?.message, reason)
  t.notMatch(error?.message, /\//, 'no path in the message')
}

t.test('the newest result stands under the agent type, and every result in its history', async (t) => {
  const { store, storage, latest, history, folder } = await opened(t)
  const [first, second] = [record(1), record(2, { status: 'failed', correlation_id: 'c-1' })]
  await store.put(PROJECT, first)
  t.same(await readJson(latest), first)
  await store.put(PROJECT, second)
  t.same((await readdir(folder)).sort(), [`${AGENT_TYPE}.history`, `${AGENT_TYPE}.json`], 'no temporary file is left')
  t.same((await readdir(history)).sort(), [`${first.id}.success.json`, `${second.id}.failed.json`])
  t.same(await readJson(join(history, `${first.id}.success.json`)), first)
  t.equal(await readFile(latest, 'utf8'), `${JSON.stringify(second, null, 2)}\n`, 'printed for people')
  await isOneFile(t, latest, join(history, `${second.id}.failed.json`))
  for (const path of await tree(join(storage, 'results'))) {
    const { mode } = await stat(join(storage, 'results', path))
    t.equal(mode & 0o777, path.endsWith('.json') ? 0o600 : 0o700, path)
  }
})

t.test('issues are files of their project', async (t) => {
  const { store, storage, reopen } = await opened(t)
  const issue: IssueRecord = { issue_id: ISSUE, title: 'Login fails', created_at: record(1).timestamp, updated_at: record(1).timestamp }
  const path = join(storage, 'issues', PROJECT, `${ISSUE}.json`)
  await Promise.all(Array.from({ length: 20 }, (_, number) => store.putIssue(PROJECT, { ...issue, title: `title ${number}` })))
  t.same(JSON.parse(await readFile(path, 'utf8')), { ...issue, title: 'title 19' }, 'the last call wins')
  t.equal((await stat(path)).mode & 0o777, 0o600)

  await writeFile(join(storage, 'issues', PROJECT, TEMPORARY), '{')
  const again = await reopen()
  await again.store.putIssue(PROJECT, { ...issue, issue_id: 'issue-2' })
  t.same(await readdir(join(storage, 'issues', PROJECT)), [`${ISSUE}.json`, 'issue-2.json'], 'what a crash left is gone')

  await writeFile(path, '{"issue_id":')
  t.equal(await again.store.getIssue(PROJECT, ISSUE), undefined)
  t.ok(existsSync(`${path}.damaged`))
  t.equal(again.log.lines.filter(({ level }) => level === 'error').length, 1)
})

t.test('a result that comes late does not take the place of a newer one', async (t) => {
  const { store, latest, history } = await opened(t)
  await store.put(PROJECT, record(5))
  await store.put(PROJECT, record(3))
  t.same(await readJson(latest), record(5))
  const shuffled = Array.from({ length: 60 }, (_, index) => record(10 + (index * 37) % 60))
  await Promise.all(shuffled.map((each) => store.put(PROJECT, each)))
  t.same(await readJson(latest), record(69))
  t.equal((await readdir(history)).length, 62)
})

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

t.test('what the caller changes after the call is not stored', async (t) => {
  const { store } = await opened(t)
  const given = record(1)
  const put = store.put(PROJECT, given)
  given.result.number = 'changed'
  await put
  t.same(await store.get(PROJECT, given.id), record(1))
})

t.test('a file that no index knows gives way to the result of its id', async (t) => {
  const { store, history, latest, folder, reopen } = await opened(t)
  await store.put(PROJECT, record(1))
  await writeFile(join(history, `${record(2).id}.success.json`), 'of a write that was never acknowledged')
  await store.put(PROJECT, record(2))
  t.same(await store.get(PROJECT, record(2).id), record(2))
  await isOneFile(t, latest, join(history, `${record(2).id}.success.json`))

  await mkdir(join(folder, 'planner.history'))
  await copyFile(latest, join(folder, 'planner.history', `${record(2).id}.success.json`))
  t.same(await (await reopen()).store.usage(), await store.usage(), 'one id counts once, wherever it lies')
})

t.test('one id put twice at once is written once', async (t) => {
  const { store, history } = await opened(t)
  let written = 0
  t.teardown(await replaceSync('datasync', (_handle, real) => {
    written++
    return real()
  }))
  await Promise.all([store.put(PROJECT, record(1)), store.put(PROJECT, record(1))])
  await store.put(PROJECT, record(1, { status: 'failed' }))
  t.equal(written, 1)
  t.same(await readdir(history), [`${record(1).id}.success.json`])
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

t.test('so many pieces of work run at once, in order of coming', async (t) => {
  const limit = createLimit(3)
  const ends: (() => void)[] = []
  const begun: number[] = []
  const all = Array.from({ length: 10 }, (_, number) => limit(async () => {
    begun.push(number)
    await new Promise<void>((resolve) => ends.push(resolve))
    if (number === 4) throw new Error('one fails')
  }).catch(() => {}))
  for (let done = 0; done < 10; done++) {
    t.equal(begun.length, Math.min(10, done + 3))
    ends[done]!()
    await all[done]
  }
  t.same(begun, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
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

t.test('names never become paths unchecked', async (t) => {
  const outside = await temporaryFolder(t)
  const { store, storage } = await opened(t, join(outside, 'a', 'storage'))
  await store.put(PROJECT, record(1))
  await writeFile(join(outside, 'secret.json'), JSON.stringify(record(1)))
  const before = await tree(outside)
  const wrong = ['', '.', '..', '../x', '../../../secret', 'a/b', 'a\\b', '/etc', '.hidden', 'a\0', 'a\n', 'é', '-a', 'x'.repeat(129), '__proto__', undefined as unknown as string]
  for (const name of wrong) {
    const what = JSON.stringify(name)
    const calls: Record<string, Promise<unknown>> = {
      'put project': store.put(name, record(2)),
      'put id': store.put(PROJECT, record(2, { id: name })),
      'put issue': store.put(PROJECT, record(2, { issue_id: name })),
      'put agent type': store.put(PROJECT, record(2, { agent_type: name })),
      'put status': store.put(PROJECT, record(2, { status: name as 'success' })),
      'get project': store.get(name, record(1).id),
      'list project': store.list(name, { limit: 1 }),
      'prune project': store.prune(name, { before: timeOf(9) }),
      'putIssue project': store.putIssue(name, { issue_id: ISSUE, title: '', created_at: '', updated_at: '' }),
      'putIssue issue': store.putIssue(PROJECT, { issue_id: name, title: '', created_at: '', updated_at: '' }),
      'getIssue project': store.getIssue(name, ISSUE),
      'getIssue issue': store.getIssue(PROJECT, name),
      ...(name === undefined ? {} : { 'usage project': store.usage(name) })
    }
    for (const [call, outcome] of Object.entries(calls)) t.equal(await outcome.then(() => 'taken', codeOf), 'VAL_001', `${call} ${what}`)
    t.equal(await store.get(PROJECT, name), undefined, `get ${what}`)
    t.same(await store.list(PROJECT, { limit: 1, issue_id: name ?? '', agent_type: name ?? '' }), { results: [] }, `list ${what}`)
  }
  t.same(await tree(outside), before, 'nothing was made anywhere')
  t.same((await tree(storage)).includes('issues'), true)
})

t.test('a cursor is of its project', async (t) => {
  const { store } = await opened(t)
  for (const number of [1, 2]) await store.put(PROJECT, record(number))
  const { next_cursor: cursor } = await store.list(PROJECT, { limit: 1 })
  t.same((await store.list(PROJECT, { limit: 1, cursor: cursor! })).results, [record(1)])
  await t.rejects(store.list('shop-2', { limit: 1, cursor: cursor! }), { code: 'VAL_001' })
  await t.rejects(store.list(PROJECT, { limit: 1, cursor: `${cursor!}=` }), { code: 'VAL_001' })
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

t.test('prune removes files, the newest when it is pruned itself, and empty folders', async (t) => {
  const { store, storage, folder, latest, history, reopen } = await opened(t)
  await store.put(PROJECT, record(1))
  await store.put(PROJECT, record(3))
  await store.put(PROJECT, record(2, { agent_type: 'planner' }))
  await store.put(PROJECT, record(2, { id: record(20).id.replace('20', '02'), issue_id: 'issue-2' }))
  await store.put('shop-2', record(1, { project_id: 'shop-2' }))
  const before = await tree(storage)
  await utimes(latest, 0, 0)
  await store.prune(PROJECT, { before: timeOf(3), dryRun: true })
  t.same(await tree(storage), before)

  t.equal((await store.prune(PROJECT, { before: timeOf(3) })).removed, 2, 'by the time of the id, whatever the file says')
  t.same(await readJson(latest), record(3))
  t.same(await readdir(history), [`${record(3).id}.success.json`])
  t.same((await readdir(folder)).sort(), [`${AGENT_TYPE}.history`, `${AGENT_TYPE}.json`], 'nothing of the planner')
  t.equal((await store.prune(PROJECT, { before: timeOf(99) })).removed, 2)
  t.same(await readdir(join(storage, 'results')), ['shop-2'])
  t.same(await readJson(join(storage, 'results', 'shop-2', ISSUE, `${AGENT_TYPE}.json`)), record(1, { project_id: 'shop-2' }))
  await store.put(PROJECT, record(100))
  t.same((await (await reopen()).store.list(PROJECT, { limit: 9 })).results, [record(100)])
})

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

t.test('prune and put at once take nothing from each other', async (t) => {
  const { store, latest } = await opened(t)
  for (let round = 0; round < 100; round++) {
    await store.put(PROJECT, record(2 * round))
    await Promise.all([
      store.prune(PROJECT, { before: timeOf(2 * round + 1) }),
      store.put(PROJECT, record(2 * round + 1))
    ])
    t.same(await readJson(latest), record(2 * round + 1))
    t.equal((await store.usage(PROJECT)).count, 1)
  }
})

t.test('check() says whether results can be written', async (t) => {
  const { store, storage } = await opened(t)
  await t.resolves(store.check!())
  t.same(await readdir(join(storage, 'results')), [], 'and leaves nothing')
  await rmdir(join(storage, 'results'))
  await refuses(t, store.check!(), 'STR_001', /a folder of the storage was removed/)
})

t.test('a storage that cannot be used does not open', async (t) => {
  const storage = await temporaryFolder(t)
  await writeFile(join(storage, 'results'), '')
  await refuses(t, createFileStore({ storage, log: createLog(), writes: 1 }).open!(), 'STR_001', /move it away/)
})

t.test('close waits for what is being written, and then nothing is', async (t) => {
  const { store, latest } = await opened(t)
  const { reached, release } = await holdSync(t)
  const put = store.put(PROJECT, record(1))
  let closed = false
  const closing = store.close?.().then(() => { closed = true })
  await reached
  t.equal(closed, false)
  release()
  await closing
  t.same(await readJson(latest), record(1))
  await put
  await refuses(t, store.put(PROJECT, record(2)), 'STR_001', /closed/)
})

t.test('the plugin has checked options and makes a store without touching the disk', async (t) => {
  const manifest = plugin[MANIFEST]
  t.match(manifest, { kind: 'result-store', name: 'files' })
  t.same(checkOptions(manifest, {}, 'test'), { writes: 32 })
  for (const options of [{ writes: 0 }, { writes: 1.5 }, { write: 1 }]) t.throws(() => checkOptions(manifest, options, 'test'), { code: 'SIDECAR_ERR_PLUGIN_OPTIONS' })
  const storage = join(await temporaryFolder(t), 'storage')
  const context = { storage, log: createLog() } as unknown as Parameters<typeof manifest.create>[1]
  const store = await manifest.create({ writes: 32 }, context) as ResultStore
  t.notOk(existsSync(storage))
  await store.open?.()
  await store.put(PROJECT, record(1))
  t.same(await store.get(PROJECT, record(1).id), record(1))
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
  t.teardown(() => { execFileSync('umount', [disk]) })
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
