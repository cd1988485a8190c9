import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { loadConfig } from '../../core/config/load.js'
import { inspectTrust, recordTrust } from '../../core/config/trust.js'
import type { Clock } from '../../core/contracts/index.js'
import { PACKAGE_ROOT } from '../../core/package-root.js'
import type { PluginInstances, PluginKind, SidecarPlugin } from '../../core/plugin-host/define-plugin.js'
import {
  contextStrategyContract, createFromPlugin, createPluginContext, createSampleProfile, createSampleProject, createSampleTask, createTestClock,
  querySampleResults, resultStoreContract, silentLog, type ContractSubject
} from '../../core/testing/index.js'
import { projectWithPackage } from '../support/project-with-package.js'
import { writeFiles } from '../support/repository.js'
import { startSidecar } from '../support/sidecar.js'
import { temporaryFolder } from '../support/temporary.js'
import { findSnippet } from '../docs/pages.js'

const EXAMPLES = join(PACKAGE_ROOT, 'examples')

async function load (path: string): Promise<SidecarPlugin> {
  return (await import(pathToFileURL(join(EXAMPLES, path)).href) as { default: SidecarPlugin }).default
}

function factory<Kind extends PluginKind> (plugin: SidecarPlugin): (suite: { clock: Clock }) => Promise<ContractSubject<PluginInstances[Kind]>> {
  return async ({ clock }) => {
    const storage = await mkdtemp(join(tmpdir(), 'cco-example-'))
    const open = async (): Promise<PluginInstances[Kind]> => await createFromPlugin<Kind>(plugin, {}, createPluginContext({ storage, clock }))
    return { instance: await open(), reopen: open, dispose: async () => await rm(storage, { recursive: true, force: true }) }
  }
}

/** A trusted project that the example was copied into, with the configuration of its read-me. */
async function projectWith (t: Parameters<typeof temporaryFolder>[0], folder: string, plugin: string, files: Record<string, string>) {
  const home = await temporaryFolder(t, 'cco-home')
  const root = await projectWithPackage(t, files, {
    [`.cco/${plugin}.mjs`]: await readFile(join(EXAMPLES, folder, `${plugin}.js`)),
    '.cco/config.json': findSnippet(`examples/${folder}/README.md`, 'json', plugin).text
  })
  await recordTrust(await inspectTrust(root), Date.now(), home)
  const { plugins } = await loadConfig({ flags: {}, env: {}, project: root, home })
  return await startSidecar(t, { root, plugins })
}

const PLAN = JSON.stringify({
  terraform_version: '1.9.0',
  resource_changes: [
    { address: 'aws_db_instance.main', change: { actions: ['delete', 'create'], after: { password: 'hunter2' } } },
    { address: 'aws_s3_bucket.logs', change: { actions: ['no-op'] } },
    { address: 'aws_instance.web[0]', change: { actions: ['update'] } }
  ]
})

t.test('custom-context-strategy', async (t) => {
  const plugin = await load('custom-context-strategy/terraform-plans.js')
  t.test('keeps the contract', async (t) => contextStrategyContract({ test: t.test, create: factory<'context-strategy'>(plugin) }))

  t.test('shows actions and addresses of plans, newest first, and no values', async (t) => {
    const strategy = await createFromPlugin<'context-strategy'>(plugin, { maxPlans: 2 }, createPluginContext({ storage: '/nonexistent', clock: createTestClock() }))
    const files = { 'a/plan.json': PLAN, 'b/prod.tfplan.json': '{"terraform_version": "1.9.0"}', 'c/plan.json': PLAN, 'plan.json': '{"steps": []}', 'planets.json': PLAN, 'explanation.json': PLAN }
    const gather = async (parameters: object) => await strategy.gather({
      project: createSampleProject({ files }), task: createSampleTask(), requirement: { need: 'terraform-plans', ...parameters }, profile: createSampleProfile(),
      results: querySampleResults, budget: { max_bytes: 1_000_000, max_tokens: null }, signal: new AbortController().signal, log: silentLog
    }) as { path: string, content: string, score: number }[]
    t.match(await gather({}), [
      { path: 'a/plan.json.changes', content: 'delete/create aws_db_instance.main\nupdate aws_instance.web[0]', score: 1 },
      { path: 'b/prod.tfplan.json.changes', content: '', score: 0.5 }
    ])
    t.match(await gather({ actions: ['delete'] }), [{ content: 'delete/create aws_db_instance.main' }, { content: '' }])
  })

  t.test('works by the configuration of its read-me alone', async (t) => {
    const { ask } = await projectWith(t, 'custom-context-strategy', 'terraform-plans', { 'main.tf': '', 'infra/plan.json': PLAN })
    const { body } = await ask('GET', '/api/context/issue-1/cloud-architect?requirements=terraform-plans')
    const shown = body.context.relevant_files.find(({ path }: { path: string }) => path === 'infra/plan.json.changes')
    t.equal(shown?.content, 'delete/create aws_db_instance.main\nupdate aws_instance.web[0]')
    const { body: { plugins } } = await ask('GET', '/api/plugins')
    t.match(plugins.find(({ name }: { name: string }) => name === 'terraform-plans'), { options: { maxPlans: 3 } })
  })
})

t.test('custom-storage', async (t) => {
  const plugin = await load('custom-storage/jsonl-results.js')
  t.test('keeps the contract', async (t) => resultStoreContract({ test: t.test, create: factory<'result-store'>(plugin) }))

  t.test('takes the place of the built-in store by the configuration of its read-me alone', async (t) => {
    const { ask, agent, storage } = await projectWith(t, 'custom-storage', 'jsonl-results', { 'main.py': '' })
    const { token, agent_id: id } = await agent('python-specialist')
    const result = { agent_id: id, agent_type: 'python-specialist', issue_id: 'issue-1', result: { status: 'success', files_created: [], files_modified: [] } }
    const { status, body: stored } = await ask('POST', '/api/results', { token, body: result })
    t.equal(status, 201)
    const { body: { results } } = await ask('GET', '/api/results?issue_id=issue-1')
    t.match(results, [{ id: stored.id, agent_id: id }])
    t.match(await readFile(join(storage, 'jsonl-results', 'sample.jsonl'), 'utf8'), `{"record":{"id":"${String(stored.id)}"`)
    const { body: { plugins } } = await ask('GET', '/api/plugins')
    t.same(plugins.filter(({ kind }: { kind: string }) => kind === 'result-store').map(({ name }: { name: string }) => name), ['jsonl-results'])
  })

  t.test('cuts off what a crash left half-way', async (t) => {
    const storage = await temporaryFolder(t, 'cco-example')
    const record = { id: `res_${'0'.repeat(26)}`, project_id: 'shop', issue_id: 'i', agent_id: 'a', agent_type: 'a', status: 'success', result: {}, timestamp: '2026-01-01T00:00:00.000Z' } as const
    const line = JSON.stringify({ record })
    await writeFiles(storage, { 'jsonl-results/shop.jsonl': `${line}\n{"record":{"id":"res_` })
    const store = await createFromPlugin<'result-store'>(plugin, {}, createPluginContext({ storage, clock: createTestClock() }))
    await store.open?.()
    await store.put('shop', { ...record, id: `res_${'1'.repeat(26)}` })
    await store.close?.()
    t.equal(await readFile(join(storage, 'jsonl-results/shop.jsonl'), 'utf8'), `${line}\n${line.replace('0'.repeat(26), '1'.repeat(26))}\n`)
  })
})
