import assert from 'node:assert/strict'
import { issue, listIds, NEIGHBOUR, newestFirst, PROJECT, putAll, record, timeOf, type StoreTest } from './records.js'

export function pruneTests (check: StoreTest): void {
  check('usage counts the results of one project or of all', async ({ instance: store, clock }) => {
    assert.deepEqual(await store.usage(), { count: 0, bytes: 0 })
    await putAll(store, clock, [record(1), record(2), record(3, { project_id: NEIGHBOUR, result: { text: 'x'.repeat(10_000) } })])
    const [mine, theirs, all] = [await store.usage(PROJECT), await store.usage(NEIGHBOUR), await store.usage()]
    assert.deepEqual([mine.count, theirs.count, all.count], [2, 1, 3])
    assert.ok(mine.bytes > 0 && theirs.bytes > 10_000, 'bytes are those of the results')
    assert.equal(all.bytes, mine.bytes + theirs.bytes)
  })

  check('prune removes what was stored before a moment, and nothing else', async ({ instance: store, clock }) => {
    const records = [1, 2, 3, 4, 5].map((number) => record(number))
    const theirs = [1, 2].map((number) => record(number + 10, { project_id: NEIGHBOUR, timestamp: record(number).timestamp }))
    await putAll(store, clock, [...records, ...theirs])
    await store.putIssue(PROJECT, issue())
    const before = await store.usage(PROJECT)
    const { removed, bytes } = await store.prune(PROJECT, { before: timeOf(3) })
    assert.equal(removed, 2)
    const after = await store.usage(PROJECT)
    assert.deepEqual({ count: after.count, bytes: after.bytes }, { count: 3, bytes: before.bytes - bytes })
    assert.ok(bytes > 0)
    assert.deepEqual(await listIds(store, PROJECT), newestFirst(records.slice(2)), 'one stored at the very moment is kept')
    assert.equal(await store.get(PROJECT, records[0]!.id), undefined)
    assert.deepEqual(await store.get(PROJECT, records[2]!.id), records[2])
    assert.deepEqual(await listIds(store, NEIGHBOUR), newestFirst(theirs), 'the other project keeps everything')
    assert.deepEqual(await store.get(NEIGHBOUR, theirs[0]!.id), theirs[0])
    assert.deepEqual(await store.getIssue(PROJECT, 'issue-1'), issue(), 'issues are no results')
  })

  check('prune takes earlier results of an agent type and leaves the later one', async ({ instance: store, clock }) => {
    const records = [record(1), record(2, { issue_id: 'issue-2' }), record(3)]
    await putAll(store, clock, records)
    assert.equal((await store.prune(PROJECT, { before: timeOf(3) })).removed, 2)
    assert.deepEqual(await listIds(store, PROJECT), [records[2]!.id])
    assert.deepEqual(await store.get(PROJECT, records[2]!.id), records[2])
    await putAll(store, clock, [record(4)])
    assert.deepEqual(await listIds(store, PROJECT, { agent_type: 'test-engineer' }), newestFirst([records[2]!, record(4)]))
  })

  check('prune with dryRun counts and removes nothing', async ({ instance: store, clock }) => {
    const records = [1, 2, 3].map((number) => record(number))
    await putAll(store, clock, records)
    const before = await store.usage(PROJECT)
    const counted = await store.prune(PROJECT, { before: timeOf(3), dryRun: true })
    assert.equal(counted.removed, 2)
    assert.deepEqual(await listIds(store, PROJECT), newestFirst(records))
    assert.deepEqual(await store.usage(PROJECT), before)
    assert.deepEqual(await store.prune(PROJECT, { before: timeOf(3), dryRun: false }), counted)
    assert.deepEqual(await store.prune(PROJECT, { before: timeOf(3) }), { removed: 0, bytes: 0 })
  })

  check('prune of a project without results removes nothing', async ({ instance: store, clock }) => {
    await putAll(store, clock, [record(1)])
    assert.deepEqual(await store.prune(NEIGHBOUR, { before: timeOf(99) }), { removed: 0, bytes: 0 })
    assert.deepEqual(await listIds(store, PROJECT), [record(1).id])
  })
}
