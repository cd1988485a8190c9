import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { Clock } from '../../core/contracts/index.js'
import { MANIFEST, type PluginInstances, type PluginKind, type SidecarPlugin } from '../../core/plugin-host/define-plugin.js'
import {
  authContract, contextCacheContract, contextStrategyContract, createFromPlugin, createPluginContext,
  eventBusContract, resultStoreContract, spawnerContract, type ContractSubject
} from '../../core/testing/index.js'
import jwks from '../../plugins/auth/jwks/index.js'
import jwt from '../../plugins/auth/jwt/index.js'
import memoryCache from '../../plugins/cache/memory.js'
import journal from '../../plugins/events/journal/index.js'
import memoryBus from '../../plugins/events/memory.js'
import processSpawner from '../../plugins/spawners/process.js'
import files from '../../plugins/storage/files/index.js'
import memoryStore from '../../plugins/storage/memory.js'
import { startIssuer } from '../support/issuer.js'

type Factory<Kind extends PluginKind> = (options: { clock: Clock }) => Promise<ContractSubject<PluginInstances[Kind]>>

/** Over a storage folder of its own, which goes with the subject. */
function factory<Kind extends PluginKind> (plugin: SidecarPlugin, options: Record<string, unknown> = {}): Factory<Kind> {
  return async ({ clock }) => {
    const storage = await mkdtemp(join(tmpdir(), 'cco-contract-'))
    const make = (): Promise<PluginInstances[Kind]> => createFromPlugin<Kind>(plugin, options, createPluginContext({ storage, clock }))
    return { instance: await make(), reopen: make, dispose: () => rm(storage, { recursive: true, force: true }) }
  }
}

function nameOf (plugin: SidecarPlugin): string {
  return `${plugin[MANIFEST].kind}/${plugin[MANIFEST].name}`
}

for (const plugin of [journal, memoryBus]) {
  t.test(nameOf(plugin), async (t) => {
    const small = factory<'event-bus'>(plugin, { retentionCount: 10 })
    eventBusContract({ test: t.test, create: factory<'event-bus'>(plugin), createSmall: async (options) => ({ ...await small(options), retained: 10 }) })
  })
}

for (const plugin of [files, memoryStore]) {
  t.test(nameOf(plugin), async (t) => resultStoreContract({ test: t.test, create: factory<'result-store'>(plugin) }))
}

t.test(nameOf(memoryCache), async (t) => {
  contextCacheContract({ test: t.test, create: factory<'context-cache'>(memoryCache), createSmall: factory<'context-cache'>(memoryCache, { maxBytes: 2 ** 18 }) })
})

t.test(nameOf(jwt), async (t) => authContract({ test: t.test, create: factory<'auth'>(jwt) }))

t.test(nameOf(jwks), async (t) => {
  const issuer = await startIssuer(t)
  authContract({
    test: t.test,
    async create ({ clock }) {
      const subject = await factory<'auth'>(jwks, { issuer: issuer.name, audience: ['cco-agents'], jwksUrl: issuer.url })({ clock })
      return { ...subject, reopen: subject.reopen!, mint: async (identity, { ttlSeconds }) => issuer.mint(clock, identity, ttlSeconds) }
    }
  })
})

t.test(nameOf(processSpawner), async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'cco-contract-'))
  t.teardown(() => rm(directory, { recursive: true, force: true }))
  spawnerContract({
    test: t.test,
    directory,
    create: async ({ clock, directory: storage, command }) => ({
      instance: await createFromPlugin<'spawner'>(processSpawner, { command: command.map((word) => `"${word}"`).join(' ') }, createPluginContext({ storage, clock })),
      dispose: async () => {}
    })
  })
})

// Every strategy of the folder, so that none is forgotten.
const strategies = new URL('../../plugins/context/', import.meta.url)

t.test('context strategies', { jobs: 8 }, async (t) => {
  const names = (await readdir(strategies, { withFileTypes: true }))
    .filter((entry) => (entry.isFile() ? entry.name.endsWith('.js') : entry.name !== 'shared'))
    .map((entry) => (entry.isFile() ? entry.name : `${entry.name}/index.js`))
  t.not(names.length, 0)
  for (const name of names) {
    const { default: plugin } = await import(new URL(name, strategies).href) as { default?: SidecarPlugin }
    if (plugin === undefined) continue
    t.test(nameOf(plugin), { buffered: true }, async (t) => contextStrategyContract({ test: t.test, create: factory<'context-strategy'>(plugin) }))
  }
})
