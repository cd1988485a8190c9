import { execFileSync } from 'node:child_process'
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { loadConfig, type ConfigInput, type LoadedConfig } from '../../core/config/load.js'
import { HARMLESS_SETTINGS, SETTING_NAMES, settingsSchema, type SettingName } from '../../core/config/settings.js'
import { inspectTrust, isTrusted, recordTrust } from '../../core/config/trust.js'
import { writeFiles } from '../support/repository.js'
import { temporaryFolder } from '../support/temporary.js'

interface Places { base: string, home: string, project: string, file: string }

async function makePlaces (t: Test): Promise<Places> {
  const base = await temporaryFolder(t)
  const places = { base, home: join(base, 'home'), project: join(base, 'project'), file: join(base, 'named.json') }
  await mkdir(join(places.home, '.cco'), { recursive: true })
  await mkdir(join(places.project, '.cco'), { recursive: true })
  return places
}

async function load ({ home, project }: Places, more: Partial<ConfigInput> = {}): Promise<LoadedConfig> {
  return await loadConfig({ flags: {}, env: {}, project, home, ...more })
}

function at (tree: unknown, path: readonly string[]): unknown {
  return path.reduce((node, name) => (node as Record<string, unknown> | undefined)?.[name], tree)
}

/** Two valid values of a setting that differ from each other and, for all but switches, from the default. */
function valuesOf ({ schema, path }: SettingName): [unknown, unknown] {
  const { type, enum: choices, minimum = 0, exclusiveMinimum = 0 } = schema as { type?: string, enum?: string[], minimum?: number, exclusiveMinimum?: number }
  if (choices !== undefined) return [choices.at(-1), choices.at(-2)]
  switch (type) {
    case 'boolean': return [!schema.default, schema.default]
    case 'integer': return [minimum + 2, minimum + 3]
    case 'number': return [exclusiveMinimum + 1.5, exclusiveMinimum + 2.25]
    case 'array': return path.at(-1) === 'max_per_tier' ? [['opus=1', 'haiku=2'], ['sonnet=3']] : (schema as { items?: { type?: string } }).items?.type === 'number' ? [[1.5, 20], [0]] : [['AAA', 'BBB'], ['CCC']]
    case 'string': return ['/first', '/second'].map((text) => (path.at(-1) === 'project_id' ? text.slice(1) : text)) as [string, string]
    default: throw new Error(`${path.join('.')} has no type that the command line could give`)
  }
}

/** The settings of a file in which every setting has its first or second value. */
function wholeTree (which: 0 | 1): Record<string, unknown> {
  const tree: Record<string, unknown> = {}
  for (const name of SETTING_NAMES) {
    let node = tree
    for (const member of name.path.slice(0, -1)) node = (node[member] ??= {}) as Record<string, unknown>
    node[name.path.at(-1)!] = valuesOf(name)[which]
  }
  return tree
}

const asText = (value: unknown): string => (Array.isArray(value) ? value.join(',') : String(value))
const wholeTexts = (which: 0 | 1, key: 'flag' | 'variable'): Record<string, string> => Object.fromEntries(SETTING_NAMES.map((name) => [name[key], asText(valuesOf(name)[which])]))

t.test('every setting has a member, a flag and a variable, each its own', async t => {
  const leaves = (schema: object, path: string[]): string[] => Object.entries((schema as { properties: Record<string, { type?: string }> }).properties)
    .flatMap(([name, member]) => (member.type === 'object' ? leaves(member, [...path, name]) : [[...path, name].join('.')]))
  t.strictSame(SETTING_NAMES.map((name) => name.path.join('.')), leaves(settingsSchema, []))
  for (const name of SETTING_NAMES) {
    const words = name.path.join('_')
    t.equal(name.flag, words.replaceAll('_', '-'))
    t.match(name.flag, /^[a-z][a-z0-9]*(-[a-z][a-z0-9]*)*$/)
    t.equal(name.variable, `CCO_SIDECAR_${words.toUpperCase()}`)
    t.ok(name.schema.description, `${name.flag} says what it is`)
  }
  for (const key of ['flag', 'variable'] as const) t.equal(new Set(SETTING_NAMES.map((name) => name[key])).size, SETTING_NAMES.length)
  const documented = ['PORT', 'HOST', 'STORAGE', 'CACHE_SIZE_MB', 'LOG_LEVEL', 'RATE_LIMIT_ENABLED', 'SPAWN_COMMAND'].map((name) => `CCO_SIDECAR_${name}`)
  t.strictSame(documented.filter((name) => !SETTING_NAMES.some(({ variable }) => variable === name)), [])
})

