import { existsSync } from 'node:fs'
import { copyFile, mkdir, readdir, readFile, rmdir, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { codeOf, type IssueRecord, type ResultStore } from '../../../core/plugin-api.js'
import { MANIFEST } from '../../../core/plugin-host/define-plugin.js'
import { checkOptions } from '../../../core/plugin-host/manifest.js'
import plugin from '../../../plugins/storage/files/index.js'
import { createLimit } from '../../../plugins/storage/files/limit.js'
import { replaceSync } from './broken-sync.js'
import { holdSync, isOneFile, opened, readJson, refuses, tree } from './opened-store.js'
import { AGENT_TYPE, createLog, ISSUE, PROJECT, record, temporaryFolder, timeOf } from './sample.js'

const TEMPORARY = '.test-engineer.01234567-89ab-cdef-0123-456789abcdef.tmp'

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
