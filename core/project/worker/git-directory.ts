import { accessSync, closeSync, constants, fstatSync, lstatSync, openSync, readlinkSync, readSync, realpathSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { parseGitConfig, booleanOf, type GitConfig } from './git-config.js'

/** Where git keeps what belongs to a folder. */
export interface GitDirectory {
  /** Real path of the folder that holds `.git`. */
  top: string
  /** What belongs to this work tree alone. */
  own: string
  /** What all work trees share. */
  common: string
  config: GitConfig
  /** Of the files that it was read from. */
  configText: string
  hashBytes: 20 | 32
}

/** `none`: git sees no work tree here. `unusual`: only git can say what it sees. */
export type Discovery = GitDirectory | 'none' | 'unusual'

const MAX_BYTES = 16 * 1024 * 1024

/** A regular file, whatever stands in its place; `undefined` for anything else. */
export function readRegular (path: string | Buffer, flags = 0): Buffer | undefined {
  let descriptor: number
  try {
    // O_NONBLOCK keeps a FIFO from hanging the open.
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | flags)
  } catch {
    return undefined
  }
  try {
    const facts = fstatSync(descriptor)
    if (!facts.isFile() || facts.size > MAX_BYTES) return undefined
    const bytes = Buffer.allocUnsafe(facts.size)
    let length = 0
    for (let count = -1; length < facts.size && count !== 0; length += count) count = readSync(descriptor, bytes, length, facts.size - length, length)
    return bytes.subarray(0, length)
  } catch {
    return undefined
  } finally {
    closeSync(descriptor)
  }
}

export function readText (path: string): string | undefined {
  return readRegular(path)?.toString('utf8')
}

/** Finds the repository of a folder the way git does. */
export function discover (root: string): Discovery {
  let folder = root
  for (;;) {
    const marked = gitDirectoryAt(join(folder, '.git'))
    if (marked === 'broken') return 'none'
    if (marked !== undefined) return describe(folder, marked)
    if (isGitDirectory(folder)) return 'none'
    const parent = dirname(folder)
    if (parent === folder || statSync(parent, { throwIfNoEntry: false })?.dev !== statSync(folder, { throwIfNoEntry: false })?.dev) return 'none'
    folder = parent
  }
}

/** Whether a folder within a project is the top of a repository of its own. */
export function isNestedRepository (folder: string): boolean {
  const marked = gitDirectoryAt(join(folder, '.git'))
  return marked !== undefined && marked !== 'broken'
}

/** What `.git` is or leads to; `broken` for a file that leads nowhere. */
function gitDirectoryAt (path: string): string | 'broken' | undefined {
  const facts = statSync(path, { throwIfNoEntry: false })
  if (facts === undefined) return undefined
  if (facts.isDirectory()) return isGitDirectory(path) ? path : undefined
  if (!facts.isFile()) return undefined
  const target = gitFileTarget(path)
  return target !== undefined && isGitDirectory(target) ? target : 'broken'
}

export function gitFileTarget (path: string): string | undefined {
  const match = /^gitdir: ([^\0]*?)[\r\n]*$/.exec(readText(path) ?? '')
  return match === null || match[1] === '' ? undefined : resolve(dirname(path), match[1]!)
}

function isGitDirectory (path: string): boolean {
  const common = commonOf(path)
  return hasHead(join(path, 'HEAD')) && isEnterable(join(common, 'objects')) && isEnterable(join(common, 'refs'))
}

function commonOf (own: string): string {
  const text = readText(join(own, 'commondir'))?.replace(/[\r\n]+$/, '')
  return text === undefined || text === '' ? own : resolve(own, text)
}