t.test('later layers win, for every setting', async t => {
  const places = await makePlaces(t)
  const layers: [name: string, put: (which: 0 | 1) => Promise<Partial<ConfigInput>>][] = [
    ['user', async (which) => { await writeFiles(places.home, { '.cco/config.json': JSON.stringify({ sidecar: wholeTree(which) }) }); return {} }],
    ['project', async (which) => {
      await writeFiles(places.project, { '.cco/config.json': JSON.stringify({ sidecar: wholeTree(which) }) })
      await recordTrust(await inspectTrust(places.project), 0, places.home)
      return {}
    }],
    ['--config file', async (which) => { await writeFile(places.file, JSON.stringify({ sidecar: wholeTree(which) })); return { file: places.file } }],
    ['environment', async (which) => ({ env: wholeTexts(which, 'variable') })],
    ['flags', async (which) => ({ flags: wholeTexts(which, 'flag') })]
  ]
  const clean = async (): Promise<void> => {
    await rm(join(places.home, '.cco/config.json'), { force: true })
    await rm(join(places.project, '.cco/config.json'), { force: true })
  }
  const check = (t: Test, { settings }: LoadedConfig, which: 0 | 1, what: string): void => {
    t.strictSame(SETTING_NAMES.filter((name) => JSON.stringify(at(settings, name.path)) !== JSON.stringify(valuesOf(name)[which])).map(({ flag }) => flag), [], what)
  }
  const { settings } = await load(places)
  for (const { path, schema } of SETTING_NAMES) {
    if (path.join() !== 'storage') t.strictSame(at(settings, path), schema.default, `default of ${path.join('.')}`)
  }
  t.equal(settings.storage, join(places.home, '.cco/orchestration'), '~ is the home')
  for (const [low, [lower, putLower]] of layers.entries()) {
    await clean()
    check(t, await load(places, await putLower(0)), 0, `${lower} wins over the defaults`)
    for (const [higher, putHigher] of layers.slice(low + 1)) {
      await clean()
      const input = { ...await putLower(0), ...await putHigher(1) }
      check(t, await load(places, input), 1, `${higher} wins over ${lower}`)
    }
  }
})

t.test('layers are merged member by member', async t => {
  const places = await makePlaces(t)
  await writeFiles(places.base, {
    'home/.cco/config.json': '{ "sidecar": { "port": 1, "events": { "retention_count": 5, "max_waits": 6 }, "cors": { "origins": ["https://a"] } } }',
    'named.json': '{ "sidecar": { "events": { "max_waits": 7 }, "cors": { "origins": ["https://b"] } } }'
  })
  const { settings, files } = await load(places, { file: places.file, env: { CCO_SIDECAR_EVENTS_RETENTION_HOURS: '2' } })
  t.match(settings, { port: 1, events: { retention_count: 5, max_waits: 7, retention_hours: 2, strict_topics: false } })
  t.strictSame(settings.cors.origins, ['https://b'], 'a list is replaced as a whole')
  t.strictSame(files, [join(places.home, '.cco/config.json'), places.file], 'the files are told in order')
})

t.test('the settings of one call are not those of the next', async t => {
  const places = await makePlaces(t)
  const first = await load(places)
  first.settings.cors.origins.push('https://evil')
  first.settings.events.max_waits = 1
  t.match((await load(places)).settings, { cors: { origins: [] }, events: { max_waits: 20_000 } })
})

t.test('text of flags and variables becomes the type of the setting', async t => {
  const places = await makePlaces(t)
  const { settings } = await load(places, { env: { CCO_SIDECAR_RATE_LIMIT_ENABLED: 'false', CCO_SIDECAR_SPAWN_ENVIRONMENT: ' A, B ,,C' }, flags: { port: '0', 'results-retention-days': '0.5', 'cors-origins': '' } })
  t.match(settings, { port: 0, rate_limit: { enabled: false }, results: { retention_days: 0.5 }, cors: { origins: [] }, spawn: { environment: ['A', 'B', 'C'] } })
})

t.test('storage is a path of its own', async t => {
  const places = await makePlaces(t)
  t.equal((await load(places, { flags: { storage: '~/s' } })).settings.storage, join(places.home, 's'))
  t.equal((await load(places, { flags: { storage: '~' } })).settings.storage, places.home)
  t.equal((await load(places, { flags: { storage: 's' } })).settings.storage, join(process.cwd(), 's'))
})

