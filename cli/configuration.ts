import { resolve } from 'node:path'
import type { LoadedConfig } from '../core/config/load.js'
import { projectFolder } from './project-folder.js'
import type { Terminal } from './terminal.js'

export interface Configuration extends LoadedConfig {
  /** Root of the project. */
  root: string
}

/**
 * Loads the settings as `cco start` sees them. Which file of a project counts depends on the project, which a flag, the
 * environment or the user's own file may name; in the last case loading starts over with that project.
 */
export async function loadConfiguration (flags: Record<string, string | undefined>, terminal: Terminal, file?: string): Promise<Configuration> {
  const { loadConfig } = await import('../core/config/load.js')
  const load = (project: string): Promise<LoadedConfig> => loadConfig({
    flags,
    env: terminal.env,
    project,
    ...(file === undefined ? {} : { file: resolve(terminal.cwd, file) }),
    ...(terminal.env.HOME === undefined ? {} : { home: terminal.env.HOME })
  })
  const root = projectFolder(flags.project ?? terminal.env.CCO_SIDECAR_PROJECT, terminal.cwd)
  const config = await load(root)
  const named = projectFolder(config.settings.project ?? root, terminal.cwd)
  return named === root ? { ...config, root } : { ...await load(named), root: named }
}
