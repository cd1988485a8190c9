import { statfs } from 'node:fs/promises'
import { listRoutes } from '../index.js'
import type { Place } from '../core/doctor/finding.js'
import { messageOf } from '../core/errors.js'
import { loadConfiguration, type Configuration } from './configuration.js'
import { projectIdOf, repositoryAround } from './project-folder.js'
import { listSpawners } from './spawner-trial.js'
import type { Terminal } from './terminal.js'

/** What `cco doctor` looks at: the configuration as a start would see it, or the defaults where it cannot be loaded. */
export async function placeOf (terminal: Terminal): Promise<{ place: Place, plugins: Configuration['plugins'] }> {
  let configurationFault: string | null = null
  let config: Configuration
  try {
    config = await loadConfiguration({}, terminal)
  } catch (error) {
    configurationFault = messageOf(error)
    config = await defaults(terminal)
  }
  const { settings, root, projects, plugins, trusted, ignored } = config
  return {
    plugins,
    place: {
      settings,
      root,
      env: terminal.env,
      now: Date.now,
      ignored,
      configurationFault,
      async freeBytes (path) {
        const { bavail, bsize } = await statfs(path)
        return bavail * bsize
      },
      async tryPlugins () {
        await listRoutes({ settings, project: { id: settings.project_id ?? projectIdOf(root), root }, projects, plugins, trusted, environment: {} })
      },
      // Without a configuration that can be loaded nothing is known of their options.
      programs: async () => (configurationFault === null ? await listSpawners(terminal) : [])
    }
  }
}

async function defaults (terminal: Terminal): Promise<Configuration> {
  const { loadConfig, expandHome } = await import('../core/config/load.js')
  const nowhere = '/dev/null'
  const config = await loadConfig({ flags: {}, env: {}, project: nowhere, home: nowhere })
  const home = terminal.env.HOME
  const storage = expandHome(terminal.env.CCO_SIDECAR_STORAGE ?? '~/.cco/orchestration', home ?? nowhere)
  return { ...config, settings: { ...config.settings, storage }, root: repositoryAround(terminal.cwd) }
}