t.test('what is wrong stops the load, with its place and the nearest name', async t => {
  const places = await makePlaces(t)
  const user = join(places.home, '.cco/config.json')
  const refused = async (content: unknown, message: RegExp, code = 'SIDECAR_ERR_CONFIG_INVALID'): Promise<void> => {
    await writeFile(user, typeof content === 'string' ? content : JSON.stringify(content))
    const error = await load(places).then(() => undefined, (reason: Error) => reason)
    t.match(error, { code, message }, error?.message ?? `${JSON.stringify(content)} was taken`)
    t.ok(error?.message.includes(user), 'and the file is named')
  }
  await refused({ sidecra: {} }, /sidecra: 'sidecra' is not a known member; did you mean 'sidecar'\?/)
  await refused({ sidecar: { prot: 1 } }, /sidecar\.prot: 'prot' is not a known member; did you mean 'port'\?/)
  await refused({ sidecar: { rate_limit: { enabeld: true } } }, /sidecar\.rate_limit\.enabeld: .*did you mean 'enabled'\?/)
  await refused({ sidecar: { something_else_entirely: 1 } }, /sidecar\.something_else_entirely: 'something_else_entirely' is not a known member$/)
  await refused('{ "sidecar": { "__proto__": { "port": 1 } } }', /sidecar\.__proto__: '__proto__' is not a known member/)
  await refused({ sidecar: { port: '3001' } }, /sidecar\.port: must be integer/)
  await refused({ sidecar: { port: 70_000 } }, /sidecar\.port: must be <= 65535/)
  await refused({ sidecar: { rate_limit: { enabled: 'yes' } } }, /sidecar\.rate_limit\.enabled: must be boolean/)
  await refused({ sidecar: { log_level: 'loud' } }, /sidecar\.log_level: must be one of 'trace', 'debug', /)
  await refused({ sidecar: { cors: { origins: 'https://a' } } }, /sidecar\.cors\.origins: must be array/)
  await refused({ sidecar: { cors: { origins: ['https://a', 5] } } }, /sidecar\.cors\.origins\.1: must be string/)
  await refused({ sidecar: { project_id: '../x' } }, /sidecar\.project_id: must match pattern/)
  await refused({ sidecar: null }, /sidecar: must be object/)
  await refused({ sidecar: { events: null } }, /sidecar\.events: must be object/)
  await refused([], /must be object/)
  await refused({ plugins: 'journal' }, /plugins: must be array/)
  await refused({ plugins: [{ use: 'journal', option: {} }] }, /plugins\.0\.option: 'option' is not a known member; did you mean 'options'\?/)
  await refused({ plugins: [{ kind: 'http' }] }, /plugins\.0\.use: 'use' is required/)
  await refused({ plugins: [{ use: 'x', kind: 'eventbus' }] }, /plugin 'x' names an unknown kind 'eventbus'/)
  await refused({ projects: [{ project_id: 'a/b', root: '/x' }] }, /projects\.0\.project_id: must match pattern/)
  await refused('{ "sidecar": ', /is no valid JSON: /)
  await refused('', /is no valid JSON: /)
  await rm(user)

  for (const [input, message] of [
    [{ env: { CCO_SIDECAR_PROT: '1' } }, /^The environment variable CCO_SIDECAR_PROT is no known setting; did you mean CCO_SIDECAR_PORT\?$/],
    [{ env: { CCO_SIDECAR_EVENTS_MAX_WAIT: '1' } }, /did you mean CCO_SIDECAR_EVENTS_MAX_WAITS\?/],
    [{ env: { CCO_SIDECAR_PORT: 'http' } }, /^CCO_SIDECAR_PORT must be integer, and is 'http'\.$/],
    [{ env: { CCO_SIDECAR_PORT: '' } }, /^CCO_SIDECAR_PORT must be integer, and is ''\.$/],
    [{ env: { CCO_SIDECAR_RATE_LIMIT_ENABLED: 'maybe' } }, /^CCO_SIDECAR_RATE_LIMIT_ENABLED must be boolean/],
    [{ flags: { port: '70000' } }, /^--port must be <= 65535, and is '70000'\.$/],
    [{ flags: { port: '1.5' } }, /^--port must be integer/],
    [{ flags: { 'log-level': 'loud' } }, /^--log-level must be one of 'trace'/],
    [{ flags: { 'spawn-environment': 'A,B-C' } }, /^--spawn-environment must match pattern/]
  ] as [Partial<ConfigInput>, RegExp][]) {
    await t.rejects(load(places, input), { code: 'SIDECAR_ERR_CONFIG_INVALID', message })
  }
  await t.resolves(load(places, { env: { CCO_SIDECAR_URL: 'x', CCO_SIDECAR_TOKEN: 'x', CCO_SIDECAR_CA: 'x', CCO_OTHER: 'x', PATH: '/bin' } }), 'variables of the client and of others are left alone')
})

