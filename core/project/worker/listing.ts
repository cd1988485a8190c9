import { createHash } from 'node:crypto'
import { lstatSync, readdirSync, readFileSync, type BigIntStats } from 'node:fs'
import { join, resolve } from 'node:path'
import createIgnore, { type Ignore } from 'ignore'
import { codeOf } from '../../errors.js'
import { holdsSecrets } from '../secret-files.js'
import { git, splitNames } from './git.js'

export interface ListedFile {
  path: string
  size: number
  modified: number
  /** Changes whenever the file does. */
  stamp: string
}

export interface Snapshot {
  files: ListedFile[]
  /** Files left out because of what their names say they hold. */
  secret: string[]
  /** Names that are no UTF-8 and were left out. */
  unreadable: number
  /** Changes whenever a file of the listing, the branch or its head does. */
  fingerprint: string
  hasGit: boolean
}

/** Lists a project's files as they are on the disk now. */
export async function takeSnapshot (root: string): Promise<Snapshot> {
  const [tracked, head] = await Promise.all([listByGit(root), headState(root)])
  const { names, unreadable } = tracked ?? { names: listByWalk(root), unreadable: 0 }
  const files: ListedFile[] = []
  const secret: string[] = []
  const hash = createHash('sha256')
  for (const path of [...new Set(names)].sort()) {
    if (holdsSecrets(path)) {
      secret.push(path)
      continue
    }
    let facts
    try {
      facts = lstatSync(join(root, path), { bigint: true })
    } catch (error) {
      if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR' || codeOf(error) === 'EACCES' || codeOf(error) === 'ENAMETOOLONG') continue
      throw error
    }
    // Links may lead anywhere and devices hold no text; both are no files of the project.
    if (!facts.isFile()) continue
    const stamp = stampOf(facts)
    files.push({ path, size: Number(facts.size), modified: Number(facts.mtimeMs), stamp })
    hash.update(`${path}\0${stamp}\0`)
  }
  if (tracked !== undefined) hash.update(head)
  return { files, secret, unreadable, fingerprint: hash.digest('hex'), hasGit: tracked !== undefined }
}

async function listByGit (root: string): Promise<{ names: string[], unreadable: number } | undefined> {
  try {
    return splitNames(await git(root, ['ls-files', '--cached', '--others', '--exclude-standard', '-z']))
  } catch {
    // No repository, a bare one, or none that git can read: the walk below answers instead.
    return undefined
  }
}

/** What tells one branch, head and index from another; empty without git. */
async function headState (root: string): Promise<string> {
  const folders = await git(root, ['rev-parse', '--absolute-git-dir', '--git-common-dir']).catch(() => undefined)
  if (folders === undefined) return ''
  const [gitDirectory, common] = folders.toString('utf8').trimEnd().split('\n')
  const head = readText(join(gitDirectory!, 'HEAD')).trim()
  const shared = resolve(root, common!)
  const ref = head.startsWith('ref: ') ? head.slice('ref: '.length) : undefined
  const loose = ref === undefined ? '' : readText(join(shared, ref)).trim()
  return [head, loose, loose === '' ? stamp(join(shared, 'packed-refs')) : '', stamp(join(gitDirectory!, 'index'))].join('\0')
}

function readText (path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return ''
    throw error
  }
}

function stamp (path: string): string {
  const facts = lstatSync(path, { bigint: true, throwIfNoEntry: false })
  return facts === undefined ? '' : stampOf(facts)
}

function stampOf (facts: BigIntStats): string {
  return `${facts.size} ${facts.mtimeNs} ${facts.ctimeNs} ${facts.ino}`
}

const NEVER_WALKED = new Set(['.git', '.hg', '.svn', 'node_modules'])
const IGNORE_FILES = ['.gitignore', '.ignore']
const MAX_WALKED = 200_000

/** Lists a folder that git does not know, honouring ignore files the way git does. */
function listByWalk (root: string): string[] {
  const found: string[] = []
  const visit = (folder: string, rules: readonly { base: string, ignore: Ignore }[]): void => {
    let entries
    try {
      entries = readdirSync(join(root, folder), { withFileTypes: true })
    } catch (error) {
      if (codeOf(error) === 'ENOENT' || codeOf(error) === 'EACCES' || codeOf(error) === 'ENAMETOOLONG') return
      throw error
    }
    const own = entries.filter((entry) => entry.isFile() && IGNORE_FILES.includes(entry.name))
    const here = own.length === 0
      ? rules
      : [...rules, { base: folder, ignore: createIgnore().add(own.map((entry) => readText(join(root, folder, entry.name))).join('\n')) }]
    for (const entry of entries) {
      if (found.length >= MAX_WALKED) return
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`
      const isDirectory = entry.isDirectory()
      if (isDirectory && NEVER_WALKED.has(entry.name)) continue
      if (isIgnored(path, isDirectory, here)) continue
      if (isDirectory) visit(path, here)
      else if (entry.isFile()) found.push(path)
    }
  }
  visit('', [])
  return found
}

function isIgnored (path: string, isDirectory: boolean, rules: readonly { base: string, ignore: Ignore }[]): boolean {
  let ignored = false
  for (const { base, ignore } of rules) {
    const relative = base === '' ? path : path.slice(base.length + 1)
    const verdict = ignore.test(isDirectory ? `${relative}/` : relative)
    if (verdict.ignored) ignored = true
    else if (verdict.unignored) ignored = false
  }
  return ignored
}
