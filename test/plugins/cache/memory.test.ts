import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import t from 'tap'
import type { CacheEntry, CacheKey } from '../../../core/plugin-api.js'
import { MANIFEST } from '../../../core/plugin-host/define-plugin.js'
import { checkOptions } from '../../../core/plugin-host/manifest.js'
import plugin, { createMemoryCache } from '../../../plugins/cache/memory.js'

const KEY: CacheKey = { project: 'shop', issue: 'issue-1', agentType: 'planner', variant: 'v' }

function entry (bytes: number, text = 'w'): CacheEntry {
  return { body: Buffer.alloc(bytes, text), validator: text, meta: { etag: text } }
}

/** What one entry counts for, found by asking a cache that holds nothing else. */
async function sizeOf (key: CacheKey, of: CacheEntry): Promise<number> {
  const cache = createMemoryCache({ maxBytes: 2 ** 30 })
  await cache.set(key, of)
  return (await cache.stats()).bytes
}

t.test('every part of an entry counts', async (t) => {
  const plain = await sizeOf(KEY, entry(0))
  t.equal(await sizeOf(KEY, entry(1_000)), plain + 1_000)
  for (const changes of [{ project: 'shopshop' }, { issue: 'issue-1234' }, { agentType: 'planners' }, { variant: 'vw' }]) {
    t.ok(await sizeOf({ ...KEY, ...changes }, entry(0)) > plain, Object.keys(changes).join())
  }
  t.ok(await sizeOf(KEY, { ...entry(0), validator: 'w'.repeat(500) }) >= plain + 499)
  t.ok(await sizeOf(KEY, { ...entry(0), meta: { etag: 'w', more: 'x'.repeat(500) } }) >= plain + 500)
})

t.test('the bound is one of memory: what is counted is no less than what the entries take', async (t) => {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as () => void
  const used = (): number => {
    gc()
    const { heapUsed, external } = process.memoryUsage()
    return heapUsed + external
  }
  const cache = createMemoryCache({ maxBytes: 2 ** 30 })
  const before = used()
  for (let number = 0; number < 10_000; number++) {
    await cache.set({ project: `p${number}`, issue: `i${number}`, agentType: `a${number}`, variant: `v${number}` }, entry(100, `w${number}`))
  }
  const taken = used() - before
  const { bytes } = await cache.stats()
  t.ok(taken <= bytes, `${taken} bytes taken, ${bytes} counted`)
  for (let number = 0; number < 10_000; number++) await cache.delete({ project: `p${number}` })
  const kept = used() - before
  t.ok(kept < taken / 3, `${kept} bytes left of ${taken} after all was deleted`)
  // Used to the end, so that the cache itself is not collected before.
  t.equal((await cache.stats()).entries, 0)
})

t.test('what fills nearly all of its memory is kept where it is, and all of that memory counts', async (t) => {
  const cache = createMemoryCache({ maxBytes: 2 ** 20 })
  const memory = Buffer.alloc(100_000, 'x')
  await cache.set(KEY, { ...entry(0), body: memory.subarray(0, 99_000) })
  t.equal((await cache.get(KEY))?.body.buffer, memory.buffer)
  t.equal((await cache.stats()).bytes, await sizeOf(KEY, entry(0)) + 100_000)
  t.equal(await sizeOf(KEY, { ...entry(0), body: memory.subarray(0, 90_000) }), await sizeOf(KEY, entry(0)) + 90_000)
})

t.test('a slice does not keep alive what it was cut from', async (t) => {
  const cache = createMemoryCache({ maxBytes: 2 ** 20 })
  const large = Buffer.alloc(500_000, 'x')
  await cache.set(KEY, { ...entry(0), body: large.subarray(0, 10) })
  const found = await cache.get(KEY)
  t.equal(found?.body.toString(), 'x'.repeat(10))
  t.equal(found?.body.buffer.byteLength, 10)
})

t.test('what was used longest ago gives way, and reading is using', async (t) => {
  const key = (variant: string): CacheKey => ({ ...KEY, variant })
  const size = await sizeOf(key('a'), entry(1_000))
  const cache = createMemoryCache({ maxBytes: 3 * size })
  for (const variant of ['a', 'b', 'c']) await cache.set(key(variant), entry(1_000))
  t.same(await cache.stats(), { entries: 3, bytes: 3 * size, max_bytes: 3 * size })
  await cache.get(key('a'))
  await cache.set(key('d'), entry(1_000))
  t.equal(await cache.get(key('b')), undefined)
  for (const variant of ['a', 'c', 'd']) t.ok(await cache.get(key(variant)), variant)
  await cache.set(key('a'), entry(1_001))
  t.equal((await cache.stats()).entries, 2, 'one byte more costs another its place')
})

t.test('keys that look alike when joined are never mixed', async (t) => {
  const members = ['', 'a', 'b', '/', 'a/b', '\0', 'a\0b', ',', '","', '[]', '__proto__', 'constructor', '\ud800']
  const cache = createMemoryCache({ maxBytes: 2 ** 30 })
  const keys = members.flatMap((project) => members.flatMap((issue) => members.flatMap((agentType) =>
    ['', 'a', '/'].map((variant) => ({ project, issue, agentType, variant })))))
  for (const [index, key] of keys.entries()) await cache.set(key, entry(0, String(index)))
  t.equal((await cache.stats()).entries, keys.length)
  let mixed = 0
  for (const [index, key] of keys.entries()) if ((await cache.get(key))?.validator !== String(index)) mixed++
  t.equal(mixed, 0)
  const { removed } = await cache.delete({ project: '__proto__', issue: '' })
  t.equal(removed, members.length * 3)
  t.equal((await cache.delete({ project: 'never' })).removed, 0)
})

