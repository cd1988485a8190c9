import fc from 'fast-check'
import t from 'tap'
import type { ResultQuery, ResultRecord, ResultStore } from '../../../core/plugin-api.js'
import { MANIFEST } from '../../../core/plugin-host/define-plugin.js'
import { checkOptions } from '../../../core/plugin-host/manifest.js'
import plugin, { createMemoryStore } from '../../../plugins/storage/memory.js'
import { PROJECT, record, timeOf } from './sample.js'

async function idsOf (store: ResultStore, project = PROJECT, query: Partial<ResultQuery> = {}): Promise<string[]> {
  return (await store.list(project, { limit: 1_000, ...query })).results.map(({ id }) => id)
}

const ids = (...numbers: number[]): string[] => numbers.map((number) => record(number).id)

t.test('the oldest result gives way when there are too many, of whatever project', async (t) => {
  const store = createMemoryStore({ maxResults: 3 })
  t.equal(store.supports.durable, false)
  await store.put(PROJECT, record(2))
  await store.put('shop-2', record(1))
  await store.put(PROJECT, record(3))
  await store.put(PROJECT, record(3))
  t.equal((await store.usage()).count, 3, 'one that is there already counts once')
  await store.put(PROJECT, record(4))
  t.same(await idsOf(store, 'shop-2'), [], 'not the one put first, but the one with the oldest id')
  t.equal(await store.get('shop-2', record(1).id), undefined)
  await store.put(PROJECT, record(5))
  t.same(await idsOf(store), ids(5, 4, 3))
  t.equal(await store.get(PROJECT, record(2).id), undefined)
  t.equal((await store.usage()).count, 3)
})

t.test('pruned results make room', async (t) => {
  const store = createMemoryStore({ maxResults: 3 })
  for (const number of [1, 2, 3]) await store.put(PROJECT, record(number))
  await store.prune(PROJECT, { before: timeOf(3) })
  for (const number of [4, 5]) await store.put(PROJECT, record(number))
  t.same(await idsOf(store), ids(5, 4, 3))
  await store.prune(PROJECT, { before: timeOf(99) })
  t.same(await store.usage(), { count: 0, bytes: 0 })
})

t.test('the issue that was not written for the longest time gives way', async (t) => {
  const store = createMemoryStore({ maxResults: 2 })
  const put = (id: string) => store.putIssue(PROJECT, { issue_id: id, title: id, created_at: '', updated_at: '' })
  for (const id of ['a', 'b', 'a', 'c']) await put(id)
  t.equal(await store.getIssue(PROJECT, 'b'), undefined)
  t.equal((await store.getIssue(PROJECT, 'a'))?.title, 'a')
  t.equal((await store.getIssue(PROJECT, 'c'))?.title, 'c')
})

t.test('names are refused as by every store', async (t) => {
  const store = createMemoryStore({ maxResults: 2 })
  for (const name of ['', '..', 'a/b', '__proto__', 'a\n']) {
    await t.rejects(store.put(name, record(1)), { code: 'VAL_001' })
    await t.rejects(store.put(PROJECT, record(1, { id: name })), { code: 'VAL_001' })
    await t.rejects(store.put(PROJECT, record(1, { issue_id: name })), { code: 'VAL_001' })
    await t.rejects(store.put(PROJECT, record(1, { agent_type: name })), { code: 'VAL_001' })
    await t.rejects(store.getIssue(PROJECT, name), { code: 'VAL_001' })
    await t.rejects(store.list(name, { limit: 1 }), { code: 'VAL_001' })
  }
})

t.test('nothing is stored after close', async (t) => {
  const store = createMemoryStore({ maxResults: 2 })
  await store.close?.()
  await store.close?.()
  await t.rejects(store.put(PROJECT, record(1)), { code: 'STR_001' })
})

t.test('the plugin has checked options', async (t) => {
  const manifest = plugin[MANIFEST]
  t.match(manifest, { kind: 'result-store', name: 'memory' })
  t.same(checkOptions(manifest, {}, 'test'), { maxResults: 10_000 })
  for (const options of [{ maxResults: 0 }, { max: 1 }]) t.throws(() => checkOptions(manifest, options, 'test'), { code: 'SIDECAR_ERR_PLUGIN_OPTIONS' })
})

t.test('whatever is put and pruned in whatever order, lists and pages are those of a plain array', async () => {
  const number = fc.integer({ min: 0, max: 30 })
  const name = fc.constantFrom('a', 'ab', 'b')
  const command = fc.oneof(
    { weight: 6, arbitrary: fc.record({ put: number, issue: name, agentType: name, status: fc.constantFrom('success' as const, 'failed' as const, 'partial' as const) }) },
    { weight: 1, arbitrary: fc.record({ prune: number }) }
  )
  const query = fc.record({
    issue_id: name, agent_type: name, status: fc.constantFrom('success' as const, 'failed' as const), since: number.map(timeOf), until: number.map(timeOf)
  }, { requiredKeys: [] })
  const fits = (each: ResultRecord, wanted: Omit<ResultQuery, 'limit'>): boolean => {
    const time = Date.parse(each.timestamp)
    return each.issue_id === (wanted.issue_id ?? each.issue_id) && each.agent_type === (wanted.agent_type ?? each.agent_type) &&
      each.status === (wanted.status ?? each.status) && time >= (wanted.since ?? time) && time < (wanted.until ?? Infinity)
  }
  await fc.assert(fc.asyncProperty(fc.array(command, { minLength: 10, maxLength: 60, size: 'max' }), query, fc.integer({ min: 1, max: 5 }), async (commands, wanted, limit) => {
    const most = 20
    const store = createMemoryStore({ maxResults: most })
    let model: ResultRecord[] = []
    for (const each of commands) {
      if ('prune' in each) {
        const before = model.length
        model = model.filter(({ timestamp }) => Date.parse(timestamp) >= timeOf(each.prune))
        const { removed } = await store.prune(PROJECT, { before: timeOf(each.prune) })
        if (removed !== before - model.length) throw new Error(`prune removed ${removed}`)
        continue
      }
      const put = record(each.put, { issue_id: each.issue, agent_type: each.agentType, status: each.status })
      if (!model.some(({ id }) => id === put.id)) model.push(put)
      model.sort((one, other) => (one.id < other.id ? 1 : -1))
      model.length = Math.min(model.length, most)
      await store.put(PROJECT, put)
    }
    const paged: ResultRecord[] = []
    let cursor: string | undefined
    do {
      const page = await store.list(PROJECT, { ...wanted, limit, ...(cursor === undefined ? {} : { cursor }) })
      paged.push(...page.results)
      cursor = page.next_cursor
    } while (cursor !== undefined)
    const expected = model.filter((each) => fits(each, wanted))
    if (JSON.stringify(paged) !== JSON.stringify(expected)) throw new Error(`listed ${paged.map(({ id }) => id).join()} instead of ${expected.map(({ id }) => id).join()}`)
    const usage = await store.usage(PROJECT)
    const bytes = model.reduce((sum, each) => sum + Buffer.byteLength(JSON.stringify(each)), 0)
    if (usage.count !== model.length || usage.bytes !== bytes) throw new Error(`usage is ${JSON.stringify(usage)}`)
  }), { seed: 20260101, numRuns: 300 })
})
