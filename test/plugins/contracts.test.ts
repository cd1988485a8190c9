import { cp, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { Clock } from '../../core/contracts/index.js'
import { MANIFEST, type PluginInstances, type PluginKind, type SidecarPlugin } from '../../core/plugin-host/define-plugin.js'
import {
  authContract, contextCacheContract, contextStrategyContract, createFromPlugin, createPluginContext,
  eventBusContract, resultStoreContract, spawnerContract, type AuthContract, type ContractSubject
} from '../../core/testing/index.js'
import jwks from '../../plugins/auth/jwks/index.js'
import jwt from '../../plugins/auth/jwt/index.js'
import { openKeyring } from '../../plugins/auth/shared/keyring.js'
import memoryCache from '../../plugins/cache/memory.js'
import journal from '../../plugins/events/journal/index.js'
import memoryBus from '../../plugins/events/memory.js'
import processSpawner from '../../plugins/spawners/process.js'
import files from '../../plugins/storage/files/index.js'
import memoryStore from '../../plugins/storage/memory.js'
import { startIssuer } from '../support/issuer.js'
import { temporaryFolder } from '../support/temporary.js'

type Factory<Kind extends PluginKind> = (options: { clock: Clock }) => Promise<ContractSubject<PluginInstances[Kind]>>

/** Over a storage folder of its own, which goes with the subject. */
function factory<Kind extends PluginKind> (plugin: SidecarPlugin, options: Record<string, unknown> = {}, prepare = async (_storage: string): Promise<unknown> => undefined): Factory<Kind> {
  return async ({ clock }) => {
    const storage = await mkdtemp(join(tmpdir(), 'cco-contract-'))
    await prepare(storage)
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

// Keys of their own for any two in a row: to make them anew for each test takes longer than all tests.
const rings = await temporaryFolder(t)
for (const name of ['0', '1']) await openKeyring(join(rings, name, 'keys', 'keyring.json'), 0)
let subjects = 0
const withKeys = async (storage: string): Promise<void> => await cp(join(rings, String(subjects++ % 2)), storage, { recursive: true })

t.test(nameOf(jwt), async (t) => authContract({ test: t.test, create: factory<'auth'>(jwt, {}, withKeys) }))

t.test(nameOf(jwks), async (t) => {
  const issuer = await startIssuer(t)
  const options = { issuer: issuer.name, audience: ['cco-agents'], jwksUrl: issuer.url }
  const minting = (more: object): AuthContract['create'] => async ({ clock }) => {
    const subject = await factory<'auth'>(jwks, { ...options, ...more }, withKeys)({ clock })
    return { ...subject, reopen: subject.reopen!, mint: async (identity, { ttlSeconds }) => issuer.mint(clock, identity, ttlSeconds) }
  }
  await t.test('tokens of the outside issuer', async (t) => authContract({ test: t.test, create: minting({}) }))
  await t.test('its own tokens', async (t) => authContract({ test: t.test, create: factory<'auth'>(jwks, options, withKeys) }))
  await t.test('without tokens of its own', async (t) => authContract({ test: t.test, create: minting({ ownTokens: false }) }))
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
