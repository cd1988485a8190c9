import type { Dirent } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { AgentProfile } from '../contracts/agent-profile.js'
import { codeOf, messageOf, startError } from '../errors.js'
import { PROFILES_DIRECTORY } from '../package-root.js'
import { readPlainFile } from '../plain-file.js'
import { compile, describeIssue, issuesOf } from '../validation.js'
import { profileSchema } from './schema.js'

let validator: ReturnType<typeof compile> | undefined

function freeze (profile: AgentProfile & { $schema?: string }): AgentProfile {
  delete profile.$schema
  return Object.freeze(profile)
}

/** Checks one profile; `id` is what its file name says. */
export function checkProfile (value: unknown, id: string, file: string): AgentProfile {
  validator ??= compile(profileSchema)
  if (!validator(value)) {
    const issues = issuesOf(validator.errors).map(describeIssue).join('; ')
    throw startError('SIDECAR_ERR_PROFILE_INVALID', `The agent profile ${file} is not valid: ${issues}.`)
  }
  const profile = value as AgentProfile
  if (profile.id !== id) {
    throw startError('SIDECAR_ERR_PROFILE_INVALID', `The agent profile ${file} has the id '${profile.id}'; it must be '${id}', as its file is named.`)
  }
  return freeze(profile)
}

/** The profiles that ship with the package, sorted by id. The tests check them; doing it at each start would take a tenth of it. */
export async function readBuiltinProfiles (): Promise<AgentProfile[]> {
  return await readFolder(PROFILES_DIRECTORY, (value) => freeze(value as AgentProfile))
}

/** All profiles of a folder, sorted by id; none when there is no such folder. */
export async function readProfiles (directory: string): Promise<AgentProfile[]> {
  return await readFolder(directory, checkProfile)
}

async function readFolder (directory: string, accept: typeof checkProfile): Promise<AgentProfile[]> {
  let entries: Dirent[]
  try {
    entries = await readdir(directory, { withFileTypes: true })
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return []
    throw startError('SIDECAR_ERR_PROFILE_INVALID', `The agent profiles in ${directory} cannot be read: ${messageOf(error)}.`, { cause: error })
  }
  const names = entries.filter((entry) => !entry.isDirectory() && entry.name.endsWith('.json') && entry.name !== 'profile.schema.json').map((entry) => entry.name).sort()
  return names.map((name) => {
    const file = join(directory, name)
    let value: unknown
    try {
      value = JSON.parse(readPlainFile(file))
    } catch (error) {
      throw startError('SIDECAR_ERR_PROFILE_INVALID', `The agent profile ${file} is no readable JSON: ${messageOf(error)}.`, { cause: error })
    }
    return accept(value, name.slice(0, -'.json'.length), file)
  })
}
