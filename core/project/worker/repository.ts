import { createHash } from 'node:crypto'
import { constants, lstatSync, statSync } from 'node:fs'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import { git, splitNames } from './git.js'
import { discover, readHead, readRegular, readText, type GitDirectory, type Head } from './git-directory.js'
import { bytesOf, isIgnored, parseIgnoreFile, type IgnoreChain } from './ignore-rules.js'
import { stampOf } from './stamp.js'
import { createTrackedReader, NOTHING_TRACKED, type Tracked } from './tracked.js'

/** A folder outside of the listing in which these names matter. */
export interface Outside {
  folder: string
  names: readonly string[]
}

export interface WatchedPlace extends Outside {
  /** Folder of the project that a change there is about; `undefined` where it is the repository. */
  about?: string
}

/** What git says of a project, apart from its files. */
export interface Repository {
  /** `plain`: no work tree of git. `asked`: one of a kind that only git itself can list. */
  kind: 'git' | 'plain' | 'asked'
  /** Folder of the project within the repository: empty, or with a slash at its end. */
  prefix: string
  tracked: Tracked
  /** Ignore rules from above the project's root. The same object as long as they are the same. */
  rules: IgnoreChain | undefined
  /** Whether the project's root lies in an ignored folder, so that only what is tracked counts. */
  isIgnored: boolean
  /** Hash of the last commit. */
  head: string | null
  /** What tells one branch, head, index and configuration from another. */
  fingerprint: string
  outside: readonly Outside[]
}

export type RepositoryReader = () => Promise<Repository>

const PLAIN: Omit<Repository, 'outside'> = { kind: 'plain', prefix: '', tracked: NOTHING_TRACKED, rules: undefined, isIgnored: false, head: null, fingerprint: '' }

export function createRepositoryReader (root: string): RepositoryReader {
  const readTracked = createTrackedReader()
  const rulesOf = createRulesReader(root)

  return async () => {
    const found = discover(root)
    if (found === 'none') return { ...PLAIN, outside: foldersAbove(root, undefined) }
    if (found === 'unusual') return { ...PLAIN, kind: 'asked', outside: [] }
    const path = relative(found.top, root).split(sep).join('/')
    const prefix = path === '' ? '' : `${path}/`
    const tracked = await readTracked(found, prefix)
    if (tracked === undefined) return { ...PLAIN, outside: outsideOf(root, found) }
    const { rules, isIgnored } = rulesOf(found, prefix)
    // A folder that the repository around it ignores is no part of that repository: git would say that it is empty.
    if (isIgnored && tracked.folders.size === 0) return { ...PLAIN, outside: outsideOf(root, found) }
    const head = readHead(found)
    const isAsked = tracked.skippedIgnoreFiles.some((name) => lstatSync(join(found.top, name), { throwIfNoEntry: false }) === undefined)
    return {
      kind: isAsked ? 'asked' : 'git',
      prefix,
      tracked,
      rules,
      isIgnored,
      head: head.commit,
      fingerprint: fingerprintOf(root, found, head, tracked),
      outside: outsideOf(root, found)
    }
  }
}

function fingerprintOf (root: string, { top, own, common, configText }: GitDirectory, head: Head, tracked: Tracked): string {
  const hash = createHash('sha256')
  // Attributes say what a diff looks like; those of the project itself are listed.
  const attributes = [join(common, 'info', 'attributes'), ...foldersAbove(root, top).map(({ folder }) => join(folder, '.gitattributes'))].map(readText)
  for (const part of [own, JSON.stringify(head), tracked.hash, configText, readText(join(common, 'shallow')), ...attributes]) hash.update(`${part ?? ''}\0`)
  return hash.digest('hex')
}

