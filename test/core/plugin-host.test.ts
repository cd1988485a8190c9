import { join } from 'node:path'
import Fastify from 'fastify'
import t, { type Test } from 'tap'
import { definePlugin, Type } from '../../core/plugin-api.js'
import { MANIFEST, type PluginKind, type PluginManifest } from '../../core/plugin-host/define-plugin.js'
import { makePlugins, type HostOptions, type Plugins } from '../../core/plugin-host/host.js'
import type { Builtin, PluginRequest } from '../../core/plugin-host/resolve.js'
import { moduleOf, STRATEGY } from '../support/plugin-module.js'
import { writeFiles } from '../support/repository.js'
import { temporaryFolder } from '../support/temporary.js'

const nothing = async (): Promise<void> => {}

/** An instance that has what its kind must have, and does nothing. */
const INSTANCES: Record<PluginKind, () => object> = {
  auth: () => ({ supports: { issue: true }, issue: nothing, verify: nothing, refresh: nothing, revoke: nothing, publicKeys: nothing }),
  'event-bus': () => ({
    supports: { durable: false }, append: nothing, read: nothing, locate: nothing, subscribe: nothing, loadPosition: nothing, savePosition: nothing,
    addDeadLetter: nothing, listDeadLetters: nothing, removeDeadLetter: nothing, stats: nothing
  }),
  'context-cache': () => ({ get: nothing, set: nothing, delete: nothing, stats: nothing }),
  'result-store': () => ({ supports: { durable: false }, put: nothing, get: nothing, list: nothing, putIssue: nothing, getIssue: nothing, usage: nothing, prune: nothing }),
  'context-strategy': () => ({ satisfies: ['something'], gather: nothing }),
  spawner: () => ({ supports: { adopt: false }, start: nothing }),
  http: () => ({ register: nothing })
}

interface FakeOptions extends Partial<Omit<PluginManifest, 'create'>> {
  isDefault?: boolean
  create? (...args: Parameters<PluginManifest['create']>): unknown
}

/** A built-in that a test makes up. */
function builtin (kind: PluginKind, name: string, { isDefault = true, create = INSTANCES[kind], ...manifest }: FakeOptions = {}): Builtin {
  const plugin = definePlugin({ kind, name, ...manifest, create } as PluginManifest)
  return { kind, name, default: isDefault, load: async () => ({ default: plugin }) }
}

const SLOTS = [builtin('auth', 'keys'), builtin('event-bus', 'log'), builtin('context-cache', 'heap'), builtin('result-store', 'shelf')]

type Given = Omit<PluginRequest, 'base' | 'origin'> & { base?: string, origin?: string }

async function makeHost (t: Test, given: (Given | string)[], more: Partial<HostOptions> = {}): Promise<Plugins> {
  const app = Fastify({ logger: false })
  t.teardown(async () => await app.close())
  const log = { debug () {}, info () {}, warn () {}, error () {} }
  return await makePlugins({
    app,
    builtins: SLOTS,
    requests: given.map((request) => ({ base: '/nowhere', origin: 'the test', ...(typeof request === 'string' ? { use: request } : request) })),
    implied: {},
    log,
    clock: () => 0,
    storage: '/nowhere/storage',
    sidecar: { version: '0', telemetry: async () => { throw new Error('not here') }, profile: () => undefined },
    ...more
  })
}

/** A plugin in CommonJS, which cannot import the API and marks its function by hand. */
const COMMON_JS = `
const plugin = async (app, { provide }) => provide({ satisfies: ['plans'], gather: async () => [] })
plugin[Symbol.for('skip-override')] = true
plugin[Symbol.for('cco-sidecar.plugin-manifest')] = { kind: 'context-strategy', name: 'plans', create () {} }
`

async function foundAs (t: Test, request: Given | string): Promise<string> {
  const plugins = await makeHost(t, [request])
  const { name, source, location } = plugins.loaded.find(({ kind }) => kind === 'context-strategy')!
  t.ok(plugins.all('context-strategy').has('plans'), 'its instance stands in the registry')
  return `${name} ${source} ${location}`
}

