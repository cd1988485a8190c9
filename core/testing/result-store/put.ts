import assert from 'node:assert/strict'
import { AWKWARD_NAMES, awkwardJson } from '../samples.js'
import { listIds, NEIGHBOUR, newestFirst, PROJECT, putAll, record, type StoreTest } from './records.js'

export function putTests (check: StoreTest): void {
  check('a record comes back verbatim', async ({ instance: store }) => {
    const full = record(1, { result: awkwardJson(), correlation_id: 'c-1', round: 0, status: 'partial' })
    const bare = record(2)
    await store.put(PROJECT, full)
    await store.put(PROJECT, bare)
    assert.deepEqual(await store.get(PROJECT, full.id), full)
    assert.deepEqual(await store.get(PROJECT, bare.id), bare, 'and what was not given stays absent')
    assert.deepEqual((await store.list(PROJECT, { limit: 10 })).results, [bare, full])
  })

  check('what is not there is undefined or empty', async ({ instance: store }) => {
    const empty = { results: [] }
    assert.equal(await store.get(PROJECT, record(1).id), undefined)
    assert.deepEqual(await store.list(PROJECT, { limit: 10 }), empty)
    await store.put(PROJECT, record(1))
    assert.equal(await store.get(PROJECT, record(2).id), undefined)
    assert.equal(await store.get(PROJECT, 'constructor'), undefined)
    assert.equal(await store.get(PROJECT, '../../etc/passwd'), undefined)
    assert.deepEqual(await store.list(PROJECT, { limit: 10, issue_id: 'issue-2' }), empty)
    assert.deepEqual(await store.usage('unheard-of'), { count: 0, bytes: 0 })
  })

  check('changing a record that was given or returned changes nothing stored', async ({ instance: store }) => {
    const given = record(1, { result: { list: ['a'] } })
    await store.put(PROJECT, given)
    given.status = 'failed'
    ;(given.result.list as string[]).push('changed')
    const kept = record(1, { result: { list: ['a'] } })
    const got = await store.get(PROJECT, kept.id)
    assert.deepEqual(got, kept)
    ;(got!.result.list as string[]).push('changed')
    const [listed] = (await store.list(PROJECT, { limit: 10 })).results
    assert.deepEqual(listed, kept)
    ;(listed!.result.list as string[]).push('changed')
    assert.deepEqual(await store.get(PROJECT, kept.id), kept)
  })

  check('a record whose id is stored already is not stored twice', async ({ instance: store }) => {
    await store.put(PROJECT, record(1))
    await store.put(PROJECT, record(1))
    await Promise.all([store.put(PROJECT, record(2)), store.put(PROJECT, record(2))])
    assert.deepEqual(await listIds(store, PROJECT), newestFirst([record(1), record(2)]))
    assert.equal((await store.usage(PROJECT)).count, 2)
  })

  check('several results of one agent type on one issue are all kept', async ({ instance: store, clock }) => {
    const records = [record(1), record(2, { status: 'failed' }), record(3, { agent_id: 'test-engineer-2' }), record(4)]
    await putAll(store, clock, records)
    for (const each of records) assert.deepEqual(await store.get(PROJECT, each.id), each)
    assert.deepEqual(await listIds(store, PROJECT, { issue_id: 'issue-1', agent_type: 'test-engineer' }), newestFirst(records))
  })

  check('a project sees nothing of another', async ({ instance: store, clock }) => {
    const mine = [record(1), record(3)]
    const theirs = [record(2, { project_id: NEIGHBOUR }), record(4, { project_id: NEIGHBOUR })]
    await putAll(store, clock, [...mine, ...theirs])
    assert.deepEqual(await listIds(store, PROJECT), newestFirst(mine))
    assert.deepEqual(await listIds(store, NEIGHBOUR), newestFirst(theirs))
    assert.equal(await store.get(PROJECT, theirs[0]!.id), undefined)
    assert.equal(await store.get(NEIGHBOUR, mine[0]!.id), undefined)
  })

  check('any valid name of a project, issue or agent type is one of its own', async ({ instance: store }) => {
    let number = 0
    const put: { id: string, project: string, issue: string, type: string }[] = []
    for (const name of AWKWARD_NAMES) {
      for (const [project, issue, type] of [[name, 'i', 't'], [PROJECT, name, 't'], [PROJECT, 'i', name]] as const) {
        const each = record(++number, { project_id: project, issue_id: issue, agent_type: type })
        await store.put(project, each)
        put.push({ id: each.id, project, issue, type })
      }
    }
    for (const { id, project, issue, type } of put) {
      const expected = put.filter((each) => each.project === project && each.issue === issue && each.type === type).map((each) => each.id)
      assert.ok(expected.includes(id))
      assert.deepEqual(await listIds(store, project, { issue_id: issue, agent_type: type }), expected.reverse(), `${project} ${issue} ${type}`)
    }
  })

  check('50 puts at once are all stored, and listed newest first', async ({ instance: store }) => {
    const records = Array.from({ length: 50 }, (_, index) => record(50 - index))
    const theirs = Array.from({ length: 10 }, (_, index) => record(100 + index, { project_id: NEIGHBOUR }))
    await Promise.all([...records, ...theirs].map((each) => store.put(each.project_id, each)))
    assert.deepEqual(await listIds(store, PROJECT), newestFirst(records))
    assert.deepEqual(await listIds(store, NEIGHBOUR), newestFirst(theirs))
    for (const each of records) assert.deepEqual(await store.get(PROJECT, each.id), each)
    assert.equal((await store.usage()).count, 60)
  })
}
