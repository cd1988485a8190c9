import t from 'tap'
import type { CacheEntry, CacheKey, ContextCache } from '../../../core/contracts/index.js'
import { contextCacheContract, type TestFunction } from '../../../core/testing/index.js'
import { failureIn, failuresOf } from './suite-run.js'

type Held = Map<string, { key: CacheKey, entry: CacheEntry }>

interface Fault {
  name: string
  fails: string
  breaks (cache: ContextCache, held: Held): Partial<ContextCache>
}

function sizeOf ({ body, validator, meta }: CacheEntry): number {
  return body.length + validator.length + JSON.stringify(meta).length
}

function copyOf ({ body, validator, meta }: CacheEntry): CacheEntry {
  return { body, validator, meta: { ...meta } }
}

function nameOf ({ project, issue, agentType, variant }: CacheKey): string {
  return JSON.stringify([project, issue, agentType, variant])
}

/** A correct cache that drops what was set first. */
function createFakeCache (held: Held, maxBytes: number): ContextCache {
  const bytes = (): number => [...held.values()].reduce((sum, { entry }) => sum + sizeOf(entry), 0)
  return {
    async get (key) {
      const found = held.get(nameOf(key))
      return found && copyOf(found.entry)
    },
    async set (key, entry) {
      held.delete(nameOf(key))
      if (sizeOf(entry) > maxBytes) return
      held.set(nameOf(key), { key, entry: copyOf(entry) })
      while (bytes() > maxBytes) held.delete(held.keys().next().value!)
    },
    async delete ({ project, issue, agentType }) {
      const before = { removed: held.size, bytes: bytes() }
      for (const [name, { key }] of held) {
        if (key.project === project && key.issue === (issue ?? key.issue) && key.agentType === (agentType ?? key.agentType)) held.delete(name)
      }
      return { removed: before.removed - held.size, bytes: before.bytes - bytes() }
    },
    stats: async () => ({ entries: held.size, bytes: bytes(), max_bytes: maxBytes })
  }
}

function suiteOver (fault?: Fault): (test: TestFunction) => void {
  const create = (maxBytes: number) => async () => {
    const held: Held = new Map()
    const cache = createFakeCache(held, maxBytes)
    return { instance: { ...cache, ...fault?.breaks(cache, held) }, dispose: async () => {} }
  }
  return (test) => contextCacheContract({ test, create: create(2 ** 24), createSmall: create(2 ** 16) })
}

/** A cache whose keys lose something on their way. */
function withKey (change: (key: CacheKey) => CacheKey) {
  return (cache: ContextCache): Partial<ContextCache> => ({ get: (key) => cache.get(change(key)), set: (key, entry) => cache.set(change(key), entry) })
}

const faults: Fault[] = [
  { name: 'drops a write', fails: 'setting a key again replaces its entry', breaks: (cache) => { let sets = 0; return { async set (key, entry) { if (++sets !== 2) await cache.set(key, entry) } } } },
  { name: 'forgets the project', fails: 'keys are never mixed', breaks: withKey((key) => ({ ...key, project: 'all' })) },
  { name: 'joins keys', fails: 'keys are never mixed', breaks: withKey(({ project, issue, agentType, variant }) => ({ project: `${project}-${issue}-${agentType}`, issue: '', agentType: '', variant })) },
  { name: 'forgets the variant', fails: 'what was never set is undefined', breaks: withKey((key) => ({ ...key, variant: '' })) },
  { name: 'throws on what is missing', fails: 'what was never set is undefined', breaks: (cache) => ({ async get (key) { const found = await cache.get(key); if (found === undefined) throw new Error('no such entry'); return found } }) },
  { name: 'returns live references', fails: 'changing an entry that was given or returned changes nothing cached', breaks: (cache, held) => ({ async get (key) { return held.get(nameOf(key))?.entry } }) },
  { name: 'keeps bodies as text', fails: 'an entry comes back byte for byte, with its validator and meta', breaks: (cache) => ({ set: (key, entry) => cache.set(key, { ...entry, body: Buffer.from(entry.body.toString()) }) }) },
  { name: 'deletes the issue in every project', fails: 'delete of an issue removes all of it and nothing beside it', breaks: (cache, held) => ({ async delete (scope) { let removed = 0; let bytes = 0; for (const project of new Set([...held.values()].map(({ key }) => key.project))) { const part = await cache.delete({ ...scope, project }); removed += part.removed; bytes += part.bytes } return { removed, bytes } } }) },
  { name: 'deletes by prefix', fails: 'delete of a project removes all of it and nothing beside it', breaks: (cache, held) => ({ async delete (scope) { let removed = 0; let bytes = 0; for (const { key } of [...held.values()].filter(({ key }) => key.project.startsWith(scope.project))) { const part = await cache.delete({ ...scope, project: key.project }); removed += part.removed; bytes += part.bytes } return { removed, bytes } } }) },
  { name: 'forgets the agent type when deleting', fails: 'delete of an agent type of an issue removes all of it and nothing beside it', breaks: (cache) => ({ delete: ({ agentType, ...scope }) => cache.delete(scope) }) },
  { name: 'counts what was replaced', fails: 'stats count entries and bytes, and follow replacing and deleting', breaks: (cache) => { let bytes = 0; return { async set (key, entry) { bytes += sizeOf(entry); await cache.set(key, entry) }, stats: async () => ({ ...await cache.stats(), bytes }) } } },
  { name: 'grows without bound', fails: 'bound: the cache stays within its bytes and keeps what was set last', breaks: (_, held) => { const endless = createFakeCache(held, Infinity); return { set: endless.set } } },
  { name: 'empties itself for what never fits', fails: 'bound: an entry larger than the whole cache is no error, is not kept and harms no other', breaks: (cache, held) => ({ async set (key, entry) { if (entry.body.length > 2 ** 16) held.clear(); await cache.set(key, entry) } }) },
  { name: 'keeps the outdated entry when the new one does not fit', fails: 'bound: an entry larger than the whole cache is no error, is not kept and harms no other', breaks: (cache) => ({ async set (key, entry) { if (entry.body.length <= 2 ** 16) await cache.set(key, entry) } }) }
]

t.test('a correct cache passes the whole suite', async (t) => {
  t.strictSame(await failuresOf(suiteOver()), [])
})

for (const fault of faults) {
  t.test(`a cache that ${fault.name} fails '${fault.fails}'`, async (t) => {
    t.type(await failureIn(fault.fails, suiteOver(fault)), 'string')
  })
}
