import { readdirSync } from 'node:fs'
import t from 'tap'
import { Value } from 'typebox/value'
import type { ProjectFile, SidecarPlugin } from '../../../core/plugin-api.js'
import { MANIFEST } from '../../../core/plugin-host/define-plugin.js'
import agentInstructions from '../../../plugins/context/agent-instructions.js'
import infrastructure from '../../../plugins/context/infrastructure.js'
import mcp from '../../../plugins/context/mcp.js'
import mlCode from '../../../plugins/context/ml-code.js'
import prompts from '../../../plugins/context/prompts.js'
import securityConfig from '../../../plugins/context/security-config.js'
import { MOST_COST, costOf } from '../../support/cost.js'
import { fakeProject, gather } from './fake-project.js'
import { SAMPLE_TREE } from './sample-tree.js'

/** The requirement names that profiles may use. */
const NEEDS = [
  'agent-instructions', 'api-specs', 'architecture-docs', 'benchmarks', 'changelog', 'changes', 'ci-config', 'code-reviews', 'coding-standards', 'config-files',
  'coverage', 'data-pipelines', 'database-schema', 'decisions', 'dependencies', 'docs', 'failures', 'frontend', 'git-history', 'infrastructure', 'licensing', 'mcp',
  'ml-code', 'mobile-platform', 'observability', 'project-structure', 'prompts', 'scripts', 'security-config', 'source-files', 'test-files'
]

const folder = new URL('../../../plugins/context/', import.meta.url)
const files = readdirSync(folder).filter(name => /(?<!\.d)\.[jt]s$/.test(name))
const plugins = await Promise.all(files.map(async name => [
  name.replace(/\.[jt]s$/, ''), (await import(new URL(name, folder).href) as { default: SidecarPlugin }).default
] as const))

t.test('every need has a strategy of its name', async t => {
  t.same(plugins.map(([name]) => name).sort(), NEEDS)
})

for (const [name, plugin] of plugins) {
  t.test(name, async t => {
    const manifest = plugin[MANIFEST]
    t.match(manifest, { kind: 'context-strategy', name, description: /^[A-Z].{10,90}[^.]$/ })
    const defaults = Value.Default(manifest.options!, {})
    t.ok(Value.Check(manifest.options!, defaults), 'defaults are whole')
    t.notOk(Value.Check(manifest.options!, { ...defaults as object, maxItem: 1 }), 'a misspelt option is refused')
    t.notOk(Value.Check(manifest.options!, { ...defaults as object, maxItems: 0 }), 'nothing at all is no limit')

    const strategy = await manifest.create(defaults as never, { clock: () => 0, sidecar: {} } as never)
    t.equal('satisfies' in strategy && strategy.satisfies[0], name)
    t.same((await gather(plugin, fakeProject({}))).items, [], 'an empty project gives nothing')

    const project = fakeProject(SAMPLE_TREE)
    const { items, paths } = await gather(plugin, project, { options: { maxItems: 1 } })
    t.ok(items.length <= 1, 'keeps to maxItems')
    const known = new Set(project.files.map(({ path }) => path))
    t.ok(paths.every(path => known.has(path)), 'names only what is there')
  })
}

const many = (name: (number: number) => string, content: string, count = 500) =>
  fakeProject(Object.fromEntries(Array.from({ length: count }, (_, number) => [name(number), content])))

t.test('at most 60 contents are read, however many candidates there are', async t => {
  const cases = [
    [securityConfig, many(number => `src/api/route${number}.ts`, 'app.use(cors())')],
    [mcp, many(number => `src/part${number}.ts`, 'new McpServer()')],
    [prompts, many(number => `src/chat${number}.ts`, 'const systemPrompt = ""')],
    [mlCode, many(number => `src/model${number}.py`, 'import torch')],
    [agentInstructions, many(number => `agents/a${number}.md`, 'You are kind.')]
  ] as const
  for (const [plugin, project] of cases) {
    const { items } = await gather(plugin, project)
    t.equal(project.reads.length, 60)
    t.equal(new Set(project.reads).size, 60, 'none twice')
    t.equal(items.length, 60, 'what was not read is not claimed')
  }
})

