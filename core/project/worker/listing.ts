import { createHash, randomUUID } from 'node:crypto'
import { lstatSync, readdirSync, readFileSync, statSync, type BigIntStats, type Dirent } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
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

// Coarsest clock that file systems stamp changes with.
const TICK_MS = 12

/** Lists a project's files as they are on the disk now. */
export async function takeSnapshot (root: string): Promise<Snapshot> {
  const tracked = await listByGit(root)
  const { names, unreadable } = tracked ?? listByWalk(root)
  const secret: string[] = []
  const found = new Map<string, BigIntStats>()
  for (const path of [...new Set(names)].sort()) {
    const isSecret = holdsSecrets(path)
    if (isSecret) secret.push(path)
    const facts = isSecret ? undefined : factsOf(root, path)
    if (facts !== undefined) found.set(path, facts)
  }
  const restless = await settle(root, found)
  const files = [...found].map(([path, facts]) => ({
    path, size: Number(facts.size), modified: Number(facts.mtimeMs), stamp: restless.has(path) ? randomUUID() : stampOf(facts)
  }))
  const hash = createHash('sha256')
  for (const { path, stamp } of files) hash.update(`${path}\0${stamp}\0`)
  hash.update(tracked?.head ?? '')
  return { files, secret, unreadable, fingerprint: hash.digest('hex'), hasGit: tracked !== undefined }
}

/** `undefined` for what is gone, and for links and devices: they may lead anywhere or hold no text, and are no files of the project. */
function factsOf (root: string, path: string): BigIntStats | undefined {
  try {
    const facts = lstatSync(join(root, path), { bigint: true })
    return facts.isFile() ? facts : undefined
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EACCES', 'ENAMETOOLONG'].includes(codeOf(error) ?? '')) return undefined
    throw error
  }
}

/**
 * A file that is written twice within one tick keeps its stamp, so what was just written is looked at again when the tick is over.
 * Those that somebody goes on writing are returned: no stamp of theirs is worth anything.
 */
async function settle (root: string, found: Map<string, BigIntStats>): Promise<Set<string>> {
  const restless = new Set<string>()
  const isFresh = (facts: BigIntStats): boolean => Number(facts.ctimeMs) > Date.now() - TICK_MS
  const fresh = [...found].filter(([, facts]) => isFresh(facts))
  if (fresh.length === 0) return restless
  await wait(TICK_MS)
  for (const [path] of fresh) {
    const facts = factsOf(root, path)
    if (facts === undefined) found.delete(path)
    else found.set(path, facts)
    if (facts !== undefined && isFresh(facts)) restless.add(path)
  }
  return restless
}

interface Tracked {
  names: string[]
  unreadable: number
  /** What tells one branch, head, index and configuration from another. */
  head: string
}

async function isIgnoredByGit (root: string): Promise<boolean> {
  return await git(root, ['check-ignore', '--quiet', '.'], { literal: false }).then(() => true, () => false)
}

async function listByGit (root: string): Promise<Tracked | undefined> {
  try {
    const [listing, told] = await Promise.all([
      git(root, ['ls-files', '--cached', '--others', '--exclude-standard', '-z']),
      git(root, ['rev-parse', '--absolute-git-dir', '--git-common-dir', '--show-toplevel'])
    ])
    const [own, common, top, ...more] = told.toString('utf8').trimEnd().split('\n')
    // A repository whose configuration names another work tree would show files from outside the project.
    if (top === undefined || more.length > 0 || !`${root}/`.startsWith(`${top.replace(/\/$/, '')}/`)) return undefined
    // A folder that the repository around it ignores is no part of that repository: git would say that it is empty.
    if (listing.length === 0 && top !== root && await isIgnoredByGit(root)) return undefined
    return { ...splitNames(listing), head: headState(own!, resolve(root, common!)) }
  } catch {
    // No repository, a bare one, or none that git can read: the walk below answers instead.
    return undefined
  }
}

function headState (own: string, common: string): string {
  const head = readText(join(own, 'HEAD')).trim()
  const ref = head.startsWith('ref: ') ? head.slice('ref: '.length) : undefined
  const loose = ref === undefined ? '' : readText(join(common, ref)).trim()
  const stamped = [join(own, 'index'), join(common, 'config'), join(common, 'shallow'), ...(loose === '' ? [join(common, 'packed-refs')] : [])]
  return [head, loose, ...stamped.map(stamp)].join('\0')
}

function readText (path: string): string {
  try {
    // A FIFO in the place of a file would hang the read.
    return statSync(path).isFile() ? readFileSync(path, 'utf8') : ''
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return ''
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
function listByWalk (root: string): { names: string[], unreadable: number } {
  const found: string[] = []
  const visit = (folder: string, rules: readonly { base: string, ignore: Ignore }[]): void => {
    let entries
    try {
      entries = readdirSync(join(root, folder), { withFileTypes: true })
    } catch (error) {
      if (codeOf(error) === 'ENOENT' || codeOf(error) === 'EACCES' || codeOf(error) === 'ENAMETOOLONG') return
      throw error
    }
    if (isGitDirectory(entries)) return
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
  // What was no UTF-8 has been read with a replacement character, and is found under no such name.
  const names = found.filter((path) => !path.includes('\uFFFD') || factsOf(root, path) !== undefined)
  return { names, unreadable: found.length - names.length }
}

/** A bare repository, or the inside of one, holds no files of a project. */
function isGitDirectory (entries: readonly Dirent[]): boolean {
  return ['HEAD', 'objects', 'refs'].every((name) => entries.some((entry) => entry.name === name))
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