t.test('a plugin is found', async t => {
  const base = await temporaryFolder(t)
  await writeFiles(base, {
    'plans.mjs': moduleOf(STRATEGY),
    'deep/plans.js': COMMON_JS + 'module.exports = plugin\n',
    'node_modules/cco-plans/package.json': '{ "name": "cco-plans", "main": "lib.js" }',
    'node_modules/cco-plans/lib.js': COMMON_JS + 'module.exports = plugin\n',
    'node_modules/cco-compiled/package.json': '{ "name": "cco-compiled" }',
    'node_modules/cco-compiled/index.js': COMMON_JS + 'exports.default = plugin\n',
    'node_modules/@acme/modern/package.json': '{ "type": "module", "exports": { ".": { "import": { "types": "./x.d.ts", "default": "./lib/plans.js" } }, "./other": { "import": "./lib/plans.js" } } }',
    'node_modules/@acme/modern/lib/plans.js': moduleOf(STRATEGY),
    'node_modules/cco-sugar/package.json': '{ "type": "module", "exports": { "import": "./plans.js" } }',
    'node_modules/cco-sugar/plans.js': moduleOf(STRATEGY)
  })
  const builtins = [...SLOTS, builtin('context-strategy', 'plans', { isDefault: false, create: () => ({ satisfies: ['plans'], gather: nothing }) })]

  await t.test('by the name of a built-in, bare, with its kind, and qualified', async t => {
    for (const request of ['plans', 'context-strategy/plans', { use: 'plans', kind: 'context-strategy' as const }]) {
      const { loaded } = await makeHost(t, [request], { builtins })
      t.match(loaded.find(({ kind }) => kind === 'context-strategy'), { name: 'plans', source: 'built-in', location: 'plans' })
    }
  })
  t.equal(await foundAs(t, { use: './plans.mjs', base }), 'plans path ./plans.mjs', 'by a path')
  t.equal(await foundAs(t, { use: '../plans.mjs', base: join(base, 'deep') }), 'plans path ../plans.mjs', 'by a path upwards')
  t.equal(await foundAs(t, { use: join(base, 'deep/plans.js') }), `plans path ${join(base, 'deep/plans.js')}`, 'by an absolute path')
  t.equal(await foundAs(t, { use: 'cco-plans', base }), 'plans package cco-plans', 'in a package of CommonJS')
  t.equal(await foundAs(t, { use: 'cco-compiled', base }), 'plans package cco-compiled', 'in CommonJS that was compiled from an ES module')
  t.equal(await foundAs(t, { use: '@acme/modern', base }), 'plans package @acme/modern', 'in a package that exports only an ES module')
  t.equal(await foundAs(t, { use: '@acme/modern/other', base }), 'plans package @acme/modern/other', 'in an exported sub-path')
  t.equal(await foundAs(t, { use: 'cco-sugar', base: join(base, 'deep') }), 'plans package cco-sugar', 'in a node_modules further up')
})

