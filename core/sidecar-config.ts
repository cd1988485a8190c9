import type { Settings } from './config/settings.js'
import type { TriggerSource } from './config/load.js'
import type { Clock } from './contracts/index.js'
import type { PluginRequest } from './plugin-host/resolve.js'
import type { ProjectEntry } from './project/projects.js'

/** What a sidecar is made from. */
export interface SidecarConfig {
  settings: Settings
  /** The repository that the operator's token is for. */
  project: { id: string, root: string }
  /** Further repositories. */
  projects: (ProjectEntry & { triggers?: TriggerSource })[]
  /** Rules of the configuration that start agents, for the project of the operator's token. */
  triggers?: readonly TriggerSource[]
  plugins: PluginRequest[]
  /** Whether what the project brings in `.cco` may load plugins and raise rights. */
  trusted: boolean
  /** The environment that agents inherit the allowed part of. */
  environment: Record<string, string | undefined>
  clock?: Clock
}

/** Options of built-in plugins that follow from settings. */
export type ImpliedOptions = (settings: Settings) => Record<string, Record<string, unknown>>
