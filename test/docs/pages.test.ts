import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { createColors } from 'picocolors'
import t from 'tap'
import { banner } from '../../cli/server/banner.js'
import { loadConfig } from '../../core/config/load.js'
import { SETTING_NAMES } from '../../core/config/settings.js'
import { START_ERRORS } from '../../core/errors.js'
import { STANDARD_TOPICS } from '../../core/events/topics.js'
import { checkAgentTypes, parseRules } from '../../core/fleet/triggers/definition.js'
import { PACKAGE_ROOT, PROFILES_DIRECTORY, VERSION } from '../../core/package-root.js'
import { findBuiltin } from '../../core/plugin-host/resolve.js'
import { GROUP_RIGHTS } from '../../core/profiles/group-rights.js'
import { checkProfile, readProfiles } from '../../core/profiles/load.js'
import { createPluginContext } from '../../core/testing/index.js'
import { BUILTINS } from '../../plugins/builtins.js'
import { createMetrics } from '../../plugins/http/metrics.js'
import { temporaryFolder } from '../support/temporary.js'
import { findSnippet, inlineCodeOf, listPages, proseOf, snippets, snippetsOf } from './pages.js'
import { GENERATED_TABLES, readPage, withTable } from './tables.js'

const run = promisify(execFile)

t.test('generated tables are those of the code; write them with dist/test/docs/write-tables.js', async (t) => {
  for (const table of GENERATED_TABLES) {
    const page = readPage(table.page)
    t.equal(page, await withTable(page, table), `${table.page}: ${table.name}`)
    for (const row of page.split('\n')) if (/\| {2}\|$/.test(row)) t.fail(`${table.page}: the last cell says nothing: ${row}`)
  }
})

t.test('the read-me is short', async (t) => {
  t.ok(readPage('README.md').split('\n').length < 200)
})

t.test('pages that name a version of Node name the one that the package asks for', async (t) => {
  const { engines } = JSON.parse(readPage('package.json')) as { engines: { node: string } }
  for (const page of listPages()) {
    for (const [, version] of readPage(page).matchAll(/Node (\d+\.\d+)/g)) t.equal(`>=${version}`, engines.node, page)
  }
})

t.test('relative links lead to files and headings', async (t) => {
  for (const page of listPages()) {
    for (const [, target] of proseOf(page).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target!)) continue
      const [path, heading] = target!.split('#') as [string, string | undefined]
      const file = path === '' ? page : join(dirname(page), path)
      t.ok(existsSync(join(PACKAGE_ROOT, file)), `${page} → ${target}`)
      if (heading !== undefined) t.ok(headingsOf(file).includes(heading), `${page} → ${target}`)
    }
  }
})

