import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createSidecar, loadConfig, type Settings, type Sidecar } from '../../index.js'

/** How long tokens are good for: longer than a bench takes. */
export const TOKEN_SECONDS = 86_400

/** A sidecar over a project as it is measured: unlimited, silent, and with events and results in memory. Its storage is in `folder`. */
export async function startSidecar (root: string, folder: string): Promise<Pick<Sidecar, 'app' | 'close'> & { operator: string }> {
  const storage = join(folder, 'storage')
  const home = join(folder, 'home')
  await mkdir(home)
  const { settings } = await loadConfig({
    flags: { storage, 'log-level': 'silent', 'rate-limit-enabled': 'false', 'overload-enabled': 'false', 'auth-token-ttl-seconds': String(TOKEN_SECONDS), 'context-timeout-seconds': '600' },
    env: {},
    project: root,
    home
  }) as { settings: Settings }
  const { app, close } = await createSidecar({
    settings,
    project: { id: 'bench', root },
    projects: [],
    plugins: ['event-bus/memory', 'result-store/memory'].map((use) => ({ use, base: root, origin: 'the benchmark' })),
    trusted: false,
    environment: { PATH: process.env.PATH }
  })
  return { app, close, operator: (await readFile(join(storage, 'operator.token'), 'utf8')).trim() }
}
