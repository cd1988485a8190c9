import { existsSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { codeOf, messageOf, startError } from '../core/errors.js'

const LONGEST_ID = 128

/** The nearest folder upwards that holds `.git` (a folder, or a file in work trees and submodules), or the folder itself. */
export function repositoryAround (folder: string): string {
  for (let here = resolve(folder); ;) {
    if (existsSync(join(here, '.git'))) return here
    const parent = dirname(here)
    if (parent === here) return resolve(folder)
    here = parent
  }
}

/** The project that was named, or the one around the working directory. */
export function projectFolder (named: string | undefined, cwd: string): string {
  if (named === undefined) return repositoryAround(cwd)
  const folder = resolve(cwd, named)
  const fault = faultOf(folder)
  if (fault === undefined) return folder
  throw startError('SIDECAR_ERR_PROJECT_INVALID', `The project ${folder} ${fault}; name an existing directory with --project.`)
}

function faultOf (folder: string): string | undefined {
  try {
    const facts = statSync(folder, { throwIfNoEntry: false })
    if (facts === undefined) return 'does not exist'
    return facts.isDirectory() ? undefined : 'is no directory'
  } catch (error) {
    return `cannot be read (${codeOf(error) ?? messageOf(error)})`
  }
}

/** A folder's name made to fit an identifier of the wire contract: `Größe & Co` becomes `Grosse-Co`. */
export function projectIdOf (folder: string): string {
  const id = basename(folder)
    .replaceAll('ß', 'ss')
    .normalize('NFKD').replace(/\p{Mark}/gu, '')
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+|-+$/g, '')
    .slice(0, LONGEST_ID)
  return id === '' ? 'project' : id
}