t.test('a file that cannot be read is a clear error, and none that is merely absent', async t => {
  const places = await makePlaces(t)
  const user = join(places.home, '.cco/config.json')
  const project = join(places.project, '.cco/config.json')
  const refused = async (file: string, message: RegExp): Promise<void> => {
    await t.rejects(load(places), { code: 'SIDECAR_ERR_CONFIG_UNREADABLE', message }, file)
    await rm(file, { recursive: true })
  }
  await t.resolves(load(places))
  await t.rejects(load(places, { file: join(places.base, 'gone.json') }), { code: 'SIDECAR_ERR_CONFIG_UNREADABLE', message: /gone\.json cannot be read: ENOENT/ }, 'a file that somebody named must be there')
  for (const file of [user, project]) {
    execFileSync('mkfifo', [file])
    await refused(file, /config\.json cannot be read: it is no regular file\.$/)
    await symlink('/dev/zero', file)
    await refused(file, /config\.json cannot be read: it is no regular file\.$/)
    await writeFile(file, 'x'.repeat(1024 * 1024 + 1))
    await refused(file, /config\.json cannot be read: it is larger than 1048576 bytes\.$/)
    await symlink('config.json', file)
    await refused(file, /config\.json cannot be read: ELOOP/)
  }
  await mkdir(user)
  await refused(user, /config\.json cannot be read: it is a folder\.$/)
  await mkdir(join(places.project, '.cco/agents'))
  execFileSync('mkfifo', [join(places.project, '.cco/agents/x.json')])
  await t.rejects(inspectTrust(places.project), { code: 'SIDECAR_ERR_CONFIG_UNREADABLE', message: /agents\/x\.json cannot be read: it is no regular file\.$/ })
  t.equal(await isTrusted(places.project, places.home), false, 'what nobody has trusted is not even read')
  await rm(join(places.project, '.cco/agents'), { recursive: true })
  await writeFile(join(places.home, '.cco/trust.json'), '{')
  await writeFile(project, '{}')
  await refused(join(places.home, '.cco/trust.json'), /trust\.json cannot be read: .*Repair it or remove it\.$/)
  await symlink('/etc/passwd', join(places.base, 'link.json'))
  await t.rejects(load(places, { file: join(places.base, 'link.json') }), { code: 'SIDECAR_ERR_CONFIG_INVALID' })
})

t.test('plugins and projects of every file count, relative to that file', async t => {
  const places = await makePlaces(t)
  await writeFiles(places.base, {
    'home/.cco/config.json': '{ "plugins": ["journal"], "projects": [{ "project_id": "a", "root": "../a" }] }',
    'project/.cco/config.json': '{ "plugins": ["./own.js", { "use": "nats", "options": { "url": "x" } }] }',
    'named.json': '{ "plugins": [{ "use": "docs", "enabled": false }], "projects": [{ "project_id": "b", "root": "/b" }] }'
  })
  await recordTrust(await inspectTrust(places.project), 0, places.home)
  const { plugins, projects } = await load(places, { file: places.file })
  const [user, project] = [join(places.home, '.cco'), join(places.project, '.cco')]
  t.strictSame(plugins, [
    { use: 'journal', base: user, origin: join(user, 'config.json') },
    { use: './own.js', base: project, origin: join(project, 'config.json') },
    { use: 'nats', options: { url: 'x' }, base: project, origin: join(project, 'config.json') },
    { use: 'docs', enabled: false, base: places.base, origin: places.file }
  ])
  t.strictSame(projects, [{ project_id: 'a', root: join(places.home, 'a') }, { project_id: 'b', root: '/b' }])
})

t.test('a project in the home folder has one file, not two', async t => {
  const { home } = await makePlaces(t)
  await writeFiles(home, { '.cco/config.json': '{ "plugins": ["journal"] }' })
  t.equal((await loadConfig({ flags: {}, env: {}, project: home, home })).plugins.length, 1)
})

