import assert from 'node:assert/strict'
import { listIds, NEIGHBOUR, newestFirst, PROJECT, record, timeOf, type StoreTest } from './records.js'

const KEY = 'test-engineer-1/a key'

export function idempotencyTests (check: StoreTest): void {
  check('put resolves to the record that is stored: a new one as given, the earlier one when its id or key is there', async ({ instance: store }) => {
    const first = record(1, { idempotency_key: KEY })
    assert.deepEqual(await store.put(PROJECT, first), first)
    assert.deepEqual(await store.put(PROJECT, record(1, { status: 'failed' })), first, 'its id is there')
    assert.deepEqual(await store.put(PROJECT, record(2, { idempotency_key: KEY, status: 'failed' })), first, 'its key is there')
    assert.deepEqual(await listIds(store, PROJECT), [first.id])
    assert.deepEqual(await store.get(PROJECT, first.id), first)
    assert.equal(await store.get(PROJECT, record(2).id), undefined)
    assert.equal((await store.usage(PROJECT)).count, 1)
  })

  check('a key is one of its project, whatever the issue and agent type', async ({ instance: store }) => {
    const first = record(1, { idempotency_key: KEY })
    const theirs = record(2, { idempotency_key: KEY, project_id: NEIGHBOUR })
    await store.put(PROJECT, first)
    assert.deepEqual(await store.put(PROJECT, record(3, { idempotency_key: KEY, issue_id: 'issue-2' })), first)
    assert.deepEqual(await store.put(PROJECT, record(4, { idempotency_key: KEY, agent_type: 'ai-engineer' })), first)
    assert.deepEqual(await store.put(NEIGHBOUR, theirs), theirs)
    assert.deepEqual([await listIds(store, PROJECT), await listIds(store, NEIGHBOUR)], [[first.id], [theirs.id]])
  })

  check('keys are told apart to the letter, and from ids; results without a key are all stored', async ({ instance: store }) => {
    const records = [
      ...['key', 'Key', 'key ', 'k', record(7).id, '__proto__'].map((key, index) => record(index + 1, { idempotency_key: key })), record(7), record(8)
    ]
    for (const each of records) assert.deepEqual(await store.put(PROJECT, each), each)
    assert.deepEqual(await listIds(store, PROJECT), newestFirst(records))
  })

  check('of 20 puts at once with one key one is stored, and all resolve to it', async ({ instance: store }) => {
    const records = Array.from({ length: 20 }, (_, index) => record(index + 1, { idempotency_key: KEY, result: { number: index } }))
    const stored = await Promise.all(records.map((each) => store.put(PROJECT, each)))
    const [only] = (await store.list(PROJECT, { limit: 100 })).results
    for (const each of stored) assert.deepEqual(each, only)
    assert.equal((await store.usage(PROJECT)).count, 1)
  })

  check('changing an earlier record that put resolved to changes nothing stored', async ({ instance: store }) => {
    await store.put(PROJECT, record(1, { idempotency_key: KEY }))
    const got = await store.put(PROJECT, record(2, { idempotency_key: KEY }))
    got.result.changed = true
    assert.deepEqual(await store.get(PROJECT, record(1).id), record(1, { idempotency_key: KEY }))
  })

  check('a key is free again when its record was pruned', async ({ instance: store, clock }) => {
    clock.set(timeOf(5))
    await store.put(PROJECT, record(1, { idempotency_key: KEY }))
    await store.prune(PROJECT, { before: timeOf(2) })
    const later = record(3, { idempotency_key: KEY })
    assert.deepEqual(await store.put(PROJECT, later), later)
    assert.deepEqual(await listIds(store, PROJECT), [later.id])
  })

  check('durable: after reopening a key is still known, and that of a pruned record is not', async ({ instance: store, clock, reopen }) => {
    if (!store.supports.durable) return
    clock.set(timeOf(5))
    await store.put(PROJECT, record(1, { idempotency_key: 'pruned' }))
    await store.put(PROJECT, record(2, { idempotency_key: KEY }))
    await store.prune(PROJECT, { before: timeOf(2) })
    const reopened = await reopen()
    assert.deepEqual(await reopened.put(PROJECT, record(3, { idempotency_key: KEY })), record(2, { idempotency_key: KEY }))
    await reopened.put(PROJECT, record(4, { idempotency_key: 'pruned' }))
    assert.deepEqual(await listIds(reopened, PROJECT), newestFirst([record(2), record(4)]))
  })
}
