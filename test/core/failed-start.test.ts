import { readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import t from 'tap'
import { createSidecar, loadConfig } from '../../index.js'
import type { PluginRequest } from '../../core/plugin-host/resolve.js'
import { moduleOf, STRATEGY } from '../support/plugin-module.js'
import { writeFiles } from '../support/repository.js'
import { temporaryFolder } from '../support/temporary.js'

/** Everything below a folder, and what it holds. */
async function treeOf (folder: string): Promise<string[]> {
  return (await readdir(folder, { recursive: true, withFileTypes: true })).map((entry) => join(entry.parentPath, entry.name)).sort()
}

t.test('a fault of the start leaves the disk as it was', async t => {
  const base = await temporaryFolder(t)
  const project = join(base, 'project')
  await writeFiles(base, {
    'project/README.md': '# Sample',
    'plugins/throws.mjs': 'throw new Error("x")',
    'plugins/none.mjs': 'export default 5',
    'plugins/manifest.mjs': moduleOf("{ kind: 'http', name: 'X', create () {} }"),
    'plugins/create.mjs': moduleOf("{ kind: 'http', name: 'x', create () { throw new Error('x') } }"),
    'plugins/instance.mjs': moduleOf("{ kind: 'http', name: 'x', create: () => ({}) }"),
    'plugins/requires.mjs': moduleOf("{ kind: 'http', name: 'x', requires: ['http'], create: () => ({ register () {} }) }"),
    'plugins/open.mjs': moduleOf("{ kind: 'http', name: 'x', requires: ['event-bus', 'result-store', 'auth', 'context-cache', 'spawner'], create: () => ({ register () {}, async open () { throw new Error('x') } }) }"),
    'plugins/register.mjs': moduleOf("{ kind: 'http', name: 'x', create: () => ({ async register () { throw new Error('x') } }) }"),
    'plugins/plans.mjs': moduleOf(STRATEGY),
    'file.txt': 'no folder',
    'wrong-profile/.cco/agents/x.json': '{}'
  })
  const start = async ({ plugins = [], storage = join(base, 'home/.cco/storage'), root = project, flags = {}, projects = [] }: {
    plugins?: (string | (Partial<PluginRequest> & { use: string }))[], storage?: string, root?: string, flags?: Record<string, string>, projects?: { project_id: string, root: string }[]
  }) => {
    const { settings } = await loadConfig({ flags: { 'log-level': 'silent', ...flags, storage }, env: {}, project, home: join(base, 'home') })
    const requests = plugins.map((request) => ({ base: join(base, 'plugins'), origin: 'the test', ...(typeof request === 'string' ? { use: request } : request) }))
    return await createSidecar({ settings, project: { id: 'sample', root }, projects, plugins: requests, trusted: true, environment: {} })
  }
  const faults: [code: string, given: Parameters<typeof start>[0]][] = [
    ['SIDECAR_ERR_PLUGIN_NOT_FOUND', { plugins: ['jurnal'] }],
    ['SIDECAR_ERR_PLUGIN_LOAD', { plugins: ['./throws.mjs'] }],
    ['SIDECAR_ERR_PLUGIN_MANIFEST', { plugins: ['./none.mjs'] }],
    ['SIDECAR_ERR_PLUGIN_MANIFEST', { plugins: ['./manifest.mjs'] }],
    ['SIDECAR_ERR_PLUGIN_OPTIONS', { plugins: [{ use: 'journal', options: { x: 1 } }] }],
    ['SIDECAR_ERR_PLUGIN_DUPLICATE', { plugins: ['./plans.mjs', './plans.mjs'] }],
    ['SIDECAR_ERR_PLUGIN_DUPLICATE', { plugins: ['journal', 'event-bus/memory'] }],
    ['SIDECAR_ERR_PLUGIN_DEPENDENCY', { plugins: ['./requires.mjs'] }],
    ['SIDECAR_ERR_PLUGIN_DEPENDENCY', { plugins: [{ use: 'jwt', enabled: false }] }],
    ['SIDECAR_ERR_PLUGIN_CREATE', { plugins: ['./create.mjs'] }],
    ['SIDECAR_ERR_PLUGIN_INSTANCE', { plugins: ['./instance.mjs'] }],
    ['SIDECAR_ERR_PLUGIN_OPEN', { plugins: ['./open.mjs'] }],
    ['SIDECAR_ERR_PROFILE_REQUIREMENT', { plugins: [{ use: 'source-files', enabled: false }] }],
    ['SIDECAR_ERR_PROFILE_INVALID', { root: join(base, 'wrong-profile') }],
    ['SIDECAR_ERR_PROJECT_INVALID', { root: join(base, 'file.txt') }],
    ['SIDECAR_ERR_PROJECT_INVALID', { root: join(base, 'gone') }],
    ['SIDECAR_ERR_PROJECT_INVALID', { projects: [{ project_id: 'sample', root: base }] }],
    ['SIDECAR_ERR_PROJECT_INVALID', { projects: [{ project_id: 'other', root: join(base, 'gone') }] }],
    ['SIDECAR_ERR_STORAGE_INVALID', { storage: join(base, 'file.txt') }],
    ['SIDECAR_ERR_STORAGE_INVALID', { storage: join(base, 'file.txt/storage') }],
    ['SIDECAR_ERR_CONFIG_INVALID', { flags: { 'cache-size-mb': 'many' } }]
  ]
  const before = await treeOf(base)
  for (const [code, given] of faults) {
    const error = await start(given).then(() => undefined, (reason: Error) => reason)
    t.match(error, { code }, `${code}: ${error?.message ?? 'no fault'}`)
    t.strictSame(await treeOf(base), before, `nothing was made (${JSON.stringify(given).replaceAll(base, '')})`)
  }
  await t.test('nor does a plugin whose routes fail', async t => {
    await t.rejects(start({ plugins: ['./register.mjs'] }))
    t.strictSame(await treeOf(base), before)
  })
  await t.test('nor an unknown key of the configuration', async t => {
    await writeFiles(base, { 'home/.cco/config.json': '{ "sidecar": { "prot": 1 } }' })
    const now = await treeOf(base)
    await t.rejects(start({}), { code: 'SIDECAR_ERR_CONFIG_INVALID', message: /sidecar\.prot: .*did you mean 'port'\?/ })
    await t.rejects(start({ storage: join(base, 'other') }), { code: 'SIDECAR_ERR_CONFIG_INVALID' })
    t.strictSame(await treeOf(base), now)
    await writeFiles(base, { 'home/.cco/config.json': '{}' })
  })
  await t.test('nor a storage folder in use, which the other goes on with', async t => {
    const storage = join(base, 'used')
    const first = await start({ storage })
    t.teardown(async () => await first.close())
    const now = await treeOf(storage)
    await t.rejects(start({ storage, plugins: ['./open.mjs'] }), { code: 'SIDECAR_ERR_STORAGE_LOCKED', message: new RegExp(`/${basename(storage)} is in use by another sidecar \\(process ${process.pid}\\)`) })
    t.strictSame(await treeOf(storage), now)
    t.equal((await first.app.inject('/health/live')).statusCode, 200)
    await first.close()
    const second = await start({ storage })
    await second.close()
  })
})