t.test('what is chosen', async t => {
  const other = builtin('event-bus', 'wire', { isDefault: false })
  await t.test('one of a slot replaces the default', async t => {
    const { loaded } = await makeHost(t, ['wire'], { builtins: [...SLOTS, other] })
    t.strictSame(loaded.filter(({ kind }) => kind === 'event-bus').map(({ name }) => name), ['wire'])
  })
  await t.test('one of many is added', async t => {
    const { loaded } = await makeHost(t, ['b'], { builtins: [...SLOTS, builtin('http', 'a'), builtin('http', 'b', { isDefault: false })] })
    t.strictSame(loaded.filter(({ kind }) => kind === 'http').map(({ name }) => name).sort(), ['a', 'b'])
  })
  await t.test('a disabled default is not loaded', async t => {
    let loads = 0
    const costly = { ...builtin('http', 'costly'), load: async () => { loads++; return await builtin('http', 'costly').load() } }
    const { loaded } = await makeHost(t, [{ use: 'costly', enabled: false }], { builtins: [...SLOTS, costly] })
    t.notOk(loaded.some(({ name }) => name === 'costly'))
    t.equal(loads, 0)
  })
  await t.test('an entry that is switched off need not be installed', async t => {
    await makeHost(t, [{ use: './gone.js', enabled: false }, { use: '@acme/gone', enabled: false }])
  })
  await t.test('a mistyped qualified name that is to be switched off is refused', async t => {
    await t.rejects(makeHost(t, [{ use: 'event-bus/lgo', enabled: false }]), { code: 'SIDECAR_ERR_PLUGIN_NOT_FOUND', message: /Did you mean 'event-bus\/log'\?/ })
  })
  await t.test('options: implied ones give way to given ones, defaults fill in', async t => {
    let seen: unknown
    const options = Type.Object({ size: Type.Integer({ default: 1 }), name: Type.String({ default: 'x' }), deep: Type.Optional(Type.Object({ on: Type.Boolean({ default: true }) })) }, { additionalProperties: false })
    const plugin = builtin('http', 'sized', { options, create: (given) => { seen = given; return INSTANCES.http() } })
    const implied = { 'http/sized': { size: 2, name: 'implied' } }
    const plugins = await makeHost(t, [{ use: 'sized', options: { size: 3, deep: {} } }], { builtins: [...SLOTS, plugin], implied })
    t.strictSame(seen, { size: 3, name: 'implied', deep: { on: true } })
    t.strictSame(plugins.loaded.find(({ name }) => name === 'sized')?.options, seen)
  })
})

t.test('an order that keeps requirements', async t => {
  const order: string[] = []
  const traced = (kind: PluginKind, name: string, requires: PluginKind[]): Builtin => builtin(kind, name, {
    requires,
    create: (_options, context) => {
      for (const needed of requires) context.get(needed as 'auth')
      order.push(`make ${name}`)
      return { ...INSTANCES[kind](), open: async () => { order.push(`open ${name}`) }, close: async () => { order.push(`close ${name}`) } }
    }
  })
  const builtins = [
    traced('http', 'routes', ['auth', 'result-store']), traced('result-store', 'shelf', ['event-bus']), traced('event-bus', 'log', ['auth']),
    traced('auth', 'keys', []), traced('context-cache', 'heap', [])
  ]
  const plugins = await makeHost(t, [], { builtins })
  const made = ['keys', 'log', 'shelf', 'routes', 'heap']
  t.strictSame(order, made.map((name) => `make ${name}`), 'made after what they require; nothing is opened yet')
  await plugins.open()
  t.strictSame(order.slice(5), made.map((name) => `open ${name}`), 'opened in the same order')
  await plugins.close()
  await plugins.close()
  t.strictSame(order.slice(10), [...made].reverse().map((name) => `close ${name}`), 'closed in reverse, once')
})

t.test('opening and closing with faults', async t => {
  const closed: string[] = []
  const errors: object[] = []
  const log = { debug () {}, info () {}, warn () {}, error (details: object) { errors.push(details) } }
  const lived = (kind: PluginKind, name: string, faults: { open?: unknown, close?: unknown } = {}): Builtin => builtin(kind, name, {
    create: () => ({
      ...INSTANCES[kind](),
      async open () { if (faults.open !== undefined) throw faults.open },
      async close () {
        closed.push(name)
        if (faults.close !== undefined) throw faults.close
      }
    })
  })

  await t.test('when one fails to open, it and those before it are closed in reverse, and it is named', async t => {
    const plugins = await makeHost(t, [], { log, builtins: [lived('auth', 'keys'), lived('event-bus', 'log'), lived('context-cache', 'heap', { open: new Error('no memory') }), lived('result-store', 'shelf')] })
    await t.rejects(plugins.open(), { code: 'SIDECAR_ERR_PLUGIN_OPEN', message: /^Plugin 'heap' \(built-in\) could not be opened: no memory\.$/ })
    t.strictSame(closed.splice(0), ['heap', 'log', 'keys'])
    await plugins.close()
    t.strictSame(closed, [], 'and not a second time')
  })
  await t.test('a code of the start is passed on', async t => {
    const plugins = await makeHost(t, [], { log, builtins: [...SLOTS, lived('http', 'a', { open: Object.assign(new Error('mine'), { code: 'SIDECAR_ERR_STORAGE_INVALID' }) })] })
    await t.rejects(plugins.open(), { code: 'SIDECAR_ERR_STORAGE_INVALID', message: 'mine' })
    closed.length = 0
  })
  await t.test('one that fails to close does not keep the others from it', async t => {
    const plugins = await makeHost(t, [], { log, builtins: [lived('auth', 'keys'), lived('event-bus', 'log', { close: new Error('stuck') }), lived('context-cache', 'heap'), lived('result-store', 'shelf', { close: 'odd' })] })
    await plugins.open()
    await plugins.close()
    t.strictSame(closed.splice(0), ['shelf', 'heap', 'log', 'keys'])
    t.match(errors, [{ plugin: 'shelf' }, { plugin: 'log' }], 'and is logged by name')
  })
  await t.test('what was never opened is not closed', async t => {
    const plugins = await makeHost(t, [], { log, builtins: [...SLOTS, lived('http', 'a')] })
    await plugins.close()
    t.strictSame(closed, [])
  })
})

