import assert from 'node:assert/strict'
import type { CacheEntry, CacheKey, ContextCache } from '../contracts/context-cache.js'
import { contractTest, lifecycleTests, type ContractFactory, type ContractOptions, type ContractSubject, type ContractTest } from './contract-test.js'
import type { TestFunction } from './runner.js'
import { AWKWARD_NAMES } from './samples.js'

export interface ContextCacheContract {
  test: TestFunction
  /** A cache that holds at least 1 MiB: too small a one may forget what a test has just set. */
  create: ContractFactory<ContextCache>
  /** A cache of 16 KiB to 1 MiB (its `stats().max_bytes`). Without it nothing is said about its bound. */
  createSmall?: (options: ContractOptions) => Promise<ContractSubject<ContextCache>>
}

type CacheTest = ContractTest<ContractSubject<ContextCache>>

const KEY: CacheKey = { project: 'shop', issue: 'issue-1', agentType: 'test-engineer', variant: 'v1' }

function key (changes: Partial<CacheKey> = {}): CacheKey {
  return { ...KEY, ...changes }
}

function entry (text: string): CacheEntry {
  return { body: Buffer.from(text), validator: `validator of ${text}`, meta: { etag: `"${text}"` } }
}

function textOf (found: CacheEntry | undefined): string | undefined {
  return found?.body.toString()
}

/**
 * Registers the tests that every context cache passes. An entry's `body` is handed over, not copied: neither side
 * writes into it afterwards, and the suite does not either.
 */
export function contextCacheContract ({ test, create, createSmall }: ContextCacheContract): void {
  const check = contractTest(test, create)
  lifecycleTests(check)
  entryTests(check)
  keyTests(check)
  deleteTests(check)
  statsTests(check)
  if (createSmall !== undefined) boundTests(contractTest(test, createSmall))
}

function entryTests (check: CacheTest): void {
  check('what was never set is undefined', async ({ instance: cache }) => {
    assert.equal(await cache.get(KEY), undefined)
    await cache.set(KEY, entry('a'))
    assert.equal(await cache.get(key({ variant: 'v2' })), undefined)
  })

  check('an entry comes back byte for byte, with its validator and meta', async ({ instance: cache }) => {
    const body = Buffer.from(Array.from({ length: 512 }, (_, index) => index % 256))
    const meta = { etag: '"é世🌍"', empty: '', constructor: 'x' }
    await cache.set(KEY, { body: Buffer.from(body), validator: 'Größe\u0000\n', meta: { ...meta } })
    const found = await cache.get(KEY)
    assert.ok(Buffer.isBuffer(found?.body))
    assert.deepEqual(found, { body, validator: 'Größe\u0000\n', meta })
    await cache.set(KEY, { body: Buffer.alloc(0), validator: '', meta: {} })
    assert.deepEqual(await cache.get(KEY), { body: Buffer.alloc(0), validator: '', meta: {} })
  })

  check('setting a key again replaces its entry', async ({ instance: cache }) => {
    await cache.set(KEY, entry('first'))
    await cache.set(KEY, entry('second'))
    assert.deepEqual(await cache.get(KEY), entry('second'))
    assert.equal((await cache.stats()).entries, 1)
  })

  check('changing an entry that was given or returned changes nothing cached', async ({ instance: cache }) => {
    const given = entry('a')
    await cache.set(KEY, given)
    given.validator = 'changed'
    given.meta.etag = 'changed'
    const found = await cache.get(KEY)
    assert.deepEqual(found, entry('a'))
    found!.validator = 'changed'
    found!.meta.etag = 'changed'
    assert.deepEqual(await cache.get(KEY), entry('a'))
  })
}

function keyTests (check: CacheTest): void {
  check('keys are never mixed', async ({ instance: cache }) => {
    const keys = [
      KEY, key({ project: 'shop-2' }), key({ issue: 'issue-10' }), key({ agentType: 'test-engineer-lead' }), key({ variant: 'v10' }), key({ variant: '' }),
      ...AWKWARD_NAMES.flatMap((name) => [key({ project: name }), key({ issue: name }), key({ agentType: name }), key({ variant: name })]),
      ...[['a', 'b-c', 'd'], ['a-b', 'c', 'd'], ['a', 'b', 'c-d'], ['a.b', 'c', 'd'], ['a', 'b.c', 'd'], ['a_b', 'c', 'd']]
        .map(([project, issue, agentType]) => key({ project: project!, issue: issue!, agentType: agentType! })),
      ...['x:y', 'x/y', 'x|y', 'x\u0000y', '{"x":1}', 'x,y', ' ', '*', '世'].map((variant) => key({ variant })),
      key({ agentType: 'test', variant: 'engineer:v1' }), key({ agentType: 'test-engineer', variant: 'x' })
    ]
    const distinct = [...new Map(keys.map((each) => [JSON.stringify(each), each])).values()]
    await Promise.all(distinct.map((each) => cache.set(each, entry(JSON.stringify(each)))))
    for (const each of distinct) assert.equal(textOf(await cache.get(each)), JSON.stringify(each))
  })
}