/** As GitHub names the headings of a page. */
function headingsOf (page: string): string[] {
  return [...proseOf(page).matchAll(/^#+ (.+)$/gm)].map(([, title]) => title!.toLowerCase().replace(/[^\w\- ]/g, '').replaceAll(' ', '-'))
}

t.test('JSON snippets parse, and configurations are accepted', async (t) => {
  const found = snippets('json')
  t.ok(found.length > 5)
  let configurations = 0
  for (const { page, line, text } of found) {
    const value = JSON.parse(text) as Record<string, unknown>
    if (!Object.keys(value).every((member) => ['sidecar', 'plugins', 'projects'].includes(member))) continue
    configurations++
    const folder = await temporaryFolder(t, 'cco-snippet')
    await writeFile(join(folder, 'config.json'), text)
    const { plugins } = await loadConfig({ flags: {}, env: {}, project: folder, file: join(folder, 'config.json'), home: folder })
    for (const plugin of plugins) {
      const isBuiltin = findBuiltin(plugin, BUILTINS) !== undefined
      t.equal(isBuiltin, !/^[.@]/.test(plugin.use), `${page}:${line} ${plugin.use}`)
    }
  }
  t.ok(configurations >= 5, `${configurations} configurations`)
})

t.test('the triggers of the documentation are valid, and name agents that exist', async () => {
  const { text } = findSnippet('docs/agents.md', 'json', '"explain-failures"')
  const rules = parseRules([{ origin: 'docs/agents.md', value: JSON.parse(text) }])
  checkAgentTypes(rules, 'docs/agents.md', (await readProfiles(PROFILES_DIRECTORY)).map(({ id }) => id))
})

t.test('the profile of the documentation is valid, and its names exist', async (t) => {
  const { text } = findSnippet('docs/agents.md', 'json', '"invoice-specialist"')
  const profile = checkProfile(JSON.parse(text), 'invoice-specialist', 'docs/agents.md')
  const known = new Set((await readProfiles(PROFILES_DIRECTORY)).map(({ id }) => id))
  for (const id of [...profile.handoff.success, ...profile.handoff.failed]) t.ok(known.has(id), id)
  t.match(readPage('docs/agents.md'), `${known.size} types ship`)
  for (const { need } of profile.context.requirements) t.ok(BUILTINS.some(({ kind, name }) => kind === 'context-strategy' && name === need), need)
  for (const [group, { permissions, limits }] of Object.entries(GROUP_RIGHTS)) {
    const row = readPage('docs/agents.md').split('\n').find((line) => line.startsWith('| `') && line.split('|')[1]!.includes(`\`${group}\``) && line.includes('read_context'))
    const rate = limits.requests_per_minute === null ? 'unlimited' : `${limits.requests_per_minute}, ${limits.burst}`
    t.ok(row?.endsWith(`| ${permissions.map((permission) => `\`${permission}\``).join(', ')} | ${rate} |`), group)
  }
})

t.test('JavaScript snippets are valid', async (t) => {
  const folder = await temporaryFolder(t, 'cco-snippet')
  const found = snippets('js')
  t.ok(found.length >= 3)
  for (const [index, { page, line, text }] of found.entries()) {
    const file = join(folder, `${index}.mjs`)
    await mkdir(folder, { recursive: true })
    await writeFile(file, text)
    await t.resolves(run(process.execPath, ['--check', file]), `${page}:${line}`)
  }
})

t.test('every block is in a language that is checked', async (t) => {
  for (const { page, line, language } of listPages().flatMap(snippetsOf)) {
    t.ok(['js', 'json', 'sh', 'text', ''].includes(language), `${page}:${line} ${language}`)
  }
})

t.test('the read-me shows what a start shows', async (t) => {
  const facts = {
    version: VERSION,
    project: { id: 'shop', root: '/home/you/projects/shop' },
    url: 'http://127.0.0.1:3001',
    storage: '/home/you/.cco/orchestration',
    profiles: (await readProfiles(PROFILES_DIRECTORY)).length,
    plugins: BUILTINS.filter((builtin) => builtin.default).map(({ kind, name }) => ({ kind, name, source: 'built-in', location: name })),
    files: [],
    ignored: []
  }
  const [shown] = snippetsOf('README.md').filter(({ language }) => language === 'text')
  t.equal(shown?.text, `${banner(facts, createColors(false))}\n`)
})

t.test('settings and variables that the text names exist', async (t) => {
  const groups = new Set(SETTING_NAMES.filter(({ path }) => path.length > 1).map(({ path }) => path[0]))
  const members = SETTING_NAMES.map(({ path }) => path.join('.'))
  const variables = [...SETTING_NAMES.map(({ variable }) => variable), 'CCO_SIDECAR_URL', 'CCO_SIDECAR_TOKEN', 'CCO_SIDECAR_CA']
  for (const page of listPages()) {
    for (const code of inlineCodeOf(page)) {
      if (/^[a-z_]+\.[a-z_]+$/.test(code) && groups.has(code.split('.')[0]!) && !isProfileMember(code)) t.ok(members.includes(code), `${page}: ${code}`)
      if (/^CCO_SIDECAR_[A-Z_]+$/.test(code)) t.ok(variables.includes(code), `${page}: ${code}`)
    }
  }
})

/** Profiles have members of the same names. */
function isProfileMember (code: string): boolean {
  return ['context.requirements', 'context.max_tokens', 'context.get', 'spawn.prompt', 'spawn.tools', 'spawn.spawner', 'spawn.workspace'].includes(code)
}

t.test('codes of faults at the start, topics and metrics are all named', async (t) => {
  for (const error of START_ERRORS) t.match(readPage('docs/errors.md'), `\`${error}\``)
  for (const topic of STANDARD_TOPICS) t.match(readPage('docs/events.md'), `\`${topic}\``)
  const { registry } = createMetrics(createPluginContext({ storage: '/nonexistent', clock: Date.now }).sidecar)
  const names = registry.getMetricsAsArray().map(({ name }) => name).filter((name) => name.startsWith('sidecar_'))
  const shown = readPage('docs/operations.md').match(/`sidecar_[a-z0-9_]+`/g)?.map((name) => name.slice(1, -1)) ?? []
  t.same([...new Set(shown)].sort(), names.sort())
})
