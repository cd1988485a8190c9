import { discover } from './git-directory.js'
import { git, type GitOptions } from './git.js'
import { readSettings, type GitSettings } from './git-settings.js'

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
  const { noFilters, noDrivers } = await settingsOf(cwd)
  return await git(cwd, args, { ...options, config: [...QUIET, ...config, ...noFilters, ...noDrivers] })
}

const MAX_KNOWN = 64
/** What configurations say, by their text: working trees of one repository share it. */
const known = new Map<string, GitSettings>()

/** git is asked only for a text that it was not asked for before, or that it alone can read. */
async function settingsOf (cwd: string): Promise<GitSettings> {
  const text = configTextOf(cwd)
  const kept = text === undefined ? undefined : known.get(text)
  if (kept !== undefined) return kept
  const settings = await readSettings(cwd)
  // As it was read before and after.
  if (text !== undefined && configTextOf(cwd) === text) {
    known.set(text, settings)
    if (known.size > MAX_KNOWN) known.delete(known.keys().next().value!)
  }
  return settings
}

function configTextOf (cwd: string): string | undefined {
  const found = discover(cwd)
  return typeof found === 'object' ? found.configText : undefined
}