t.test('what a repository brings is data from a stranger until it is trusted', async t => {
  const places = await makePlaces(t)
  const file = join(places.project, '.cco/config.json')
  const tree = wholeTree(0)
  await writeFile(file, JSON.stringify({ sidecar: tree, plugins: ['./evil.js'], projects: [{ project_id: 'x', root: '/' }] }))

  await t.test('only harmless settings apply, and the rest is listed', async t => {
    const { settings, plugins, projects, ignored, trusted } = await load(places)
    t.equal(trusted, false)
    t.strictSame(plugins, [])
    t.strictSame(projects, [])
    t.strictSame(ignored.sort(), [...Object.keys(tree).filter((name) => !HARMLESS_SETTINGS.has(name)).map((name) => `sidecar.${name}`), 'plugins', 'projects'].sort())
    for (const name of SETTING_NAMES) {
      if (name.path.join() === 'storage') continue
      const expected = HARMLESS_SETTINGS.has(name.path[0]!) ? valuesOf(name)[0] : name.schema.default
      t.strictSame(at(settings, name.path), expected, name.flag)
    }
    t.strictSame([...HARMLESS_SETTINGS].filter((name) => /command|plugin|limit|port|host|storage|spawn|auth|access|events|context|cors|size|project/.test(name)), [])
  })
  await t.test('what is wrong in it is still told', async t => {
    await writeFile(file, '{ "sidecar": { "prot": 1 } }')
    await t.rejects(load(places), { code: 'SIDECAR_ERR_CONFIG_INVALID' })
  })
  await t.test('trust makes all of it count, until anything changes', async t => {
    const content = JSON.stringify({ sidecar: { spawn: { command: 'run' } }, plugins: ['./own.js'] })
    await writeFile(file, content)
    await recordTrust(await inspectTrust(places.project), 0, places.home)
    t.match(await load(places), { trusted: true, ignored: [], settings: { spawn: { command: 'run' } }, plugins: [{ use: './own.js' }] })

    const changes: [what: string, path: string, content: string][] = [
      ['the file', 'config.json', `${content} `], ['a new profile', 'agents/x.json', '{}'], ['triggers', 'triggers.json', '[]']
    ]
    for (const [what, path, changed] of changes) {
      await writeFiles(join(places.project, '.cco'), { [path]: changed })
      t.match(await load(places), { trusted: false, plugins: [], settings: { spawn: { command: undefined } } }, `${what} changed`)
      await rm(join(places.project, '.cco', path))
      await writeFile(file, content)
      t.match(await load(places), { trusted: true }, 'and back as it was')
    }
    await rm(file)
    t.equal(await isTrusted(places.project, places.home), true, 'a project that brings nothing needs no trust')
  })
  await t.test('trust is in a place, not in a content', async t => {
    await writeFile(file, '{ "plugins": ["./own.js"] }')
    await recordTrust(await inspectTrust(places.project), 0, places.home)
    await writeFiles(places.base, { 'copy/.cco/config.json': '{ "plugins": ["./own.js"] }' })
    t.equal(await isTrusted(join(places.base, 'copy'), places.home), false)
    await symlink(places.project, join(places.base, 'same'))
    t.equal(await isTrusted(join(places.base, 'same'), places.home), true, 'a link to the place is the place')
    t.equal(await isTrusted(places.project, join(places.base, 'another-home')), false, 'another user has not trusted it')
  })
  await t.test('no two contents have one hash', async t => {
    await rm(join(places.project, '.cco'), { recursive: true })
    await writeFiles(places.project, { '.cco/agents/a.json': 'b', '.cco/agents/c.json': '' })
    const { hash, subjects } = await inspectTrust(places.project)
    t.strictSame(subjects, [{ path: '.cco/agents/a.json', bytes: 1 }, { path: '.cco/agents/c.json', bytes: 0 }])
    await writeFiles(places.project, { '.cco/agents/a.json': '', '.cco/agents/c.json': 'b' })
    t.not((await inspectTrust(places.project)).hash, hash)
  })
  await t.test('a link among the profiles leads through no folder elsewhere', async t => {
    await rm(join(places.project, '.cco/agents'), { recursive: true })
    await symlink(places.base, join(places.project, '.cco/agents'))
    const { subjects } = await inspectTrust(places.project)
    t.strictSame(subjects, [])
  })
})
