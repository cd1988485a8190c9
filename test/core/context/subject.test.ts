import t from 'tap'
import { createSubjects } from '../../../core/context/subject.js'
import type { IssueRecord, ResultStore } from '../../../core/contracts/index.js'

const TIME = '2026-01-01T00:00:00.000Z'

function setUp ({ hasVersion = true } = {}) {
  const stored = { title: 'First', newest: 'res_1', version: 1 }
  const reads = { issue: 0, list: 0 }
  let duringRead = (): void => {}
  const store = {
    getIssue: async (_project: string, issueId: string): Promise<IssueRecord> => {
      reads.issue++
      const { title } = stored
      duringRead()
      return { issue_id: issueId, title, created_at: TIME, updated_at: TIME }
    },
    list: async () => { reads.list++; return { results: [{ id: stored.newest }] } },
    ...(hasVersion ? { version: async () => String(stored.version) } : {})
  } as unknown as ResultStore
  return { stored, reads, subjects: createSubjects(store), whileReading (change: () => void) { duringRead = change } }
}

t.test('an issue is read once as long as the store says that it is the same', async t => {
  const { subjects, reads } = setUp()
  const first = await subjects.of('p', 'i')
  t.equal(await subjects.of('p', 'i'), first)
  t.strictSame(reads, { issue: 1, list: 1 })
  t.match(first.issue, { issue_id: 'i', title: 'First' })
  await subjects.of('p', 'j')
  await subjects.of('q', 'i')
  t.strictSame(reads, { issue: 3, list: 3 }, 'each issue of each project for itself')
})

t.test('what an earlier call gave holds as long as the store says so', async t => {
  const { subjects, stored, reads } = setUp()
  const first = await subjects.of('p', 'i')
  t.equal(await subjects.of('p', 'i', first), first)
  Object.assign(stored, { title: 'Second', version: 2 })
  t.equal((await subjects.of('p', 'i', first)).issue?.title, 'Second')
  t.strictSame(reads, { issue: 2, list: 2 })
  const { subjects: unversioned, reads: each } = setUp({ hasVersion: false })
  await unversioned.of('p', 'i', await unversioned.of('p', 'i'))
  t.strictSame(each, { issue: 2, list: 2 }, 'and not where it cannot say')
})

t.test('a change of the issue or of its results is another subject', async t => {
  const { subjects, stored } = setUp()
  const versions = [(await subjects.of('p', 'i')).version]
  Object.assign(stored, { title: 'Second', version: 2 })
  versions.push((await subjects.of('p', 'i')).version)
  Object.assign(stored, { newest: 'res_2', version: 3 })
  versions.push((await subjects.of('p', 'i')).version)
  t.equal(new Set(versions).size, 3)
  Object.assign(stored, { title: 'First', newest: 'res_1', version: 4 })
  t.equal((await subjects.of('p', 'i')).version, versions[0], 'and the same content is the same one, whatever the store calls it')
})

t.test('what changed while it was read is read again', async t => {
  const { subjects, stored, whileReading } = setUp()
  whileReading(() => {
    whileReading(() => {})
    Object.assign(stored, { title: 'Second', version: 2 })
  })
  t.equal((await subjects.of('p', 'i')).issue?.title, 'First')
  t.equal((await subjects.of('p', 'i')).issue?.title, 'Second')
})

t.test('a store that cannot say is read each time', async t => {
  const { subjects, stored, reads } = setUp({ hasVersion: false })
  const first = await subjects.of('p', 'i')
  t.equal((await subjects.of('p', 'i')).version, first.version)
  stored.title = 'Second'
  t.not((await subjects.of('p', 'i')).version, first.version)
  t.strictSame(reads, { issue: 3, list: 3 })
})
