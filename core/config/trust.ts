import { createHash } from 'node:crypto'
import { realpath } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { codeOf, messageOf, startError } from '../errors.js'
import { makeDirectory, writeFileDurably } from '../durable-file.js'
import { readPlainFile } from '../plain-file.js'
import { bringsAnything, broughtFiles } from './trust/brought-files.js'
import { effectsOf } from './trust/effects.js'

export interface TrustSubject {
  /** Relative to the project. */
  path: string
  bytes: number
}

/** What trust in a project covers and allows. */
export interface Trust {
  /** The folder itself, without links. */
  root: string
  /** SHA-256 in hex of exactly what is covered. */
  hash: string
  subjects: TrustSubject[]
  /** Sentences for people. */
  effects: string[]
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

/**
 * What trust in a project would cover and allow, and the hash that stands for exactly that; no subjects where it brings nothing. Rejects with
 * `SIDECAR_ERR_CONFIG_UNREADABLE`, and with the code of the system where there is no such folder.
 */
export async function inspectTrust (project: string): Promise<Trust> {
  const root = await realpath(project)
  const files = await broughtFiles(root)
  const hash = createHash('sha256')
  for (const { path, content } of files) hash.update(`${path}\0${content.length}\0`).update(content)
  return { root, hash: hash.digest('hex'), subjects: files.map(({ path, content }) => ({ path, bytes: content.length })), effects: effectsOf(files) }
}

/** Whether the user has trusted exactly what the project now brings; a project that brings nothing needs no trust. */
export async function isTrusted (project: string, home: string = homedir()): Promise<boolean> {
  let root: string
  try {
    root = await realpath(project)
  } catch (error) {
    // A folder that is not there brings nothing; that it is no project is said by those who open it.
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return true
    throw error
  }
  if (!await bringsAnything(root)) return true
  const recorded = readTrust(home).projects[root]
  // A stranger's files are not followed to where they lead.
  return recorded !== undefined && recorded.hash === (await inspectTrust(root)).hash
}

/** Records trust in what was inspected; any change to it needs trust again. */
export async function recordTrust ({ root, hash }: Pick<Trust, 'root' | 'hash'>, now: number, home: string = homedir()): Promise<void> {
  const trust = readTrust(home)
  trust.projects[root] = { hash, trusted_at: new Date(now).toISOString() }
  await makeDirectory(join(home, '.cco'))
  await writeFileDurably(trustFile(home), `${JSON.stringify(trust, null, 2)}\n`)
}