function isEnterable (path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

function hasHead (path: string): boolean {
  const facts = lstatSync(path, { throwIfNoEntry: false })
  if (facts === undefined) return false
  if (facts.isSymbolicLink()) return readlinkSync(path).startsWith('refs/')
  return /^(?:ref:\s*refs\/|[0-9a-f]{40})/i.test(readText(path)?.slice(0, 255) ?? '')
}

const KNOWN_EXTENSIONS = new Set(['noop', 'preciousobjects', 'partialclone', 'worktreeconfig', 'objectformat'])

function describe (top: string, path: string): Discovery {
  const own = realpathSync(path)
  const common = realpathSync(commonOf(own))
  const shared = readText(join(common, 'config')) ?? ''
  const config = parseGitConfig(shared)
  if (config === undefined) return 'unusual'
  const version = config.get('core.repositoryformatversion')?.at(-1) ?? '0'
  if (version !== '0' && version !== '1') return 'unusual'
  // Of version 0, old extensions count as well, and new ones not at all: git knows which.
  if ([...config.keys()].some((key) => key.startsWith('extensions.') && (version === '0' ? !/\.(noop|preciousobjects|partialclone|worktreeconfig)$/.test(key) : !KNOWN_EXTENSIONS.has(key.slice('extensions.'.length))))) return 'unusual'
  const hasOwnConfig = booleanOf(config, 'extensions.worktreeconfig') === true
  const ownText = hasOwnConfig ? readText(join(own, 'config.worktree')) ?? '' : ''
  const ownConfig = parseGitConfig(ownText)
  if (ownConfig === undefined) return 'unusual'
  const merged: GitConfig = new Map([...config, ...ownConfig])
  if ([...merged.keys()].some((key) => key.startsWith('include.') || key.startsWith('includeif.'))) return 'unusual'
  if (booleanOf(merged, 'core.ignorecase') !== false && merged.has('core.ignorecase')) return 'unusual'
  // In a further work tree, what the shared configuration says of the main one does not hold.
  if (own === common || hasOwnConfig) {
    if (merged.has('core.bare') && booleanOf(merged, 'core.bare') !== false) return own === common ? 'none' : 'unusual'
    const elsewhere = merged.get('core.worktree')?.at(-1)
    if (elsewhere !== undefined && (elsewhere === null || resolve(own, elsewhere) !== top)) return 'unusual'
  }
  const format = config.get('extensions.objectformat')?.at(-1) ?? 'sha1'
  if (format !== 'sha1' && format !== 'sha256') return 'unusual'
  return { top, own, common, config: merged, configText: `${shared}\0${ownText}`, hashBytes: format === 'sha1' ? 20 : 32 }
}

export interface Head {
  /** `null` when the head is detached. */
  branch: string | null
  /** `null` before the first commit. */
  commit: string | null
  /** Folder below `common` and name of the reference that the head stands on, if any. */
  reference: string | null
}

const MAX_LINKS = 5

/** What is checked out, without git. */
export function readHead ({ own, common, hashBytes }: GitDirectory): Head {
  const path = join(own, 'HEAD')
  const text = lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true ? `ref: ${readlinkSync(path)}` : readText(path) ?? ''
  const isHash = (value: string): boolean => value.length === hashBytes * 2 && /^[0-9a-f]+$/.test(value)
  const first = referenceIn(text)
  if (first === undefined) return { branch: null, commit: isHash(text.trim()) ? text.trim() : null, reference: null }
  const branch = first.replace(/^refs\/heads\//, '')
  let reference = first
  for (let links = 0; links < MAX_LINKS; links++) {
    const value: string = (readText(join(common, reference)) ?? packedReference(common, reference) ?? '').trim()
    const next = referenceIn(value)
    if (next === undefined) return { branch, commit: isHash(value) ? value : null, reference }
    reference = next
  }
  return { branch, commit: null, reference }
}

function referenceIn (text: string): string | undefined {
  return /^ref:\s*(\S+)/.exec(text)?.[1]
}

function packedReference (common: string, reference: string): string | undefined {
  const packed = readRegular(join(common, 'packed-refs'))
  const end = packed?.indexOf(` ${reference}\n`) ?? -1
  if (packed === undefined || end < 0) return undefined
  return packed.toString('latin1', packed.lastIndexOf(10, end) + 1, end)
}