t.test('every fault is named', async t => {
  const base = await temporaryFolder(t)
  const faulty: [what: string, code: string, message: RegExp | RegExp[], given: (Given | string)[], builtins?: Builtin[]][] = []
  const expect = (what: string, code: string, message: RegExp | RegExp[], given: (Given | string)[], builtins: Builtin[] = []): void => {
    faulty.push([what, `SIDECAR_ERR_PLUGIN_${code}`, message, given.map((request) => ({ base, ...(typeof request === 'string' ? { use: request } : request) })), [...SLOTS, ...builtins]])
  }
  const files: Record<string, string> = {}
  const file = (name: string, content: string): string => {
    files[name] = content
    return `./${name}`
  }

  expect('a mistyped name', 'NOT_FOUND', [/^Plugin 'shelff' in the test was not found/, /Did you mean 'shelf'\?/, /'result-store\/shelf'/], ['shelff'])
  expect('a mistyped qualified name', 'NOT_FOUND', /Did you mean 'event-bus\/log'\?/, ['event-buss/log'])
  expect('a name near nothing', 'NOT_FOUND', /installed in .*\. Built-ins/, ['nats-jetstream'])
  expect('a module of Node', 'NOT_FOUND', /^Plugin 'events' in the test was not found/, ['events'])
  expect('a path without a file', 'NOT_FOUND', /there is no file .*gone\.js/, ['./gone.js'])
  expect('a folder', 'NOT_FOUND', /is not a file; name the module itself, for example '\.\/folder\/index\.js'/, ['./folder'])
  file('folder/index.js', '')
  expect('a package without the sub-path', 'NOT_FOUND', /'cco-x\/other' in the test was not found/, ['cco-x/other'])
  file('node_modules/cco-x/package.json', '{ "exports": { "import": "./x.js" } }')
  expect('an ambiguous name', 'NOT_FOUND', /more than one built-in; write one of 'event-bus\/memory', 'http\/memory'/, ['memory'], [builtin('event-bus', 'memory', { isDefault: false }), builtin('http', 'memory', { isDefault: false })])

  expect('a module that throws', 'LOAD', /'\.\/throws\.mjs' in the test failed to load: out of luck\. Fix the plugin/, [file('throws.mjs', 'throw new Error("out of luck")')])
  expect('a module with a mistake', 'LOAD', /failed to load: /, [file('syntax.mjs', 'export default {')])
  expect('a module that lacks another', 'LOAD', /Cannot find package 'nats'/, [file('lacks.mjs', "import 'nats'")])

  for (const [name, content] of Object.entries({ 'none.mjs': '', 'object.mjs': 'export default {}', 'function.mjs': 'export default () => {}', 'named.mjs': `export const plugin = ${STRATEGY}` })) {
    expect(`no plugin in ${name}`, 'MANIFEST', /does not export a plugin: its default export must come from definePlugin\(\)/, [file(name, content)])
  }
  const manifests: [string, RegExp][] = [
    ["{ name: 'x', create () {} }", /kind 'undefined' is none of 'auth', 'event-bus', .*'http'/],
    ["{ kind: 'eventbus', name: 'x', create () {} }", /kind 'eventbus' is none of/],
    ["{ kind: 'constructor', name: 'x', create () {} }", /kind 'constructor' is none of/],
    ["{ kind: 'http', create () {} }", /name 'undefined' must be lower case words joined by '-'/],
    ["{ kind: 'http', name: '../x', create () {} }", /name '\.\.\/x' must be lower case/],
    ["{ kind: 'http', name: 'x' }", /create must be a function/],
    ["{ kind: 'http', name: 'x', create: {} }", /create must be a function/],
    ["{ kind: 'http', name: 'x', description: 5, create () {} }", /description must be text/],
    ["{ kind: 'http', name: 'x', requires: 'auth', create () {} }", /requires must be a list of kinds/],
    ["{ kind: 'http', name: 'x', requires: ['bus'], create () {} }", /requires 'bus', which is none of/],
    ["{ kind: 'http', name: 'x', option: {}, create () {} }", /'option' is not a known member; known are 'kind', 'name'/]
  ]
  manifests.forEach(([manifest, message], index) => {
    expect(`the manifest ${manifest}`, 'MANIFEST', [/^Plugin '\.\/manifest.*' has a wrong manifest: /, message], [file(`manifest-${index}.mjs`, moduleOf(manifest))])
  })
  expect('a schema that does not compile', 'MANIFEST', /'x' .*has an options schema that does not compile: /, [file('schema.mjs', moduleOf("{ kind: 'http', name: 'x', options: { type: 'objekt' }, create () {} }"))])
  expect('another kind than the configuration says', 'MANIFEST', /'plans' .* is of kind 'context-strategy', and the configuration says 'http'/, [{ use: file('plans.mjs', moduleOf(STRATEGY)), kind: 'http' }])

  const options = Type.Object({ list: Type.Array(Type.Object({ deep: Type.Object({ size: Type.Integer({ minimum: 1 }) }, { additionalProperties: false }) })) })
  const strict = builtin('http', 'strict', { isDefault: false, options })
  expect('a wrong option', 'OPTIONS', /^Plugin 'strict' \(built-in, in the test\) was given wrong options: options\.list\.1\.deep\.size: must be >= 1\.$/, [{ use: 'strict', options: { list: [{ deep: { size: 1 } }, { deep: { size: 0 } }] } }], [strict])
  expect('an unknown option', 'OPTIONS', /options\.list\.0\.deep\.sise: 'sise' is not a known member/, [{ use: 'strict', options: { list: [{ deep: { sise: 1, size: 1 } }] } }], [strict])
  expect('a missing option', 'OPTIONS', /options\.list: 'list' is required/, ['strict'], [strict])
  expect('an option where none is taken', 'OPTIONS', /options\.size: 'size' is not a known member/, [{ use: './plans.mjs', options: { size: 1 } }])

  expect('two of a name', 'DUPLICATE', [/^Two plugins of kind context-strategy are named 'plans': /, /\.\/plans\.mjs in a\.json/, /\.\/copy\.mjs in b\.json/], [{ use: './plans.mjs', origin: 'a.json' }, { use: file('copy.mjs', moduleOf(STRATEGY)), origin: 'b.json' }])
  expect('the name of a built-in', 'DUPLICATE', [/\.\/plans\.mjs in the test and built-in\./, /\{ "use": "context-strategy\/plans", "enabled": false \}/], ['./plans.mjs'], [builtin('context-strategy', 'plans')])
  expect('two of a slot', 'DUPLICATE', /^There can be one event-bus, and two are configured: 'wire' \(built-in, in a\.json\) and 'log' \(built-in, in b\.json\)\. Take one out\.$/, [{ use: 'wire', origin: 'a.json' }, { use: 'log', origin: 'b.json' }], [builtin('event-bus', 'wire', { isDefault: false })])

  expect('a requirement of a kind that nobody offers', 'DEPENDENCY', /^Plugin 'http\/a' requires a plugin of kind 'spawner', and none is configured\.$/, [], [builtin('http', 'a', { requires: ['spawner'] })])
  expect('an empty slot', 'DEPENDENCY', /^No plugin of kind 'event-bus' is configured; one is needed\.$/, [{ use: 'log', enabled: false }])
  expect('a circle', 'DEPENDENCY', /in a circle: 'http\/a' → 'spawner\/b' → 'http\/a'\. Take one/, [], [builtin('http', 'a', { requires: ['spawner'] }), builtin('spawner', 'b', { requires: ['http'] })])
  expect('a circle of one', 'DEPENDENCY', /in a circle: 'http\/a' → 'http\/a'\./, [], [builtin('http', 'a', { requires: ['http'] })])
  expect('a slot that was not asked for', 'DEPENDENCY', /^Plugin 'http\/a' asks for 'auth' without naming it in its 'requires'\.$/, [], [builtin('http', 'a', { create: (_options, { get }) => get('auth') })])

  expect('a create that throws', 'CREATE', /^Plugin 'a' \(built-in\) failed in create\(\): no room\.$/, [], [builtin('http', 'a', { create () { throw new Error('no room') } })])
  expect('a create that rejects', 'CREATE', /failed in create\(\): odd\.$/, [], [builtin('http', 'a', { create: async () => await Promise.reject(new Error('odd')) })])

  for (const returned of [undefined, null, 5, 'x', () => {}]) {
    expect(`a create that gives ${String(returned)}`, 'INSTANCE', /^Plugin 'a' \(built-in\) is no http: create\(\) must return an object\.$/, [], [builtin('http', 'a', { create: () => returned })])
  }
  for (const kind of Object.keys(INSTANCES) as PluginKind[]) {
    for (const member of Object.keys(INSTANCES[kind]())) {
      const create = (): object => Object.fromEntries(Object.entries(INSTANCES[kind]()).filter(([name]) => name !== member))
      const message = member === 'satisfies' || member === 'supports' ? new RegExp(`'${member}' must`) : new RegExp(`it lacks ${member}\\(\\)`)
      expect(`a ${kind} without ${member}`, 'INSTANCE', [new RegExp(`Plugin 'partial' .*is no ${kind}: `), message], ['partial'], [builtin(kind, 'partial', { isDefault: false, create })])
    }
  }
  for (const satisfies of [[], 'plans', [5]]) {
    expect(`a strategy that satisfies ${JSON.stringify(satisfies)}`, 'INSTANCE', /'satisfies' must list at least one requirement name/, [], [builtin('context-strategy', 'a', { create: () => ({ satisfies, gather: nothing }) })])
  }

  await writeFiles(base, files)
  for (const [what, code, messages, given, builtins] of faulty) {
    const error = await makeHost(t, given, { builtins: builtins! }).then(() => undefined, (reason: Error) => reason)
    t.match(error, { code }, `${what}: ${error?.message ?? 'no fault'}`)
    for (const message of [messages].flat()) t.match(error?.message, message)
  }
})

