import assert from 'node:assert/strict'
import { awkwardJson } from '../samples.js'
import { issue, listIds, NEIGHBOUR, newestFirst, PROJECT, putAll, record, timeOf, type StoreTest } from './records.js'

/** What `supports.durable` promises: reopened without close, as after a crash. */
export function durabilityTests (check: StoreTest): void {
  check('durable: acknowledged results and issues are there after reopening without close', async ({ instance: store, reopen }) => {
    if (!store.supports.durable) return
    const records = Array.from({ length: 30 }, (_, index) => record(index + 1))
    const awkward = record(40, { result: awkwardJson(), issue_id: 'issue-2', round: 2 })
    const theirs = record(50, { project_id: NEIGHBOUR })
    await Promise.all([...records, awkward, theirs].map((each) => store.put(each.project_id, each)))
    await store.putIssue(PROJECT, issue({ title: 'first' }))
    await store.putIssue(PROJECT, issue({ labels: ['bug'] }))
    const usage = await store.usage(PROJECT)
    const reopened = await reopen()
    assert.deepEqual(await listIds(reopened, PROJECT), newestFirst([...records, awkward]))
    for (const each of [...records, awkward]) assert.deepEqual(await reopened.get(PROJECT, each.id), each)
    assert.deepEqual(await listIds(reopened, PROJECT, { issue_id: 'issue-2' }), [awkward.id])
    assert.deepEqual(await listIds(reopened, NEIGHBOUR), [theirs.id])
    assert.deepEqual(await reopened.getIssue(PROJECT, 'issue-1'), issue({ labels: ['bug'] }))
    assert.deepEqual(await reopened.usage(PROJECT), usage)
  })

  check('durable: after reopening a stored id is still known and new results are listed with the old', async ({ instance: store, clock, reopen }) => {
    if (!store.supports.durable) return
    await putAll(store, clock, [record(1), record(2)])
    const reopened = await reopen()
    await putAll(reopened, clock, [record(2), record(3)])
    assert.deepEqual(await listIds(reopened, PROJECT), newestFirst([record(1), record(2), record(3)]))
    assert.equal((await reopened.usage(PROJECT)).count, 3)
  })

  check('durable: a cursor of before goes on after reopening', async ({ instance: store, clock, reopen }) => {
    if (!store.supports.durable) return
    const records = [1, 2, 3, 4].map((number) => record(number))
    await putAll(store, clock, records)
    const first = await store.list(PROJECT, { limit: 2 })
    const reopened = await reopen()
    assert.deepEqual(await listIds(reopened, PROJECT, { cursor: first.next_cursor! }), newestFirst(records).slice(2))
  })

  check('durable: what was pruned stays away after reopening', async ({ instance: store, clock, reopen }) => {
    if (!store.supports.durable) return
    await putAll(store, clock, [record(1), record(2), record(3)])
    await store.prune(PROJECT, { before: timeOf(3) })
    const reopened = await reopen()
    assert.deepEqual(await listIds(reopened, PROJECT), [record(3).id])
    assert.equal(await reopened.get(PROJECT, record(1).id), undefined)
    assert.equal((await reopened.usage(PROJECT)).count, 1)
  })
}
