import { lstat } from 'node:fs/promises'
import { isAbsolute, join, normalize, relative, sep } from 'node:path'
import type { JsonObject, WorkProof } from '../../contracts/index.js'
import { codeOf } from '../../errors.js'

const MAX_NAMED = 20
/** Further claims are not looked at. */
const MAX_CLAIMS = 1000

export interface Scene {
  /** Working directory of the agent. */
  root: string
  /** Nobody else changes the working tree, so what changed is the agent's. */
  isAlone: boolean
  /** Those of the paths that git tracks. */
  areTracked (paths: readonly string[]): Promise<string[]>
}

/** Where a result says something else than what is there. */
export async function disagreements (result: JsonObject, proof: WorkProof, { root, isAlone, areTracked }: Scene): Promise<string[]> {
  const changed = new Map([...proof.files_committed, ...proof.files_uncommitted].map(({ path, status }) => [path, status]))
  const [created, modified, deleted] = ['files_created', 'files_modified', 'files_deleted'].map((member) => claimsOf(result[member], root)) as [string[], string[], string[]]
  const faults: Record<'missing' | 'unchanged' | 'present', string[]> = { missing: [], unchanged: [], present: [] }
  for (const path of [...created, ...modified]) {
    if (!await isThere(root, path)) faults.missing.push(path)
    else if (!proof.truncated && modified.includes(path) && !changed.has(path)) faults.unchanged.push(path)
  }
  for (const path of deleted) {
    if (await isThere(root, path)) faults.present.push(path)
  }
  const claimed = new Set([...created, ...modified, ...deleted])
  const unsaid = isAlone ? [...changed.keys()].filter((path) => !claimed.has(path)) : []
  return [
    ...say(faults.missing, 'created or modified according to the result, and not there'),
    ...say(faults.unchanged.length === 0 ? [] : await areTracked(faults.unchanged), 'modified according to the result, and as before the start'),
    ...say(faults.present, 'deleted according to the result, and still there'),
    ...say(unsaid, 'changed since the start, and not named by the result')
  ]
}

function say (paths: readonly string[], what: string): string[] {
  if (paths.length === 0) return []
  const named = paths.slice(0, MAX_NAMED).map((path) => `'${path}'`).join(', ')
  return [`${paths.length === 1 ? '1 file' : `${paths.length} files`} ${what}: ${named}${paths.length > MAX_NAMED ? ', …' : ''}.`]
}

/** Paths of the project; what lies outside of it nobody can check. */
function claimsOf (entries: unknown, root: string): string[] {
  if (!Array.isArray(entries)) return []
  return entries.slice(0, MAX_CLAIMS).flatMap((entry: unknown) => {
    const given = typeof entry === 'string' ? entry : (entry as { path?: unknown } | null)?.path
    if (typeof given !== 'string' || given === '' || given.includes('\0')) return []
    const path = normalize(isAbsolute(given) ? relative(root, given) : given).split(sep).join('/')
    return path.startsWith('../') || path === '..' || isAbsolute(path) ? [] : [path]
  })
}

async function isThere (root: string, path: string): Promise<boolean> {
  try {
    await lstat(join(root, path))
    return true
  } catch (error) {
    return !['ENOENT', 'ENOTDIR', 'ENAMETOOLONG'].includes(codeOf(error) ?? '')
  }
}