t.test('an agent type without an issue is removed from every issue of the project', async (t) => {
  const cache = createMemoryCache({ maxBytes: 2 ** 20 })
  for (const issue of ['a', 'b']) {
    for (const agentType of ['planner', 'tester']) await cache.set({ ...KEY, issue, agentType }, entry(1))
  }
  await cache.set({ ...KEY, project: 'shop-2' }, entry(1))
  t.equal((await cache.delete({ project: 'shop', agentType: 'planner' })).removed, 2)
  t.equal((await cache.stats()).entries, 3)
})

t.test('close forgets everything and may be called twice', async (t) => {
  const cache = createMemoryCache({ maxBytes: 2 ** 20 })
  await cache.set(KEY, entry(1))
  await cache.close?.()
  await cache.close?.()
  t.match(await cache.stats(), { entries: 0, bytes: 0 })
  t.equal(await cache.get(KEY), undefined)
})

t.test('the plugin has checked options', async (t) => {
  const manifest = plugin[MANIFEST]
  t.match(manifest, { kind: 'context-cache', name: 'memory' })
  t.same(checkOptions(manifest, {}, 'test'), { maxBytes: 1_073_741_824 })
  for (const options of [{ maxBytes: 0 }, { maxBytes: 1.5 }, { max: 1 }]) t.throws(() => checkOptions(manifest, options, 'test'), { code: 'SIDECAR_ERR_PLUGIN_OPTIONS' })
})

interface Modelled {
  key: CacheKey
  body: number
  size: number
  validator: string
}

const sameKey = (one: CacheKey, other: CacheKey): boolean => JSON.stringify(one) === JSON.stringify(other)

t.test('whatever is set, read and deleted, the cache is that of a plain list in order of use', async (t) => {
  const name = fc.constantFrom('a', 'a/b')
  const key = fc.record({ project: name, issue: name, agentType: name, variant: name })
  const command = fc.oneof(
    { weight: 5, arbitrary: fc.record({ set: key, body: fc.integer({ min: 0, max: 12_000 }) }) },
    { weight: 3, arbitrary: fc.record({ get: key }) },
    { weight: 1, arbitrary: fc.record({ delete: fc.record({ project: name, issue: name, agentType: name }, { requiredKeys: ['project'] }) }) }
  )
  const maxBytes = 40_000
  const base = await sizeOf({ project: '', issue: '', agentType: '', variant: '' }, { body: Buffer.alloc(0), validator: '', meta: {} })
  const seen = { evicted: 0, refused: 0, hits: 0, deleted: 0 }
  await fc.assert(fc.asyncProperty(fc.array(command, { minLength: 20, maxLength: 80, size: 'max' }), async (commands) => {
    const cache = createMemoryCache({ maxBytes })
    // Used longest ago first.
    let model: Modelled[] = []
    for (const [number, each] of commands.entries()) {
      if ('set' in each) {
        const validator = String(number)
        const characters = Object.values(each.set).join('').length + validator.length
        // Some larger than the whole cache.
        const body = each.body > 11_000 ? maxBytes : each.body
        const size = base + body + 2 * characters
        model = model.filter((held) => !sameKey(held.key, each.set))
        if (size > maxBytes) seen.refused++
        else {
          while (model.reduce((sum, held) => sum + held.size, size) > maxBytes) {
            model.shift()
            seen.evicted++
          }
          model.push({ key: each.set, body, size, validator })
        }
        await cache.set(each.set, { body: Buffer.alloc(body), validator, meta: {} })
      } else if ('get' in each) {
        const held = model.find((one) => sameKey(one.key, each.get))
        const found = await cache.get(each.get)
        if (found?.validator !== held?.validator || found?.body.length !== held?.body) throw new Error(`get gave ${found?.validator} instead of ${held?.validator}`)
        if (held === undefined) continue
        seen.hits++
        model = [...model.filter((one) => one !== held), held]
      } else {
        const scope = Object.entries(each.delete) as [keyof CacheKey, string][]
        const gone = model.filter((held) => scope.every(([member, value]) => held.key[member] === value))
        model = model.filter((held) => !gone.includes(held))
        seen.deleted += gone.length
        const expected = { removed: gone.length, bytes: gone.reduce((sum, held) => sum + held.size, 0) }
        const outcome = await cache.delete(each.delete)
        if (JSON.stringify(outcome) !== JSON.stringify(expected)) throw new Error(`delete gave ${JSON.stringify(outcome)} instead of ${JSON.stringify(expected)}`)
      }
      const stats = await cache.stats()
      const bytes = model.reduce((sum, held) => sum + held.size, 0)
      if (stats.entries !== model.length || stats.bytes !== bytes || bytes > maxBytes) throw new Error(`stats are ${JSON.stringify(stats)} instead of ${model.length} entries, ${bytes} bytes`)
    }
  }), { seed: 20260101, numRuns: 300 })
  for (const [what, count] of Object.entries(seen)) t.ok(count > 100, `${what}: ${count} times`)
})
