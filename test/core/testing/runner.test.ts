import nodeTest from 'node:test'
import t from 'tap'
import { Type } from 'typebox'
import { codeOf, messageOf } from '../../../core/errors.js'
import { definePlugin, type SidecarPlugin } from '../../../core/plugin-host/define-plugin.js'
import {
  collectTests, contextCacheContract, createFromPlugin, createPluginContext, createSampleProfile, createSampleProject, createTestClock,
  eventually, rejectsWith, SAMPLE_RESULTS, TEST_TIME, within, type TestFunction, type TestOutcome
} from '../../../core/testing/index.js'
import { createFakeStore } from './fakes/result-store.js'

t.test('collectTests', async (t) => {
  t.test('runs in order, one after the other, and reports each', async (t) => {
    const collection = collectTests()
    const order: string[] = []
    const heard: TestOutcome[] = []
    collection.test('first', async () => { await new Promise((resolve) => setTimeout(resolve, 20)); order.push('first') })
    collection.test('second', () => { order.push('second') })
    collection.test('third', () => { throw new Error('on purpose') })
    t.strictSame(order, [], 'nothing runs before run()')
    const outcomes = await collection.run({ onOutcome: (outcome) => heard.push(outcome) })
    t.strictSame(order, ['first', 'second'])
    t.strictSame(outcomes.map(({ name, ok }) => [name, ok]), [['first', true], ['second', true], ['third', false]])
    t.strictSame(heard, outcomes)
    t.ok(outcomes[0]!.duration_ms >= 15)
    t.equal(messageOf(outcomes[2]!.error), 'on purpose')
    t.notOk('error' in outcomes[0]!)
  })

  t.test('gives up on a test that does not end and goes on', async (t) => {
    const collection = collectTests()
    collection.test('hangs', () => new Promise(() => {}))
    collection.test('follows', () => {})
    const [hangs, follows] = await collection.run({ timeoutMs: 30 })
    t.match(messageOf(hangs!.error), /within 30 ms/)
    t.ok(follows!.ok)
  })
})

t.test('the runners of node-tap and of node:test fit without a wrapper', async (t) => {
  const runners: TestFunction[] = [t.test, nodeTest, collectTests().test]
  t.equal(runners.length, 3)
  const create = async (): Promise<never> => { throw new Error('only the names are registered') }
  const names: string[] = []
  contextCacheContract({ test: (name) => names.push(name), create })
  t.equal(new Set(names).size, names.length, 'names are distinct')
})

t.test('a failing body is reported before a failing close or dispose', async (t) => {
  const collection = collectTests()
  contextCacheContract({
    test: collection.test,
    create: async () => ({
      instance: { get: async () => { throw new Error('broken get') }, set: async () => {}, delete: async () => ({ removed: 0, bytes: 0 }), stats: async () => ({ entries: 0, bytes: 0, max_bytes: 1 }), close: async () => { throw new Error('broken close') } },
      dispose: async () => { throw new Error('broken dispose') }
    })
  })
  const outcomes = await collection.run()
  t.equal(messageOf(outcomes.find(({ name }) => name === 'what was never set is undefined')!.error), 'broken get')
  t.match(messageOf(outcomes.find(({ name }) => name.startsWith('opens'))!.error), /broken close/)
})

t.test('expectations', async (t) => {
  await eventually(() => true, 'holds')
  await t.rejects(eventually(() => false, 'it holds', 20), /within 20 ms: it holds/)
  t.equal(await within(1_000, Promise.resolve(1), 'resolves'), 1)
  await t.rejects(within(20, new Promise(() => {}), 'it resolves'), /within 20 ms: it resolves/)
  const coded = Object.assign(new Error('x'), { code: 'VAL_001' })
  await rejectsWith('VAL_001', () => Promise.reject(coded), 'this')
  await rejectsWith('VAL_001', () => { throw coded }, 'a throw')
  await t.rejects(rejectsWith('VAL_001', async () => 7, 'this'), /this must be refused with VAL_001, and gave 7/)
  await t.rejects(rejectsWith('STR_001', () => Promise.reject(coded), 'this'), /this must be refused with STR_001/)
})

