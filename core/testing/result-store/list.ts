import assert from 'node:assert/strict'
import type { ResultQuery, ResultRecord } from '../../contracts/result-store.js'
import { listIds, NEIGHBOUR, newestFirst, PROJECT, putAll, record, timeOf, type StoreTest } from './records.js'

// `issue-1` begins like `issue-10` and `test-engineer` like `test-engineer-lead`, so that a match by prefix shows.
const VARIED: readonly ResultRecord[] = Array.from({ length: 16 }, (_, index) => record(index + 1, {
  issue_id: index % 2 === 0 ? 'issue-1' : 'issue-10',
  agent_type: index % 4 < 2 ? 'test-engineer' : 'test-engineer-lead',
  status: (['success', 'failed', 'partial'] as const)[index % 3]!
}))

const FILTERS: readonly Partial<ResultQuery>[] = [
  { issue_id: 'issue-1' }, { agent_type: 'test-engineer' }, { status: 'success' }, { since: timeOf(4) }, { until: timeOf(14) }
]

function matches (each: ResultRecord, query: Partial<ResultQuery>): boolean {
  const time = Date.parse(each.timestamp)
  return (query.issue_id === undefined || each.issue_id === query.issue_id) &&
    (query.agent_type === undefined || each.agent_type === query.agent_type) &&
    (query.status === undefined || each.status === query.status) &&
    (query.since === undefined || time >= query.since) &&
    (query.until === undefined || time < query.until)
}

export function listTests (check: StoreTest): void {
  check('results are listed newest first, at most limit of them', async ({ instance: store, clock }) => {
    await putAll(store, clock, VARIED)
    assert.deepEqual(await listIds(store, PROJECT), newestFirst(VARIED))
    for (const limit of [1, 5, 16, 17]) assert.deepEqual(await listIds(store, PROJECT, { limit }), newestFirst(VARIED).slice(0, limit), `limit ${limit}`)
  })

  check('every filter holds, alone and with every other', async ({ instance: store, clock }) => {
    await putAll(store, clock, VARIED)
    await putAll(store, clock, VARIED.map((each, index) => record(index + 51, { ...each, id: record(index + 51).id, project_id: NEIGHBOUR })))
    for (let chosen = 0; chosen < 2 ** FILTERS.length; chosen++) {
      const query: Partial<ResultQuery> = Object.assign({}, ...FILTERS.filter((_, index) => (chosen & (1 << index)) !== 0))
      const expected = newestFirst(VARIED.filter((each) => matches(each, query)))
      assert.deepEqual(await listIds(store, PROJECT, query), expected, JSON.stringify(query))
    }
  })

  check('since includes its moment, until does not', async ({ instance: store, clock }) => {
    const [first, second, third] = [record(1), record(2), record(3)]
    await putAll(store, clock, [first, second, third])
    assert.deepEqual(await listIds(store, PROJECT, { since: timeOf(2) }), newestFirst([second, third]))
    assert.deepEqual(await listIds(store, PROJECT, { since: timeOf(2) + 1 }), newestFirst([third]))
    assert.deepEqual(await listIds(store, PROJECT, { until: timeOf(2) }), newestFirst([first]))
    assert.deepEqual(await listIds(store, PROJECT, { until: timeOf(2) + 1 }), newestFirst([first, second]))
    assert.deepEqual(await listIds(store, PROJECT, { since: timeOf(2), until: timeOf(3) }), newestFirst([second]))
    assert.deepEqual(await listIds(store, PROJECT, { since: timeOf(2), until: timeOf(2) }), [])
  })

  check('a filter that nothing fits gives an empty last page', async ({ instance: store, clock }) => {
    await putAll(store, clock, VARIED)
    for (const query of [{ issue_id: 'issue' }, { agent_type: 'engineer' }, { issue_id: '.*' }, { since: timeOf(99) }, { until: 0 }] as const) {
      assert.deepEqual(await store.list(PROJECT, { limit: 5, ...query }), { results: [] }, JSON.stringify(query))
    }
  })
}
