import assert from 'node:assert/strict'
import type { ResultQuery, ResultStore } from '../../contracts/result-store.js'
import { codeOf } from '../../errors.js'
import { rejectsWith } from '../expectations.js'
import { NEIGHBOUR, newestFirst, PROJECT, putAll, record, timeOf, type StoreTest } from './records.js'

const GARBAGE = ['garbage', '-1', '1e9', 'null', '{}', '%00', '../..', "' OR 1=1", 'é', 'z'.repeat(4_096)]

/** Ids page by page, newest first; `between` runs after each page. */
async function page (store: ResultStore, query: ResultQuery, between: (pages: number) => Promise<void> = async () => {}): Promise<string[]> {
  const ids: string[] = []
  let cursor: string | undefined
  for (let pages = 1; pages < 100; pages++) {
    const { results, next_cursor: next } = await store.list(PROJECT, { ...query, ...(cursor === undefined ? {} : { cursor }) })
    ids.push(...results.map(({ id }) => id))
    if (next === undefined) return ids
    assert.equal(results.length, query.limit, 'a page that is not the last is full')
    cursor = next
    await between(pages)
  }
  return assert.fail('paging did not come to an end within 100 pages')
}

export function pagingTests (check: StoreTest): void {
  check('pages show each result once, for any limit', async ({ instance: store, clock }) => {
    const records = Array.from({ length: 10 }, (_, index) => record(index + 1))
    await putAll(store, clock, [...records, record(20, { project_id: NEIGHBOUR })])
    for (const limit of [1, 3, 5, 9, 10, 11]) assert.deepEqual(await page(store, { limit }), newestFirst(records), `limit ${limit}`)
  })

  check('the last page has no cursor, also when it is full', async ({ instance: store, clock }) => {
    await putAll(store, clock, [record(1), record(2), record(3), record(4)])
    assert.ok(!('next_cursor' in await store.list(PROJECT, { limit: 4 })))
    const first = await store.list(PROJECT, { limit: 2 })
    assert.equal(typeof first.next_cursor, 'string')
    assert.ok(!('next_cursor' in await store.list(PROJECT, { limit: 2, cursor: first.next_cursor! })))
  })

  check('pages show each result once while others are put', async ({ instance: store, clock }) => {
    const records = Array.from({ length: 9 }, (_, index) => record(index + 1))
    await putAll(store, clock, records)
    const ids = await page(store, { limit: 2 }, async (pages) => {
      await putAll(store, clock, [record(20 + pages), record(40 + pages, { project_id: NEIGHBOUR })])
    })
    assert.deepEqual(ids, newestFirst(records))
  })

  check('pages keep to their filters', async ({ instance: store, clock }) => {
    const records = Array.from({ length: 12 }, (_, index) => record(index + 1, { issue_id: `issue-${index % 3}`, status: index % 2 === 0 ? 'success' : 'failed' }))
    await putAll(store, clock, records)
    const query = { limit: 1, status: 'success', since: timeOf(2), until: timeOf(12) } as const
    const expected = records.filter((each, index) => each.status === 'success' && index + 1 >= 2 && index + 1 < 12)
    assert.deepEqual(await page(store, query), newestFirst(expected))
  })

  check('pages show each of several results of one moment', async ({ instance: store }) => {
    const records = Array.from({ length: 7 }, (_, index) => {
      const { id } = record(1)
      return record(1, { id: id.slice(0, -1) + String(index) })
    })
    for (const each of records) await store.put(PROJECT, each)
    assert.deepEqual(await page(store, { limit: 2 }), newestFirst(records))
  })

  check('a garbage cursor is refused with VAL_001', async ({ instance: store, clock }) => {
    await putAll(store, clock, [record(1), record(2)])
    for (const cursor of GARBAGE) await rejectsWith('VAL_001', () => store.list(PROJECT, { limit: 1, cursor }), `the cursor ${JSON.stringify(cursor.slice(0, 20))}`)
  })

  check('a cursor of another project shows nothing of that project', async ({ instance: store, clock }) => {
    const theirs = [1, 2, 3].map((number) => record(number, { project_id: NEIGHBOUR }))
    await putAll(store, clock, [...theirs, record(4)])
    const { next_cursor: cursor } = await store.list(NEIGHBOUR, { limit: 1 })
    try {
      const { results } = await store.list(PROJECT, { limit: 10, cursor: cursor! })
      assert.ok(results.every((each) => each.project_id === PROJECT))
    } catch (error) {
      if (codeOf(error) !== 'VAL_001') throw error
    }
  })
}
