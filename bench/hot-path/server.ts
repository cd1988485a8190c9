import { mkdir, readFile, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { PROFILES_DIRECTORY } from '../../core/package-root.js'
import { createSidecar, loadConfig, type Settings } from '../../index.js'
import { AGENT_TYPE } from '../events/agent-type.js'
import { answerCalls } from '../speed/child.js'
import type { Link } from './links.js'

const UNREACHED = 1_000_000_000

const [folder, text] = process.argv.slice(2) as [string, string]
const links = new Set(JSON.parse(text) as Link[])
const [storage, home, root] = [join(folder, 'storage'), join(folder, 'home'), join(folder, 'project')]
await mkdir(home, { recursive: true })
await mkdir(join(root, '.cco', 'agents'), { recursive: true })
const profile = JSON.parse(await readFile(join(PROFILES_DIRECTORY, 'chief-architect.json'), 'utf8')) as object
await writeFile(join(root, '.cco', 'agents', `${AGENT_TYPE}.json`), JSON.stringify({ ...profile, id: AGENT_TYPE, limits: { requests_per_minute: UNREACHED, burst: UNREACHED } }))

const { settings } = await loadConfig({
  flags: {
    storage,
    'log-level': links.has('log') ? 'info' : 'silent',
    'log-requests': String(links.has('log')),
    'rate-limit-enabled': String(links.has('limits')),
    'rate-limit-project-per-minute': String(UNREACHED),
    'overload-enabled': String(links.has('overload')),
    ...(links.has('cors') ? { 'cors-origins': 'https://dashboard.example' } : {}),
    'auth-token-ttl-seconds': '86400'
  },
  env: {},
  project: root,
  home
}) as { settings: Settings }
const plugin = (name: string): string => fileURLToPath(new URL(name, import.meta.url))
const { app } = await createSidecar({
  settings,
  project: { id: 'bench', root },
  projects: [],
  plugins: [
    { use: 'event-bus/memory' },
    { use: plugin('./echo.js') },
    ...(links.has('token') ? [] : [{ use: plugin('../events/open-auth.js') }]),
    ...(links.has('metrics') ? [] : [{ use: 'http/metrics', enabled: false }])
  ].map((request) => ({ ...request, base: root, origin: 'the benchmark' })),
  trusted: true,
  environment: { PATH: process.env.PATH }
})
await app.listen({ port: 0, host: '127.0.0.1' })
const operator = links.has('token') ? (await readFile(join(storage, 'operator.token'), 'utf8')).trim() : `${AGENT_TYPE}/operator`

const handlers = {
  address: () => ({ port: (app.server.address() as AddressInfo).port, operator }),
  /** Processor time so far, milliseconds. */
  processor: () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1000
  }
}

export type HotPathCalls = typeof handlers

answerCalls(handlers)