/** The rules that hold at the project's root, from `info/exclude` and the folders above it. */
function createRulesReader (root: string): (directory: GitDirectory, prefix: string) => Pick<Repository, 'rules' | 'isIgnored'> {
  let latest: { key: string, rules: IgnoreChain | undefined, isIgnored: boolean } | undefined

  return ({ top, common }, prefix) => {
    const bases = prefix.split('/').slice(0, -1).map((_name, index, names) => names.slice(0, index).map((name) => `${name}/`).join(''))
    const files = [
      { base: '', content: readRegular(join(common, 'info', 'exclude')) },
      // A link in the place of an ignore file is not followed by git.
      ...bases.map((base) => ({ base, content: readRegular(join(top, base, '.gitignore'), constants.O_NOFOLLOW) }))
    ]
    const key = JSON.stringify([top, root, ...files.map(({ base, content }) => [base, content?.toString('latin1')])])
    if (latest?.key === key) return latest
    let rules: IgnoreChain | undefined
    let ignored = false
    for (const [index, { base, content }] of files.entries()) {
      if (content !== undefined) rules = { list: parseIgnoreFile(content, bytesOf(base)), outer: rules }
      // The folder that follows this one on the way to the root.
      const next = index === 0 ? undefined : prefix.slice(0, prefix.indexOf('/', base.length))
      if (next !== undefined && isIgnored(bytesOf(next), true, rules)) ignored = true
    }
    latest = { key, rules, isIgnored: ignored }
    return latest
  }
}

const MARKS = ['.git', 'HEAD', 'objects', 'refs']

/** Folders above the root, up to the top of the repository or, without one, all of them. */
function foldersAbove (root: string, top: string | undefined): Outside[] {
  const found: Outside[] = []
  for (let child = root; child !== top && dirname(child) !== child; child = dirname(child)) {
    found.push({ folder: dirname(child), names: [...MARKS, '.gitignore', '.gitattributes', basename(child)] })
  }
  return found
}

function outsideOf (root: string, directory: GitDirectory): Outside[] {
  const { top, own, common } = directory
  const { reference } = readHead(directory)
  const found = [
    ...foldersAbove(root, top),
    { folder: own, names: ['HEAD', 'index', 'config.worktree', 'commondir'] },
    { folder: common, names: ['HEAD', 'config', 'packed-refs', 'shallow', 'refs', 'objects', 'info'] },
    nearest(join(common, 'info', 'exclude')),
    nearest(join(common, 'info', 'attributes'))
  ]
  if (reference !== null) found.push(nearest(join(common, reference)))
  return found
}

/** The folder that exists on the way to a path, and the name in it that comes next. */
export function nearest (path: string): Outside {
  const folder = dirname(path)
  return folder === path || statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true ? { folder, names: [basename(path)] } : nearest(folder)
}

/** What git itself lists; `undefined` where it lists nothing for this folder. */
export async function askGit (root: string): Promise<{ names: string[], unreadable: number, fingerprint: string } | undefined> {
  try {
    const [listing, told] = await Promise.all([
      git(root, ['ls-files', '--cached', '--others', '--exclude-standard', '-z']),
      git(root, ['rev-parse', '--absolute-git-dir', '--git-common-dir', '--show-toplevel'])
    ])
    const [own, common, top, ...more] = told.toString('utf8').trimEnd().split('\n')
    // A repository whose configuration names another work tree would show files from outside the project.
    if (top === undefined || more.length > 0 || !`${root}/`.startsWith(`${top.replace(/\/$/, '')}/`)) return undefined
    if (listing.length === 0 && top !== root && await isIgnoredByGit(root)) return undefined
    return { ...splitNames(listing), fingerprint: askedFingerprint(own!, resolve(root, common!)) }
  } catch {
    // No repository, a bare one, or none that git can read.
    return undefined
  }
}

async function isIgnoredByGit (root: string): Promise<boolean> {
  return await git(root, ['check-ignore', '--quiet', '.'], { literal: false }).then(() => true, () => false)
}

function askedFingerprint (own: string, common: string): string {
  const head = readText(join(own, 'HEAD'))?.trim() ?? ''
  const loose = head.startsWith('ref: ') ? readText(join(common, head.slice('ref: '.length)))?.trim() : undefined
  const stamp = (path: string): string => {
    const facts = lstatSync(path, { throwIfNoEntry: false })
    return facts === undefined ? '' : stampOf(facts)
  }
  const stamped = ['index', 'config.worktree'].map((name) => join(own, name))
  const shared = ['config', 'shallow', 'packed-refs', join('reftable', 'tables.list')].map((name) => join(common, name))
  return [head, loose ?? '', ...[...stamped, ...shared].map(stamp)].join('\0')
}