t.test('the clock moves only when told', async (t) => {
  const clock = createTestClock()
  t.equal(clock(), TEST_TIME)
  clock.advance(5)
  clock.advance(-2)
  t.equal(clock(), TEST_TIME + 3)
  clock.set(7)
  t.equal(clock(), 7)
})

t.test('the sample project is a valid view', async (t) => {
  const project = createSampleProject()
  t.ok(project.files.length >= 25)
  t.strictSame(project.files.map(({ path }) => path), project.files.map(({ path }) => path).sort())
  t.equal(await project.read('assets/logo.png'), undefined)
  t.equal(await project.read('constructor'), undefined)
  t.match(await project.read('README.md'), /Sample shop/)
  const paths = new Set(project.files.map(({ path }) => path))
  for (const { files_changed: changed } of await project.commits(10)) for (const path of changed) t.ok(paths.has(path), path)
  for (const { path } of await project.changes()) t.ok(paths.has(path), path)
  t.equal((await project.commits(1)).length, 1)
  t.ok(SAMPLE_RESULTS.every(({ id }) => /^res_[0-9A-Z]{26}$/.test(id)))
  t.strictSame(SAMPLE_RESULTS.map(({ id }) => id), SAMPLE_RESULTS.map(({ id }) => id).sort().reverse())
})

t.test('harness', async (t) => {
  const store = createFakeStore()
  const context = createPluginContext({ storage: '/nowhere', clock: createTestClock(), slots: { 'result-store': store }, profiles: [createSampleProfile()] })

  t.test('gives a plugin its context and checked options', async (t) => {
    const seen: unknown[] = []
    const plugin = definePlugin({
      kind: 'context-strategy',
      name: 'plans',
      requires: ['result-store'],
      options: Type.Object({ maxPlans: Type.Integer({ default: 5 }) }),
      create (options, { get, sidecar, app, storage }) {
        seen.push(options, get('result-store') === store, sidecar.profile('shop', 'test-engineer')?.id, sidecar.profile('shop', 'x'), typeof app.register, storage)
        return { satisfies: ['plans'], gather: async () => [] }
      }
    })
    const strategy = await createFromPlugin<'context-strategy'>(plugin, {}, context)
    t.strictSame(strategy.satisfies, ['plans'])
    t.strictSame(seen, [{ maxPlans: 5 }, true, 'test-engineer', undefined, 'function', '/nowhere'])
    await t.rejects(createFromPlugin(plugin, { maxPlans: 'many' }, context), { code: 'SIDECAR_ERR_PLUGIN_OPTIONS' })
  })

  t.test('refuses what the host would refuse', async (t) => {
    const lacking = definePlugin({ kind: 'context-cache', name: 'lacking', create: () => ({ get: async () => undefined }) as never })
    await t.rejects(createFromPlugin(lacking, {}, context), { code: 'SIDECAR_ERR_PLUGIN_INSTANCE' })
    await t.rejects(createFromPlugin(lacking, { unknown: 1 }, context), { code: 'SIDECAR_ERR_PLUGIN_OPTIONS' })
    await t.rejects(createFromPlugin((() => {}) as unknown as SidecarPlugin, {}, context), { code: 'SIDECAR_ERR_PLUGIN_MANIFEST' })
    const undeclared = definePlugin({ kind: 'spawner', name: 'undeclared', create (_, { get }) { get('result-store'); return { supports: { adopt: false, signs: 'none' as const }, start: async () => { throw new Error('no') } } } })
    await t.rejects(createFromPlugin(undeclared, {}, context), { code: 'SIDECAR_ERR_PLUGIN_DEPENDENCY' })
    t.throws(() => context.get('auth'), { code: 'SIDECAR_ERR_PLUGIN_DEPENDENCY' })
    t.equal(codeOf(undefined), undefined)
  })
})
