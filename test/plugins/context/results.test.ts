import t from 'tap'
import codeReviews from '../../../plugins/context/code-reviews.js'
import decisions from '../../../plugins/context/decisions.js'
import failures from '../../../plugins/context/failures.js'
import type { ContextItem, ResultRecord } from '../../../core/plugin-api.js'
import { fakeProject, fakeResult, gather } from './fake-project.js'

const project = () => fakeProject({ 'src/a.ts': 'a', 'src/b.ts': 'b', 'src/c.ts': 'c', 'src/d.ts': 'd' })
const ids = (items: ContextItem[]) => items.flatMap(item => item.kind === 'output' ? [item.result_id] : [])
/** A store lists newest first. */
const stored = (...records: ResultRecord[]) => records.reverse()

t.test('decisions', async t => {
  const architect = fakeResult('backend-architect', {
    decisions: ['Use a queue'], files_created: ['src/a.ts', 'src/gone.ts'], files_modified: [{ path: './src/b.ts', lines: 3 }, './src/d.ts', { name: 'x' }, 7, null]
  })
  const coder = fakeResult('python-pro', { files_modified: ['src/b.ts', 'src/c.ts'] })
  const other = fakeResult('python-pro', { files_modified: ['src/a.ts'] }, { issue_id: 'issue-2' })
  const results = stored(architect, coder, other)

  t.test('are the results of the issue, newest first, and the files that they touched', async t => {
    const { items, queries } = await gather(decisions, project(), { results })
    t.same(ids(items), [coder.id, architect.id])
    t.equal(queries[0]!.issue_id, 'issue-1')
    const files = items.flatMap(item => item.kind === 'file' ? [[item.path, item.priority, item.reason]] : [])
    t.same(files, [
      ['src/b.ts', 3, 'touched by python-pro'],
      ['src/c.ts', 3, 'touched by python-pro'],
      ['src/d.ts', 2, 'touched by backend-architect'],
      ['src/a.ts', 2, 'touched by backend-architect']
    ])
  })
  t.test('may be asked of some types of agents', async t => {
    const { items } = await gather(decisions, project(), { results, with: { agent_types: ['backend-architect', 'nobody', 'backend-architect'] } })
    t.same(ids(items), [architect.id])
  })
  t.test('of several types are merged by time', async t => {
    const later = fakeResult('backend-architect')
    const { items } = await gather(decisions, project(), { results: [later, ...results], with: { agent_types: ['backend-architect', 'python-pro'] } })
    t.same(ids(items), [later.id, coder.id, architect.id])
  })
  t.test('keep to the limit', async t => {
    const { items, queries } = await gather(decisions, project(), { results, with: { limit: 1 } })
    t.same(ids(items), [coder.id])
    t.same(queries.map(({ limit }) => limit), [1], 'asks the store for no more')
    t.same((await gather(decisions, project(), { results, options: { maxFiles: 1 } })).paths, ['src/b.ts'])
  })
  t.test('of a project without results are none', async t => {
    t.same((await gather(decisions, project())).items, [])
  })
})

t.test('code-reviews', async t => {
  const review = fakeResult('code-reviewer')
  const audit = fakeResult('api-security-audit')
  const tester = fakeResult('test-engineer')
  const penetration = fakeResult('penetration-tester')
  const viewer = fakeResult('preview-builder')
  const results = stored(review, audit, tester, penetration, viewer)
  const profiles = {
    'penetration-tester': { group: 'qa-security', category: 'security' },
    'test-engineer': { group: 'qa-security', category: 'support' }
  } as const

  t.test('are told by the name of the agent, or by its profile', async t => {
    t.same(ids((await gather(codeReviews, project(), { results, profiles })).items), [penetration.id, audit.id, review.id])
    t.same(ids((await gather(codeReviews, project(), { results })).items), [audit.id, review.id], 'an agent without a profile goes by its name')
  })
  t.test('may come from agents that the operator names', async t => {
    t.same(ids((await gather(codeReviews, project(), { results, options: { agentTypes: ['test-engineer'] } })).items), [tester.id, audit.id, review.id])
  })
  t.test('are found behind many results of others', async t => {
    const others = Array.from({ length: 250 }, () => fakeResult('python-pro'))
    const { items, queries } = await gather(codeReviews, project(), { results: [...others, review], with: { limit: 1 } })
    t.same(ids(items), [review.id])
    t.equal(queries.length, 3)
  })
  t.test('are looked for in a bounded number of pages', async t => {
    const others = Array.from({ length: 1500 }, () => fakeResult('python-pro'))
    const { items, queries } = await gather(codeReviews, project(), { results: [...others, review] })
    t.same(ids(items), [])
    t.equal(queries.length, 10)
  })
})

t.test('failures', async t => {
  const failed = fakeResult('python-pro', { errors: ['Timeout'] }, { status: 'failed' })
  const halfDone = fakeResult('python-pro', { errors: [] }, { status: 'partial' })
  const halfFailed = fakeResult('go-specialist', { errors: ['no such file'] }, { status: 'partial' })
  const done = fakeResult('rust-pro', { errors: ['a warning'] })
  const again = fakeResult('python-pro', {}, { status: 'failed' })
  const results = stored(failed, halfDone, halfFailed, done, again)

  t.same(ids((await gather(failures, project(), { results })).items), [again.id, halfFailed.id, failed.id], 'failed, and partial with errors, newest first')
  t.same(ids((await gather(failures, project(), { results, with: { limit: 1 } })).items), [again.id])
})
