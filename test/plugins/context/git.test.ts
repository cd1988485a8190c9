import t from 'tap'
import type { Commit, ContextItem } from '../../../core/plugin-api.js'
import changes from '../../../plugins/context/changes.js'
import gitHistory from '../../../plugins/context/git-history.js'
import { fakeProject, gather, LONG_AGO, NOW } from './fake-project.js'

const HOUR = 3_600_000
const files = (items: ContextItem[]) => items.flatMap(item => item.kind === 'file' ? [item] : [])

function commit (number: number, ...changed: string[]): Commit {
  return { hash: `c${number}`, message: `change ${number}`, author: 'A', timestamp: new Date(NOW - number * HOUR).toISOString(), files_changed: changed }
}

t.test('git-history', async t => {
  const tree = { 'src/hot.ts': 'x', 'src/warm.ts': 'x', 'src/cold.ts': 'x', 'package-lock.json': '{}', 'src/old.ts': 'x' }
  const wide = Array.from({ length: 60 }, (_, number) => `src/gen${number}.ts`)
  const commits = [
    commit(1, 'src/warm.ts', 'package-lock.json', 'src/deleted.ts'),
    commit(2, 'src/hot.ts', 'package-lock.json'),
    commit(3, 'src/hot.ts', 'package-lock.json', 'src/hot.ts'),
    commit(4, 'src/cold.ts', ...wide),
    commit(5, 'src/old.ts')
  ]
  const project = () => fakeProject(tree, { commits })

  t.test('gives commits and the files that they touched most', async t => {
    const { items } = await gather(gitHistory, project())
    t.same(items.slice(0, 5).map(item => item.kind === 'commit' && item.commit.hash), ['c1', 'c2', 'c3', 'c4', 'c5'])
    t.same(files(items).map(({ path }) => path), ['src/hot.ts', 'src/warm.ts', 'src/old.ts'], 'neither lock files, nor wide commits, nor what is gone')
    t.match(files(items)[0], { score: 1, priority: 7, reason: 'touched by 2 of the last 5 commits' })
  })
  t.test('gives as many commits as asked', async t => {
    const { items } = await gather(gitHistory, project(), { with: { commits: 1 } })
    t.same(items.map(item => item.kind), ['commit', 'file'])
    t.same(files(items).map(({ path }) => path), ['src/warm.ts'])
  })
  t.test('asks git for no more than the operator allows', async t => {
    const asked: number[] = []
    const watched = { ...project(), commits: async (limit: number) => { asked.push(limit); return [] } }
    await gather(gitHistory, watched)
    await gather(gitHistory, watched, { with: { commits: 90 } })
    await gather(gitHistory, watched, { with: { commits: 1_000_000 } })
    await gather(gitHistory, watched, { options: { maxItems: 10 } })
    t.same(asked, [30, 90, 200, 10])
  })
  t.test('of a project without git is empty', async t => {
    t.same((await gather(gitHistory, fakeProject(tree))).items, [])
  })
})

t.test('changes', async t => {
  const project = () => fakeProject({
    'src/edited.ts': { content: 'x', modified: NOW - HOUR },
    'src/modified.ts': { content: 'x', modified: LONG_AGO },
    'src/conflict.ts': 'x',
    'src/fresh.ts': 'x',
    'src/quiet.ts': 'x',
    'src/yesterday.ts': { content: 'x', modified: NOW - 23 * HOUR },
    'src/before.ts': { content: 'x', modified: NOW - 25 * HOUR },
    'package-lock.json': '{}'
  }, {
    changes: [
      { path: 'src/modified.ts', status: 'modified', diff: '@@' },
      { path: 'src/conflict.ts', status: 'conflicted', diff: null },
      { path: 'src/fresh.ts', status: 'untracked', diff: null },
      { path: 'src/gone.ts', status: 'deleted', diff: '@@' },
      { path: 'package-lock.json', status: 'modified', diff: '@@' }
    ]
  })

  t.test('are what is not committed and what was edited in 24 hours', async t => {
    const { items, paths } = await gather(changes, project())
    t.same(paths, ['src/conflict.ts', 'src/modified.ts', 'src/fresh.ts', 'src/edited.ts', 'src/yesterday.ts', 'package-lock.json'])
    t.ok(files(items).every(({ priority }) => priority === 3))
    t.match(files(items)[0], { reason: 'conflicted, not committed' })
    t.match(files(items)[3], { reason: 'edited in the last 24 hours' })
  })
  t.test('go by the clock that is injected', async t => {
    const { paths } = await gather(changes, project(), { clock: () => NOW + 2 * HOUR })
    t.notOk(paths.includes('src/yesterday.ts'))
    t.ok(paths.includes('src/edited.ts'))
  })
  t.test('keep to the limit', async t => {
    t.same((await gather(changes, project(), { with: { limit: 1 } })).paths, ['src/conflict.ts'])
  })
  t.test('of a project at rest are none', async t => {
    t.same((await gather(changes, fakeProject({ 'src/a.ts': 'x' }))).items, [])
  })
})
