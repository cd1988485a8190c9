import { createHash } from 'node:crypto'
import { readdir, realpath } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join, posix } from 'node:path'
import { codeOf, messageOf, startError } from '../errors.js'
import { makeDirectory, writeFileDurably } from '../durable-file.js'
import { readPlainFile } from '../plain-file.js'

/** What a repository can bring that loads or starts something. */
const FILES = ['config.json', 'triggers.json']
const PROFILES = '.cco/agents'

export interface TrustSubject {
  /** Relative to the project. */
  path: string
  bytes: number
}

interface TrustFile { projects: Record<string, { hash: string, trusted_at: string }> }

function trustFile (home: string): string {
  return join(home, '.cco', 'trust.json')
}

function readTrust (home: string): TrustFile {
  try {
    return JSON.parse(readPlainFile(trustFile(home))) as TrustFile
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return { projects: {} }
    throw startError('SIDECAR_ERR_CONFIG_UNREADABLE', `${trustFile(home)} cannot be read: ${messageOf(error)}. Repair it or remove it.`, { cause: error })
  }
}

/** What trust in a project would cover, and the hash that stands for exactly that; no subjects without a `.cco` folder. */
export async function inspectTrust (project: string): Promise<{ root: string, hash: string, subjects: TrustSubject[] }> {
  const root = await realpath(project)
  const subjects: TrustSubject[] = []
  const hash = createHash('sha256')
  for (const path of [...FILES.map((name) => `.cco/${name}`), ...await profilesOf(root), ...pluginsOf(root)]) {
    try {
      const content = readPlainFile(join(root, path))
      subjects.push({ path, bytes: Buffer.byteLength(content) })
      hash.update(`${path}\0${content.length}\0${content}`)
    } catch (error) {
      if (!isAbsent(error)) throw startError('SIDECAR_ERR_CONFIG_UNREADABLE', `${join(root, path)} cannot be read: ${messageOf(error)}.`, { cause: error })
    }
  }
  return { root, hash: hash.digest('hex'), subjects }
}

/** Exactly the files that profiles are read from: a link to a folder elsewhere must not lead through the whole disk. */
async function profilesOf (root: string): Promise<string[]> {
  try {
    const entries = await readdir(join(root, PROFILES), { withFileTypes: true })
    return entries.filter((entry) => !entry.isDirectory() && entry.name.endsWith('.json')).map(({ name }) => `${PROFILES}/${name}`).sort()
  } catch (error) {
    if (isAbsent(error)) return []
    throw startError('SIDECAR_ERR_CONFIG_UNREADABLE', `${join(root, PROFILES)} cannot be read: ${messageOf(error)}.`, { cause: error })
  }
}

/** The modules that the project's configuration names by path; what those import in turn is not followed. */
function pluginsOf (root: string): string[] {
  let config: { plugins?: unknown }
  try {
    config = JSON.parse(readPlainFile(join(root, '.cco', 'config.json'))) as { plugins?: unknown }
  } catch {
    // Not there, or no JSON: then it loads nothing, and who reads it as a configuration says what is wrong.
    return []
  }
  const entries: unknown[] = Array.isArray(config?.plugins) ? config.plugins : []
  return [...new Set(entries
    .map((entry) => (typeof entry === 'string' ? entry : (entry as { use?: unknown } | null)?.use))
    .filter((use) => typeof use === 'string' && use.startsWith('.'))
    .map((use) => posix.join('.cco', use as string)))].sort()
}

function isAbsent (error: unknown): boolean {
  return codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR'
}

/** Whether the user has trusted exactly what the project now brings; a project that brings nothing needs no trust. */
export async function isTrusted (project: string, home: string = homedir()): Promise<boolean> {
  // A folder that is not there brings nothing; that it is no project is said by those who open it.
  const { root, hash, subjects } = await inspectTrust(project).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return { root: project, hash: '', subjects: [] }
    throw error
  })
  if (subjects.length === 0) return true
  return readTrust(home).projects[root]?.hash === hash
}

/** Records trust in what the project brings now; any change to it needs trust again. */
export async function recordTrust (project: string, now: number, home: string = homedir()): Promise<void> {
  const { root, hash } = await inspectTrust(project)
  const trust = readTrust(home)
  trust.projects[root] = { hash, trusted_at: new Date(now).toISOString() }
  await makeDirectory(join(home, '.cco'))
  await writeFileDurably(trustFile(home), `${JSON.stringify(trust, null, 2)}\n`)
}
