import { mkdtemp, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient, type Client } from '../client.js'
import { readToken, TOKEN_FILE } from '../connect.js'
import { PACKAGE_ROOT } from '../../core/package-root.js'
import { projectIdOf } from '../project-folder.js'
import { urlOf } from '../server/address.js'

const HOST = '127.0.0.1'

export interface DemoServer {
  client: Client
  storage: string
  /** Ends the agents and the sidecar, and removes the storage folder unless it is to be kept. */
  stop (keep: boolean): Promise<void>
}

/** A sidecar in this process, on a free port of the loopback interface, that knows nothing of the user's configuration. */
export async function startDemoServer (root: string, environment: Record<string, string | undefined>): Promise<DemoServer> {
  const storage = await mkdtemp(join(tmpdir(), 'cco-demo-'))
  const remove = (): Promise<void> => rm(storage, { recursive: true, force: true, maxRetries: 5 })
  try {
    const [{ loadConfig }, { createSidecar }] = await Promise.all([import('../../core/config/load.js'), import('../../index.js')])
    const { settings, plugins, projects, trusted } = await loadConfig({
      flags: {
        host: HOST,
        port: '0',
        storage,
        'log-level': 'silent',
        'spawn-command': [process.execPath, join(PACKAGE_ROOT, 'examples', 'agents', 'run.mjs')].map(quote).join(' ')
      },
      env: {},
      project: root,
      // No settings, plugins or trust of the user's either.
      home: storage
    })
    const sidecar = await createSidecar({ settings, project: { id: settings.project_id ?? projectIdOf(root), root }, projects, plugins, trusted, environment })
    let stopping: Promise<void> | undefined
    const stop = async (keep: boolean): Promise<void> => {
      await sidecar.close()
      if (!keep) await remove()
    }
    try {
      await sidecar.app.listen({ host: HOST, port: 0 })
    } catch (error) {
      await sidecar.close()
      throw error
    }
    return {
      storage,
      client: createClient({ url: urlOf(sidecar.app.server.address() as AddressInfo, HOST), token: () => readToken(join(storage, TOKEN_FILE)) }),
      stop: (keep) => (stopping ??= stop(keep))
    }
  } catch (error) {
    await remove()
    throw error
  }
}

/** As the `process` spawner splits commands: quotes keep words together, and there are two kinds of them. */
function quote (word: string): string {
  return word.includes('"') ? `'${word}'` : `"${word}"`
}
