import { mkdir, readFile, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { PROFILES_DIRECTORY } from '../../core/package-root.js'
import { createSidecar, loadConfig, type Settings } from '../../index.js'
import { answerCalls } from '../speed/child.js'
import { AGENT_TYPE } from './agent-type.js'
import { heldBytes } from './memory.js'

/** How a sidecar of the benches is set up. */
export interface Setup {
  bus: 'memory' | 'journal'
  /** Whether tokens are verified, load is shed, and agents are held to rates, which are higher than any bench reaches. */
  guarded: boolean
}

const UNREACHED = 1_000_000_000

const [folder, text] = process.argv.slice(2) as [string, string]
const { bus, guarded } = JSON.parse(text) as Setup
const [storage, home, root] = [join(folder, 'storage'), join(folder, 'home'), join(folder, 'project')]
await mkdir(home, { recursive: true })
await mkdir(join(root, '.cco', 'agents'), { recursive: true })
const profile = JSON.parse(await readFile(join(PROFILES_DIRECTORY, 'chief-architect.json'), 'utf8')) as object
await writeFile(join(root, '.cco', 'agents', `${AGENT_TYPE}.json`), JSON.stringify({ ...profile, id: AGENT_TYPE, limits: { requests_per_minute: UNREACHED, burst: UNREACHED } }))

const { settings } = await loadConfig({
  flags: {
    storage,
    'log-level': 'silent',
    'rate-limit-enabled': String(guarded),
    'overload-enabled': String(guarded),
    'rate-limit-project-per-minute': String(UNREACHED),
    'events-retention-count': '10000',
    'events-max-waits-per-agent': '20000',
    'auth-token-ttl-seconds': '86400'
  },
  env: {},
  project: root,
  home
}) as { settings: Settings }
const { app } = await createSidecar({
  settings,
  project: { id: 'bench', root },
  projects: [],
  plugins: [`event-bus/${bus}`, ...(guarded ? [] : [fileURLToPath(new URL('./open-auth.js', import.meta.url))])].map((use) => ({ use, base: root, origin: 'the benchmark' })),
  trusted: true,
  environment: { PATH: process.env.PATH }
})
await app.listen({ port: 0, host: '127.0.0.1' })
const operator = guarded ? (await readFile(join(storage, 'operator.token'), 'utf8')).trim() : `${AGENT_TYPE}/operator`

const handlers = {
  address: () => ({ port: (app.server.address() as AddressInfo).port, operator }),
  /** How many waits and streams are held. */
  async waiting () {
    const answer = await app.inject({ url: '/status', headers: { authorization: `Bearer ${operator}` } })
    return (answer.json() as { events: { active_subscriptions: number } }).events.active_subscriptions
  },
  /** Processor time so far, milliseconds. */
  processor: () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1000
  },
  memory: heldBytes
}

export type ServerCalls = typeof handlers

answerCalls(handlers)
