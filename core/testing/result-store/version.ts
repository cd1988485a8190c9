import assert from 'node:assert/strict'
import type { ResultStore } from '../../contracts/result-store.js'
import { issue, PROJECT, record, timeOf, type StoreTest } from './records.js'

type Change = readonly [name: string, make: (store: ResultStore) => Promise<unknown>]

const CHANGES: readonly Change[] = [
  ['an issue is put', (store) => store.putIssue(PROJECT, issue())],
  ['it is replaced', (store) => store.putIssue(PROJECT, issue({ title: 'Login fails on Safari' }))],
  ['it is put as it was', (store) => store.putIssue(PROJECT, issue())],
  ['a result is put', (store) => store.put(PROJECT, record(1))],
  ['another one is put', (store) => store.put(PROJECT, record(2))],
  ['the older one is pruned', (store) => store.prune(PROJECT, { before: timeOf(2) })],
  ['the last one is pruned', (store) => store.prune(PROJECT, { before: timeOf(3) })],
  ['a result is put where none was left', (store) => store.put(PROJECT, record(4))]
]

/** Of stores that tell of changes. */
export function versionTests (check: StoreTest): void {
  check('the version of an issue is a new one after each change of it and of its results', async ({ instance: store }) => {
    if (store.version === undefined) return
    // Emptied, an issue may have the version again that it had before there was anything.
    const content = async (): Promise<string> => JSON.stringify([await store.getIssue(PROJECT, 'issue-1'), await store.list(PROJECT, { issue_id: 'issue-1', limit: 100 })])
    const seen = new Map([[await store.version(PROJECT, 'issue-1'), { content: await content(), when: 'nothing was there' }]])
    let before = await store.version(PROJECT, 'issue-1')
    for (const [when, make] of CHANGES) {
      await make(store)
      const version = await store.version(PROJECT, 'issue-1')
      const now = await content()
      const same = seen.get(version)
      assert.ok(same === undefined || same.content === now, `once ${when} the version is the one from when ${same?.when}`)
      assert.notEqual(version, before, `once ${when} the version is another`)
      seen.set(version, { content: now, when })
      before = version
    }
  })

  check('the version of an issue stays while nothing is changed', async ({ instance: store }) => {
    if (store.version === undefined) return
    await store.putIssue(PROJECT, issue())
    await store.put(PROJECT, record(1))
    const version = await store.version(PROJECT, 'issue-1')
    await store.getIssue(PROJECT, 'issue-1')
    await store.list(PROJECT, { issue_id: 'issue-1', limit: 1 })
    await store.prune(PROJECT, { before: timeOf(9), dryRun: true })
    assert.equal(await store.version(PROJECT, 'issue-1'), version)
    assert.equal(await store.version(PROJECT, 'issue-2'), await store.version(PROJECT, 'issue-2'))
  })

  check('a change that is under way never has the version of what it changes into', async ({ instance: store }) => {
    if (store.version === undefined) return
    for (let number = 1; number <= 20; number++) {
      const puts = Promise.all([store.putIssue(PROJECT, issue({ title: `title ${number}` })), store.put(PROJECT, record(number))])
      // As a reader does it: the version first, then what it stands for.
      const version = await store.version(PROJECT, 'issue-1')
      const title = (await store.getIssue(PROJECT, 'issue-1'))?.title
      const newest = (await store.list(PROJECT, { issue_id: 'issue-1', limit: 1 })).results[0]?.id
      await puts
      if (await store.version(PROJECT, 'issue-1') !== version) continue
      assert.equal((await store.getIssue(PROJECT, 'issue-1'))?.title, title)
      assert.equal((await store.list(PROJECT, { issue_id: 'issue-1', limit: 1 })).results[0]?.id, newest)
    }
  })
}
