import { git, type GitOptions } from './git.js'
import { readSettings } from './git-settings.js'

/** Nothing that outlives the command, that asks a person, or that runs a program of the configuration. */
const QUIET: readonly (readonly [string, string])[] = [
  ['gc.auto', '0'],
  ['maintenance.auto', 'false'],
  ['commit.gpgSign', 'false'],
  ['merge.verifySignatures', 'false'],
  ['core.alternateRefsCommand', 'true'],
  ['core.editor', 'false'],
  ['fetch.recurseSubmodules', 'false']
]

/**
 * Runs git where it writes or reads whole working trees: the filters and merge drivers that the configuration of the repository names
 * are switched off, beside all that `git` switches off.
 */
export async function guardedGit (cwd: string, args: readonly string[], { config = [], ...options }: GitOptions = {}): Promise<Buffer> {
  const { noFilters, noDrivers } = await readSettings(cwd)
  return await git(cwd, args, { ...options, config: [...QUIET, ...config, ...noFilters, ...noDrivers] })
}
