import { mkdir, readFile, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { PROFILES_DIRECTORY } from '../../core/package-root.js'
import type { PluginRequest } from '../../core/plugin-host/resolve.js'
import { createSidecar, loadConfig, type Settings, type Sidecar } from '../../index.js'
import { AGENT_TYPE } from './agent-type.js'

/** Rates that no bench reaches: what keeping to them costs is measured, not what refusing does. */
const UNREACHED = 1_000_000_000

export interface AskedSidecar {
  app: Sidecar['app']
  operator: string
  /** What a parent asks for first. */
  address (): { port: number, operator: string }
}

/**
 * A sidecar that listens, over an empty project in `folder`, for those who ask as `AGENT_TYPE`, whose rates are never reached. Without `tokens`
 * anybody is believed. `flags` are settings by flag name; `plugins` come to the built-in ones.
 */
export async function startAskedSidecar (folder: string, { tokens, flags, plugins }: {
  tokens: boolean
  flags: Record<string, string>
  plugins: readonly (Partial<PluginRequest> & { use: string })[]
}): Promise<AskedSidecar> {
  const [storage, home, root] = [join(folder, 'storage'), join(folder, 'home'), join(folder, 'project')]
  await mkdir(home, { recursive: true })
  await mkdir(join(root, '.cco', 'agents'), { recursive: true })
  const profile = JSON.parse(await readFile(join(PROFILES_DIRECTORY, 'chief-architect.json'), 'utf8')) as object
  await writeFile(join(root, '.cco', 'agents', `${AGENT_TYPE}.json`), JSON.stringify({ ...profile, id: AGENT_TYPE, limits: { requests_per_minute: UNREACHED, burst: UNREACHED } }))
  const { settings } = await loadConfig({
    flags: { storage, 'log-level': 'silent', 'rate-limit-project-per-minute': String(UNREACHED), 'auth-token-ttl-seconds': '86400', ...flags },
    env: {},
    project: root,
    home
  }) as { settings: Settings }
  const { app } = await createSidecar({
    settings,
    project: { id: 'bench', root },
    projects: [],
    plugins: [...plugins, ...(tokens ? [] : [{ use: fileURLToPath(new URL('./open-auth.js', import.meta.url)) }])].map((request) => ({ ...request, base: root, origin: 'the benchmark' })),
    trusted: true,
    environment: { PATH: process.env.PATH }
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const operator = tokens ? (await readFile(join(storage, 'operator.token'), 'utf8')).trim() : `${AGENT_TYPE}/operator`
  return { app, operator, address: () => ({ port: (app.server.address() as AddressInfo).port, operator }) }
}