t.test('the likeliest candidates are the ones that are read', async t => {
  const project = many(number => `src/api/route${number}.ts`, 'x')
  await gather(securityConfig, project, { task: { files: ['src/api/route499.ts'] } })
  t.equal(project.reads[0], 'src/api/route499.ts')
})

t.test('no read follows once the request is aborted', async t => {
  const project = many(number => `src/api/route${number}.ts`, 'cors')
  const abort = new AbortController()
  const read = project.read.bind(project)
  project.read = async path => {
    if (project.reads.length === 9) abort.abort(new Error('gone'))
    return read(path)
  }
  await t.rejects(gather(securityConfig, project, { signal: abort.signal }), { message: 'gone' })
  t.ok(project.reads.length < 20, `${project.reads.length} reads`)
})

t.test('at most 400 items come unless the operator says otherwise', async t => {
  const project = many(number => `src/auth/login${number}.ts`, 'x', 900)
  t.equal((await gather(securityConfig, project)).items.length, 400)
  t.equal((await gather(securityConfig, project, { options: { maxItems: 900 } })).items.length, 900)
})

t.test('the answer does not depend on chance', async t => {
  const one = await gather(securityConfig, fakeProject(SAMPLE_TREE))
  const shuffled = fakeProject(Object.fromEntries(Object.entries(SAMPLE_TREE).reverse()))
  t.same((await gather(securityConfig, shuffled)).items, one.items)
})

t.test('a file that is gone, binary or too large is passed over', async t => {
  const project = many(number => `src/api/route${number}.ts`, 'cors', 3)
  const read = project.read.bind(project)
  project.read = async path => path.includes('1') ? undefined : read(path)
  t.same((await gather(securityConfig, project)).paths, ['src/api/route0.ts', 'src/api/route2.ts'])
})

t.test('a list of files that has grown is looked at again', async t => {
  const project = fakeProject({ 'src/login.ts': 'x' })
  t.same((await gather(securityConfig, project)).paths, ['src/login.ts'])
  const files = project.files as ProjectFile[]
  files.push({ path: 'src/logout.ts', size: 1, modified: 0, language: 'typescript' })
  t.same((await gather(securityConfig, project)).paths, ['src/login.ts', 'src/logout.ts'])
})

t.test('hostile contents cost no more than they are long', async t => {
  const hostile = ['\n', ' ', 'user ', 'apiVersion:\n', 'kind:\n', 'func (', '"build', 'name\n', '# a', '"role"', 'aA_', 'mcp[', 'from ', '# '].map(text => text.repeat(64 * 1024 / text.length))
  for (const text of hostile) {
    const project = fakeProject(Object.fromEntries([...Object.keys(SAMPLE_TREE), 'llm/chat.txt', 'docs/x.md', 'service.yaml', 'deploy/a.yaml'].map(path => [path, text])))
    const times: [name: string, ms: number][] = []
    const cost = await costOf(async () => {
      for (const [name, plugin] of plugins) {
        const before = process.cpuUsage()
        await gather(plugin, project, { task: { title: 'parseThing breaks', description: text } })
        times.push([name, process.cpuUsage(before).user / 1000])
      }
    })
    const [name, ms] = times.sort((one, other) => other[1] - one[1])[0]!
    t.ok(cost < MOST_COST, `${JSON.stringify(text.slice(0, 8))}: ${cost}, of which ${name} took most with ${ms} ms`)
  }
})

t.test('what begins like a manifest of Kubernetes again and again is looked through once', async t => {
  const project = many(number => `deploy/part${number}.yaml`, 'kind:\n'.repeat(10_000), 40)
  const cost = await costOf(async () => { t.strictSame((await gather(infrastructure, project)).paths, []) })
  // It was some 500.
  t.ok(cost < 60, String(cost))
  for (const content of ['kind: A\nkind: B\nspec:\napiVersion: v1\n', 'apiVersion: v1\napiVersion: v1\r\n\r\nkind: A\n']) {
    t.strictSame((await gather(infrastructure, fakeProject({ 'deploy/a.yaml': content }))).paths, ['deploy/a.yaml'])
  }
  t.strictSame((await gather(infrastructure, fakeProject({ 'deploy/a.yaml': `kind: A\n${'x\n'.repeat(1100)}apiVersion: v1\n` }))).paths, [], 'too far from each other')
})
