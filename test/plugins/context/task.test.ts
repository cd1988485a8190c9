import t from 'tap'
import type { ContextItem } from '../../../core/plugin-api.js'
import configFiles from '../../../plugins/context/config-files.js'
import docs from '../../../plugins/context/docs.js'
import sourceFiles from '../../../plugins/context/source-files.js'
import testFiles from '../../../plugins/context/test-files.js'
import { fakeProject, gather, LONG_AGO, NOW } from './fake-project.js'
import { SAMPLE_TREE } from './sample-tree.js'

const HOUR = 3_600_000
const sample = () => fakeProject(SAMPLE_TREE)
const find = (items: ContextItem[], path: string) => items.find(item => item.kind === 'file' && item.path === path)

t.test('a file that the task names is of the task, whatever it is', async t => {
  const task = { files: ['src/orders/total.ts'], description: 'See `docs/guide/payments.md`, ./config/production.yaml:3 and tests/test_train.py.' }
  t.match(find((await gather(sourceFiles, sample(), { task })).items, 'src/orders/total.ts'), { priority: 1, reason: 'named by the task' })
  t.match((await gather(docs, sample(), { task })).items[0], { priority: 6, path: 'README.md' })
  t.match(find((await gather(docs, sample(), { task })).items, 'docs/guide/payments.md'), { priority: 1 })
  t.match((await gather(configFiles, sample(), { task })).items[0], { path: 'config/production.yaml', priority: 1 })
  t.match((await gather(testFiles, sample(), { task })).items[0], { path: 'tests/test_train.py', priority: 1 })
})

t.test('a bare name that many files bear names none of them', async t => {
  const tree = Object.fromEntries(['a', 'b', 'c', 'd'].map(folder => [`${folder}/index.ts`, 'x']))
  const many = await gather(sourceFiles, fakeProject(tree), { task: { title: 'index.ts is wrong' } })
  t.same(many.items.map(item => item.kind === 'file' && item.priority), [5, 5, 5, 5])
  const { 'd/index.ts': _one, ...fewer } = tree
  const few = await gather(sourceFiles, fakeProject(fewer), { task: { title: 'index.ts is wrong' } })
  t.same(few.items.map(item => item.kind === 'file' && item.priority), [1, 1, 1])
  const exact = await gather(sourceFiles, fakeProject(tree), { task: { title: 'b/index.ts is wrong' } })
  t.same(exact.items.flatMap(item => item.kind === 'file' && item.priority === 1 ? [item.path] : []), ['b/index.ts'])
})

t.test('source whose path speaks of the task comes first and is of the task', async t => {
  const { items } = await gather(sourceFiles, sample(), { task: { title: 'Invoices are rounded wrongly' } })
  t.match(items[0], { path: 'src/orders/invoice.ts', priority: 1, reason: 'typescript source, matches the task' })
  t.match(find(items, 'src/orders/total.ts'), { priority: 5 })
})

t.test('a longer form of a word counts, an ordinary word does not', async t => {
  const { items } = await gather(sourceFiles, sample(), { task: { title: 'Please fix the new issue with authentication' } })
  t.equal(find(items, 'services/auth/login.go')!.kind, 'file')
  const score = (path: string) => {
    const item = find(items, path)
    return item?.kind === 'file' ? item.score : NaN
  }
  t.ok(score('services/auth/login.go') > score('services/orders/main.go'))
  t.equal(score('services/orders/main.go'), score('services/orders/metrics.go'))
})

t.test('source whose content speaks of the task is of the task, whatever its path', async t => {
  const project = sample()
  const { items } = await gather(sourceFiles, project, { task: { title: 'Overflow', description: 'grandTotal() overflows' } })
  t.match(items[0], { path: 'src/orders/total.ts', reason: 'typescript source, matches the task' })
  t.same(project.reads, [], 'the search knows the contents: nothing is read')
})

t.test('source edited in the last 24 hours is of the changes', async t => {
  const project = fakeProject({
    'src/new.ts': { content: 'x', modified: NOW - HOUR },
    'src/old.ts': { content: 'x', modified: NOW - 25 * HOUR },
    'src/future.ts': { content: 'x', modified: NOW + 5 * HOUR }
  })
  const { items } = await gather(sourceFiles, project)
  t.match(items[0], { path: 'src/new.ts', priority: 3 })
  t.match(find(items, 'src/old.ts'), { priority: 5 })
  t.match(find(items, 'src/future.ts'), { priority: 5 }, 'a clock that is ahead makes no change')
})

t.test('a fresh clone is not 24 hours of work', async t => {
  const tree = Object.fromEntries(Array.from({ length: 20 }, (_, number) => [`src/m${number}.ts`, { content: 'x', modified: NOW - HOUR }]))
  const clone = fakeProject({ ...tree, 'src/edited.ts': { content: 'x', modified: NOW - 60_000 }, 'src/kept.ts': { content: 'x', modified: LONG_AGO } })
  const { items } = await gather(sourceFiles, clone)
  t.same(items.flatMap(item => item.kind === 'file' && item.priority === 3 ? [item.path] : []), ['src/edited.ts'])
})

t.test('fewer files are the first of many, however many of them a search finds', async t => {
  const tree = Object.fromEntries(Array.from({ length: 4000 }, (_, number) => {
    const folder = number % 3 === 0 ? 'src' : number % 3 === 1 ? 'src/deep/deeper' : 'examples'
    return [`${folder}/m${number}.${number % 7 === 0 ? 'go' : 'ts'}`, { content: 'x', modified: number % 11 === 0 ? NOW - HOUR : LONG_AGO }]
  }))
  const { files } = fakeProject(tree)
  for (const [name, isFound] of [['the best', (number: number) => number % 3 === 0], ['few', (number: number) => number % 97 === 0], ['none', () => false]] as const) {
    // As many as are asked for, those that are nearly nothing among them.
    const found = files.filter((_file, number) => isFound(number)).slice(0, 1500).map(({ path }, number) => ({ path, score: ((number * 7919) % 1000 + 1) / 1000 }))
    const project = { ...fakeProject(tree), search: async () => found }
    const of = async (limit: number) => (await gather(sourceFiles, project, { task: { title: 'm33' }, languages: ['typescript'], with: { limit }, options: { maxItems: 5000 } }))
      .items.map(item => JSON.stringify(item))
    const all = await of(5000)
    t.ok(all.length > 2500, 'more than are kept of those that were not found')
    for (const limit of [1, 50, 1000]) t.equal((await of(limit)).join(), all.slice(0, limit).join(), `${name}, ${limit}`)
  }
})
