import t from 'tap'
import { createContextService, type ContextQuery, type ContextService } from '../../../core/context/context.js'
import type { CacheEntry, ContextCache, ContextItem, ResultStore } from '../../../core/contracts/index.js'
import { createProfileSet } from '../../../core/profiles/profiles.js'
import { readMetadata } from '../../../core/project/metadata.js'
import type { Project } from '../../../core/project/project.js'
import type { ProjectWorker } from '../../../core/project/worker/client.js'
import { createProjectView, createSampleProfile, createTestClock, silentLog } from '../../../core/testing/index.js'

/** A service over a project in memory, whose one strategy waits until it is let go on. */
function setUp () {
  const clock = createTestClock()
  const entries = new Map<string, CacheEntry>()
  const cache = { get: async (key) => entries.get(JSON.stringify(key)), set: async (key, entry) => { entries.set(JSON.stringify(key), entry) } } as ContextCache
  const store = { getIssue: async () => undefined, list: async () => ({ results: [] }), get: async () => undefined } as unknown as ResultStore
  const worker = {
    redact: async (texts) => texts.map((text) => ({ text, count: 0 }))
  } as ProjectWorker
  const gate = { calls: 0, answer: async (): Promise<ContextItem[]> => [] }
  const strategies = new Map([['tests', { satisfies: ['test-files'], gather: async () => { gate.calls++; return await gate.answer() } }]])
  const profiles = createProfileSet([createSampleProfile()], [], true, strategies)
  const disk = { fingerprint: 'one' }
  const project: Project = {
    id: 'p',
    root: '/p',
    readAhead: async () => 0,
    async now () {
      const metadata = await readMetadata(createProjectView())
      return {
        ...createProjectView(), fingerprint: disk.fingerprint, secretFiles: [], unreadableNames: 0, git: async () => undefined, prepare: async () => [],
        select: async () => ({ hasRoom: true, json: new Uint8Array(), tokens: 0, tokensAround: [0, 0, 0], files: [], scores: [], refused: [], redactions: [], unindexed: 0 }),
        metadata: async () => metadata
      }
    }
  }
  const service: ContextService = createContextService({ cache, store, strategies, worker, timeoutMs: 5000, maxBuilds: 3, maxQueue: 100, clock, log: silentLog })
  const query: ContextQuery = { issueId: 'i', agentType: 'test-engineer', maxBytes: 100_000, maxTokens: null, requirements: [], fresh: false, explain: false }
  const ask = async (more: Partial<ContextQuery> = {}, ifNoneMatch?: string) => await askAs({ ...query, ...more }, ifNoneMatch)
  const askAs = async (asked: ContextQuery, ifNoneMatch?: string, by = profiles) => {
    const { body, etag } = await service.get(project, by, asked, ifNoneMatch)
    return { etag, body: body === undefined ? undefined : JSON.parse(body.toString()) as { cache_hit: boolean } }
  }
  /** Holds every gathering from now on until the returned function is called. */
  const hold = (): (() => void) => {
    let release = (): void => {}
    const held = new Promise<void>((resolve) => { release = resolve })
    gate.answer = async () => { await held; return [] }
    return release
  }
  return { ask, askAs, query, strategies, hold, gate, disk, clock, service }
}

/** Everything in this test is ready after a few turns of the loop. */
const settled = async (): Promise<void> => { for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve)) }

t.test('concurrent equal requests build once', async t => {
  const { ask, hold, gate, service } = setUp()
  const release = hold()
  const asked = Array.from({ length: 20 }, async () => await ask())
  await settled()
  t.equal(gate.calls, 1)
  const [other, another] = [ask({ task: 'other' }), ask({ maxBytes: 50_000 })]
  await settled()
  t.equal(gate.calls, 3, 'and others do not wait for them')
  release()
  const answers = await Promise.all(asked)
  t.equal(new Set(answers.map(({ etag }) => etag)).size, 1)
  t.equal(new Set([...answers, await other, await another].map(({ etag }) => etag)).size, 3)
  t.ok(answers.every(({ body }) => body?.cache_hit === false))
  t.match(await ask(), { body: { cache_hit: true } })
  t.strictSame(service.statistics(), { hits: 1, misses: 22 })
})

t.test('fresh ones share with each other, not with the others', async t => {
  const { ask, hold, gate } = setUp()
  await ask()
  const release = hold()
  const asked = Array.from({ length: 5 }, async () => await ask({ fresh: true }))
  t.match(await ask(), { body: { cache_hit: true } })
  await settled()
  t.equal(gate.calls, 2)
  release()
  await Promise.all(asked)
})

t.test('a request that comes after a change does not join a build from before it', async t => {
  const { ask, hold, gate, disk } = setUp()
  const release = hold()
  const before = ask()
  await settled()
  disk.fingerprint = 'two'
  const after = ask()
  await settled()
  t.equal(gate.calls, 2)
  release()
  t.not((await before).etag, (await after).etag)
  t.match(await ask(), { etag: (await after).etag }, 'nor does its answer stay in the cache for longer than it is true')
})

t.test('a build that failed is tried again', async t => {
  const { ask, gate } = setUp()
  gate.answer = async () => { throw new Error('not now') }
  await Promise.all([t.rejects(ask(), { code: 'CTX_001' }), t.rejects(ask(), { code: 'CTX_001' })])
  t.equal(gate.calls, 1)
  gate.answer = async () => []
  t.match(await ask(), { body: { cache_hit: false } })
})

t.test('what changed in the last day is a matter of time', async t => {
  const { ask, clock } = setUp()
  const { etag } = await ask()
  clock.advance(59 * 60_000)
  t.match(await ask(), { etag, body: { cache_hit: true } })
  clock.advance(60_000)
  t.match(await ask(), { body: { cache_hit: false } })
  t.equal((await ask({}, etag)).body?.cache_hit, true, 'a tag of the hour before is none of now')
})

t.test('a query that is given again is answered as another of the same words', async t => {
  const { ask, askAs, query, strategies, disk, clock } = setUp()
  const { etag } = await ask()
  t.match(await askAs(query), { etag, body: { cache_hit: true } })
  t.match(await askAs(query, etag), { etag, body: undefined })
  disk.fingerprint = 'two'
  const edited = await askAs(query, etag)
  t.equal(edited.body?.cache_hit, false)
  t.equal(edited.etag, (await ask()).etag)
  clock.advance(60 * 60_000)
  t.equal((await askAs(query, edited.etag)).body?.cache_hit, false, 'in another hour')
  const sample = createSampleProfile()
  const others = createProfileSet([{ ...sample, context: { ...sample.context, max_tokens: 1000 } }], [], true, strategies)
  t.equal((await askAs(query, (await askAs(query)).etag, others)).body?.cache_hit, false, 'with another profile')
})
