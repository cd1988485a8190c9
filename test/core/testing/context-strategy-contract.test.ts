import t from 'tap'
import type { ContextItem, ContextStrategy, GatherInput, ProjectFile } from '../../../core/contracts/index.js'
import { contextStrategyContract, createSampleProject, type TestFunction } from '../../../core/testing/index.js'
import { failureIn, failuresOf } from './suite-run.js'

interface Fault {
  name: string
  fails: string
  breaks (strategy: ContextStrategy): Partial<ContextStrategy>
}

/** A correct strategy that offers tests, and one item of every other kind. */
const correct: ContextStrategy = {
  satisfies: ['test-files', 'tests-and-more'],
  description: 'Tests of the project',
  async gather ({ project, task, requirement, results, signal }) {
    const items: ContextItem[] = []
    for (const { path } of project.files) {
      signal.throwIfAborted()
      if (!path.startsWith('test/') || await project.read(path) === undefined) continue
      items.push({ kind: 'file', path, score: task.files.some((named) => path.includes(named.slice(4, -3))) ? 1 : 0.5, priority: 4, reason: 'a test' })
    }
    if (requirement.need === 'test-files') return items
    const [commit] = await project.commits(1)
    const earlier = await results({ issue_id: task.issue_id, limit: 1 })
    items.push({ kind: 'text', path: 'tests.md', content: '# Tests', score: 0, priority: 6 }, { kind: 'metadata', key: 'tests', value: { count: items.length } })
    if (commit !== undefined) items.push({ kind: 'commit', commit })
    items.push(...earlier.results.map(({ id }): ContextItem => ({ kind: 'output', result_id: id })))
    return items
  }
}

function suiteOver (fault?: Fault): (test: TestFunction) => void {
  return (test) => contextStrategyContract({ test, create: async () => ({ instance: { ...correct, ...fault?.breaks(correct) }, dispose: async () => {} }) })
}

/** A strategy that offers one item more. */
function alsoOffering (item: object): Fault['breaks'] {
  return (strategy) => ({ gather: async (input: GatherInput) => [...await strategy.gather(input), item as ContextItem] })
}

const VALID = 'items of the sample project are valid'
const EXISTING = { kind: 'file', path: 'README.md', score: 0.5, priority: 6 }

const faults: Fault[] = [
  { name: 'satisfies nothing', fails: 'it names what it satisfies, each once and in lower-case words', breaks: () => ({ satisfies: [] }) },
  { name: 'scores above 1', fails: VALID, breaks: alsoOffering({ ...EXISTING, score: 1.5 }) },
  { name: 'scores NaN', fails: VALID, breaks: alsoOffering({ ...EXISTING, score: NaN }) },
  { name: 'gives priority 0', fails: VALID, breaks: alsoOffering({ ...EXISTING, priority: 0 }) },
  { name: 'offers a file that is not there', fails: VALID, breaks: alsoOffering({ ...EXISTING, path: '/etc/passwd' }) },
  { name: 'shows a text under the path of a file', fails: VALID, breaks: alsoOffering({ ...EXISTING, kind: 'text', content: '' }) },
  { name: 'offers a result that is not there', fails: VALID, breaks: alsoOffering({ kind: 'output', result_id: 'res_1' }) },
  { name: 'offers what is no JSON', fails: VALID, breaks: alsoOffering({ kind: 'metadata', key: 'at', value: new Date(0) }) },
  { name: 'invents a kind', fails: VALID, breaks: alsoOffering({ kind: 'folder', path: 'src' }) },
  { name: 'throws on an empty project', fails: 'an empty project gives valid items and no error', breaks: (strategy) => ({ async gather (input) { if (input.project.files[0]!.path === '') return []; return strategy.gather(input) } }) },
  { name: 'needs git', fails: 'a project without git, and a bare task, give valid items and no error', breaks: (strategy) => ({ async gather (input) { const [commit] = await input.project.commits(1); return commit!.hash === '' || input.project.files.length === 0 ? [] : strategy.gather(input) } }) },
  { name: 'takes every file for readable', fails: 'files that cannot be read give valid items and no error', breaks: (strategy) => ({ async gather (input) { for (const { path } of input.project.files) if (path.endsWith('.md')) (await input.project.read(path))!.trim(); return strategy.gather(input) } }) },
  { name: 'parses without care', fails: 'broken and hostile content gives valid items and no error', breaks: (strategy) => ({ async gather (input) { const text = await input.project.read('package.json'); if (text !== undefined) JSON.parse(text); return strategy.gather(input) } }) },
  { name: 'counts its calls', fails: 'the same input gives the same items, also in another instance', breaks: (strategy) => { let calls = 0; return { gather: async (input) => [...await strategy.gather(input), { kind: 'metadata', key: 'calls', value: ++calls }] } } },
  { name: 'sorts the files it was given', fails: 'gathering changes nothing of its input', breaks: (strategy) => ({ async gather (input) { (input.project.files as ProjectFile[]).sort((a, b) => (a.path < b.path ? -1 : 1)); return strategy.gather(input) } }) },
  { name: 'notes something in the task', fails: 'gathering changes nothing of its input', breaks: (strategy) => ({ gather (input) { input.task.labels.push('seen'); return strategy.gather(input) } }) },
  { name: 'shares the task between calls', fails: 'gathering for two tasks at once gives what each gives alone', breaks: (strategy) => { let current: GatherInput; return { async gather (input) { current = input; await input.project.read('README.md'); return strategy.gather({ ...current }) } } } },
  { name: 'remembers the files of before', fails: 'files that are gone, or of another project, are not offered', breaks: (strategy) => { let first: ContextItem[] | undefined; return { async gather (input) { return input.project.id === 'sample-shop' ? (first ??= await strategy.gather(input)) : strategy.gather(input) } } } },
  { name: 'reads on after an abort', fails: 'a signal that aborts meanwhile ends gathering within a second', breaks: (strategy) => ({ gather: (input) => strategy.gather({ ...input, signal: new AbortController().signal, project: { ...input.project, files: createSampleProject().files.map((file) => ({ ...file, path: `test/${file.path}` })) } }) }) },
  { name: 'does not look at its signal', fails: 'a signal that is aborted already ends gathering within a second', breaks: () => ({ async gather ({ project }) { for (const { path } of project.files) await project.read(path); return [] } }) }
]

t.test('a correct strategy passes the whole suite', async (t) => {
  t.strictSame(await failuresOf(suiteOver()), [])
})

for (const fault of faults) {
  t.test(`a strategy that ${fault.name} fails '${fault.fails}'`, async (t) => {
    t.type(await failureIn(fault.fails, suiteOver(fault)), 'string')
  })
}

t.test('the suite asks for the requirements that it is given', async (t) => {
  const asked = new Set<unknown>()
  const requirements = [{ need: 'test-files', depth: 2 }]
  t.strictSame(await failuresOf((test) => contextStrategyContract({
    test,
    requirements,
    create: async () => ({
      instance: { ...correct, gather: async (input) => { asked.add(JSON.stringify(input.requirement)); return correct.gather(input) } },
      dispose: async () => {}
    })
  })), [])
  t.strictSame([...asked], [JSON.stringify(requirements[0])])
})
