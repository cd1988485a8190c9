import assert from 'node:assert/strict'
import { AWKWARD_NAMES } from '../samples.js'
import { issue, NEIGHBOUR, PROJECT, record, type StoreTest } from './records.js'

export function issueTests (check: StoreTest): void {
  check('an issue comes back verbatim, and one that is not there is undefined', async ({ instance: store }) => {
    const full = issue({ description: 'Größe – 世界 🌍\n\ttab "quoted"', labels: ['bug', ''], files: ['src/a.ts', 'a file.md'] })
    assert.equal(await store.getIssue(PROJECT, 'issue-1'), undefined)
    await store.putIssue(PROJECT, full)
    await store.putIssue(PROJECT, issue({ issue_id: 'issue-2' }))
    assert.deepEqual(await store.getIssue(PROJECT, 'issue-1'), full)
    assert.deepEqual(await store.getIssue(PROJECT, 'issue-2'), issue({ issue_id: 'issue-2' }))
    assert.equal(await store.getIssue(PROJECT, 'issue'), undefined)
  })

  check('putting an issue again replaces the whole of it', async ({ instance: store, clock }) => {
    await store.putIssue(PROJECT, issue({ description: 'first', labels: ['bug'], files: ['a.ts'] }))
    await store.putIssue(PROJECT, issue({ issue_id: 'issue-2' }))
    clock.advance(1_000)
    const replaced = issue({ title: 'Login fails on Safari', labels: ['bug', 'safari'], updated_at: new Date(clock()).toISOString() })
    await store.putIssue(PROJECT, replaced)
    assert.deepEqual(await store.getIssue(PROJECT, 'issue-1'), replaced)
    assert.deepEqual(await store.getIssue(PROJECT, 'issue-2'), issue({ issue_id: 'issue-2' }))
  })

  check('issues of one id in two projects are two issues', async ({ instance: store }) => {
    await store.putIssue(PROJECT, issue())
    assert.equal(await store.getIssue(NEIGHBOUR, 'issue-1'), undefined)
    await store.putIssue(NEIGHBOUR, issue({ title: 'theirs' }))
    assert.deepEqual(await store.getIssue(PROJECT, 'issue-1'), issue())
    assert.deepEqual(await store.getIssue(NEIGHBOUR, 'issue-1'), issue({ title: 'theirs' }))
  })

  check('changing an issue that was given or returned changes nothing stored', async ({ instance: store }) => {
    const given = issue({ labels: ['bug'] })
    await store.putIssue(PROJECT, given)
    given.labels!.push('changed')
    const got = await store.getIssue(PROJECT, 'issue-1')
    assert.deepEqual(got, issue({ labels: ['bug'] }))
    got!.labels!.push('changed')
    assert.deepEqual(await store.getIssue(PROJECT, 'issue-1'), issue({ labels: ['bug'] }))
  })

  check('issues of any valid name, put at once and beside results, are all there', async ({ instance: store }) => {
    await Promise.all([
      ...AWKWARD_NAMES.map((name) => store.putIssue(PROJECT, issue({ issue_id: name, title: `issue ${name}` }))),
      ...AWKWARD_NAMES.map((name, index) => store.put(PROJECT, record(index + 1, { issue_id: name })))
    ])
    for (const name of AWKWARD_NAMES) assert.equal((await store.getIssue(PROJECT, name))?.title, `issue ${name}`)
    assert.equal((await store.usage(PROJECT)).count, AWKWARD_NAMES.length, 'issues do not count as results')
  })
}
