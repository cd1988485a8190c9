import { createHash } from 'node:crypto'
import { readdir, readFile, realpath } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { codeOf, messageOf, startError } from '../errors.js'
import { makeDirectory, writeFileDurably } from '../durable-file.js'

/** What a repository can bring that loads or starts something. */
const SUBJECTS = ['config.json', 'triggers.json', 'agents']

export interface TrustSubject {
  /** Relative to the project. */
  path: string
  bytes: number
}

interface TrustFile { projects: Record<string, { hash: string, trusted_at: string }> }

function trustFile (home: string): string {
  return join(home, '.cco', 'trust.json')
}

async function readTrust (home: string): Promise<TrustFile> {
  try {
    return JSON.parse(await readFile(trustFile(home), 'utf8')) as TrustFile
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
  const visit = async (relative: string): Promise<void> => {
    const path = join(root, relative)
    try {
      const content = await readFile(path)
      subjects.push({ path: relative, bytes: content.length })
      hash.update(`${relative}\0${content.length}\0`).update(content)
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return
      if (codeOf(error) !== 'EISDIR') throw error
      for (const name of (await readdir(path)).sort()) await visit(`${relative}/${name}`)
    }
  }
  for (const subject of SUBJECTS) await visit(`.cco/${subject}`)
  return { root, hash: hash.digest('hex'), subjects }
}

/** Whether the user has trusted exactly what the project now brings; a project that brings nothing needs no trust. */
export async function isTrusted (project: string, home: string = homedir()): Promise<boolean> {
  // A folder that is not there brings nothing; that it is no project is said by those who open it.
  const { root, hash, subjects } = await inspectTrust(project).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return { root: project, hash: '', subjects: [] }
    throw error
  })
  if (subjects.length === 0) return true
  return (await readTrust(home)).projects[root]?.hash === hash
}

/** Records trust in what the project brings now; any change to it needs trust again. */
export async function recordTrust (project: string, now: number, home: string = homedir()): Promise<void> {
  const { root, hash } = await inspectTrust(project)
  const trust = await readTrust(home)
  trust.projects[root] = { hash, trusted_at: new Date(now).toISOString() }
  await makeDirectory(join(home, '.cco'))
  await writeFileDurably(trustFile(home), `${JSON.stringify(trust, null, 2)}\n`)
}