function deleteTests (check: CacheTest): void {
  // Neighbours that begin alike, and those that share a part.
  const all = ['shop', 'shop-2'].flatMap((project) => ['issue-1', 'issue-10'].flatMap((issue) =>
    ['qa', 'qa-lead'].flatMap((agentType) => ['v1', 'v2'].map((variant) => ({ project, issue, agentType, variant })))))

  const scopes = [
    ['a project', { project: 'shop' }],
    ['an issue', { project: 'shop', issue: 'issue-1' }],
    ['an agent type of an issue', { project: 'shop', issue: 'issue-1', agentType: 'qa' }]
  ] as const

  for (const [what, scope] of scopes) {
    check(`delete of ${what} removes all of it and nothing beside it`, async ({ instance: cache }) => {
      const within = (each: CacheKey): boolean => Object.entries(scope).every(([member, value]) => each[member as keyof CacheKey] === value)
      for (const each of all) await cache.set(each, entry(JSON.stringify(each)))
      const before = await cache.stats()
      const { removed, bytes } = await cache.delete(scope)
      assert.equal(removed, all.filter(within).length)
      assert.ok(bytes >= all.filter(within).reduce((sum, each) => sum + JSON.stringify(each).length, 0), 'bytes are at least those of the bodies')
      for (const each of all) assert.equal(textOf(await cache.get(each)), within(each) ? undefined : JSON.stringify(each))
      const after = await cache.stats()
      assert.deepEqual({ entries: after.entries, bytes: after.bytes }, { entries: before.entries - removed, bytes: before.bytes - bytes })
      assert.deepEqual(await cache.delete(scope), { removed: 0, bytes: 0 }, 'a second time there is nothing')
    })
  }

  check('delete of what is not there removes nothing', async ({ instance: cache }) => {
    await cache.set(KEY, entry('a'))
    for (const scope of [{ project: 'sho' }, { project: 'shop', issue: 'issue' }, { project: 'shop', issue: 'issue-1', agentType: 'test' }, { project: '*' }]) {
      assert.deepEqual(await cache.delete(scope), { removed: 0, bytes: 0 })
    }
    assert.deepEqual(await cache.get(KEY), entry('a'))
  })

  check('what was deleted can be set again', async ({ instance: cache }) => {
    await cache.set(KEY, entry('first'))
    await cache.delete({ project: KEY.project })
    await cache.set(KEY, entry('second'))
    assert.deepEqual(await cache.get(KEY), entry('second'))
    assert.equal((await cache.delete({ project: KEY.project, issue: KEY.issue })).removed, 1)
  })
}

function statsTests (check: CacheTest): void {
  check('stats count entries and bytes, and follow replacing and deleting', async ({ instance: cache }) => {
    const empty = await cache.stats()
    assert.deepEqual({ entries: empty.entries, bytes: empty.bytes }, { entries: 0, bytes: 0 })
    assert.ok(empty.max_bytes > 0)
    await cache.set(KEY, { ...entry('a'), body: Buffer.alloc(5_000) })
    await cache.set(key({ issue: 'issue-2' }), { ...entry('a'), body: Buffer.alloc(3_000) })
    const two = await cache.stats()
    assert.equal(two.entries, 2)
    assert.ok(two.bytes >= 8_000 && two.bytes <= two.max_bytes)
    await cache.set(KEY, entry('a'))
    const replaced = await cache.stats()
    assert.equal(replaced.entries, 2)
    assert.ok(replaced.bytes <= two.bytes - 4_000, 'what was replaced no longer counts')
    await cache.delete({ project: KEY.project })
    assert.deepEqual(await cache.stats(), empty)
  })
}

function boundTests (check: CacheTest): void {
  check('bound: the cache stays within its bytes and keeps what was set last', async ({ instance: cache }) => {
    const { max_bytes: max } = await cache.stats()
    for (let number = 0; number < 40; number++) {
      const text = `${number} ${'x'.repeat(Math.floor(max / 10))}`
      await cache.set(key({ issue: `issue-${number}` }), { ...entry('a'), body: Buffer.from(text) })
      assert.equal(textOf(await cache.get(key({ issue: `issue-${number}` }))), text)
      const stats = await cache.stats()
      assert.ok(stats.bytes <= max, `${stats.bytes} bytes of at most ${max}`)
    }
    assert.ok((await cache.stats()).entries >= 2, 'the bound is used, not emptied')
  })

  check('bound: an entry larger than the whole cache is no error, is not kept and harms no other', async ({ instance: cache }) => {
    const { max_bytes: max } = await cache.stats()
    await cache.set(key({ issue: 'issue-2' }), entry('small'))
    await cache.set(KEY, entry('old'))
    await cache.set(KEY, { ...entry('a'), body: Buffer.alloc(max + 1) })
    assert.equal(await cache.get(KEY), undefined, 'neither the new entry nor the one that it was to replace')
    assert.equal(textOf(await cache.get(key({ issue: 'issue-2' }))), 'small')
  })
}