t.test('secrets are masked in what is shown, not in what is given', async t => {
  let seen: unknown
  const given = {
    url: 'nats://a:b@host', password: 'p1', apiKey: 'p2', nested: { client_secret: 'p3', tokens: ['p4', { inner: 'p5' }], plain: 'seen' },
    servers: ['https://user:p6@host/path', 'plain'], connectionString: 'p7', database_uri: 'p8', port: 5432, maxTokens: 10, on: true, none: null
  }
  const plugin = builtin('http', 'a', { options: Type.Object({}), create: (options) => { seen = options; return INSTANCES.http() } })
  const { loaded } = await makeHost(t, [{ use: 'a', options: given }], { builtins: [...SLOTS, plugin] })
  t.strictSame(seen, given)
  const shown = loaded.find(({ name }) => name === 'a')!.options
  t.notMatch(JSON.stringify(shown), /p\d/)
  t.match(shown, { nested: { plain: 'seen' }, servers: ['https://•••@host/path', 'plain'], port: 5432, maxTokens: 10, on: true, none: null })
})

t.test('a plugin of another copy of the package is recognised', async t => {
  const plugin = definePlugin({ kind: 'http', name: 'x', create: () => ({ register: nothing }) })
  t.equal(MANIFEST, Symbol.for('cco-sidecar.plugin-manifest'))
  t.match(plugin[MANIFEST], { kind: 'http', name: 'x' })
})
