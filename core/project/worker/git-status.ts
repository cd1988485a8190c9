import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { join } from 'node:path'
import type { UncommittedChange } from '../../contracts/context-strategy.js'
import { holdsSecrets } from '../secret-files.js'
import { look } from './folder.js'
import { git, splitNames } from './git.js'
import { booleanOf } from './git-config.js'
import { readText, type GitDirectory } from './git-directory.js'
import { findIndexEntries, type IndexEntry } from './git-index.js'
import type { GitSettings } from './git-settings.js'
import { readGuarded } from './guarded-read.js'
import type { ListedFile } from './listed-files.js'

type Status = UncommittedChange['status']

/** A path of a status, relative to the project's root. */
export interface StatusEntry {
  path: string
  /** The two letters of git: index against head, files against index. `?` for untracked, `u` for a conflict. */
  code: string
  /** Where the index is as the head and the file is not: content of both, by their hashes in git. */
  blobs?: readonly [before: string, now: string]
}

export interface GitStatus {
  branch: string | null
  head: string | null
  /** As git orders them: changes, conflicts, untracked files, each by the bytes of their paths. */
  entries: StatusEntry[]
}

/** Asks git. `prefix` is the project's folder within its repository; without `withHead` branch and head are not told. */
export async function readStatus (root: string, prefix: string, withHead: boolean, config: GitSettings['noFilters']): Promise<GitStatus> {
  const output = await git(root, ['status', '--porcelain=v2', ...(withHead ? ['--branch', '--no-ahead-behind'] : []), '--untracked-files=all', '--ignore-submodules=all', '--no-renames', '-z', '--', '.'], { config })
  return parseStatus(splitNames(output).names, prefix)
}

/** git puts the prefix before every path of a status. */
function parseStatus (records: readonly string[], prefix: string): GitStatus {
  const found: GitStatus = { branch: null, head: null, entries: [] }
  for (const record of records) {
    if (record.startsWith('# branch.oid ')) found.head = record.endsWith('(initial)') ? null : record.slice('# branch.oid '.length)
    else if (record.startsWith('# branch.head ')) found.branch = record.endsWith('(detached)') ? null : record.slice('# branch.head '.length)
    else if (record.startsWith('? ')) found.entries.push({ path: record.slice(2), code: '?' })
    else if (record.startsWith('1 ')) found.entries.push({ path: record.split(' ').slice(8).join(' '), code: record.slice(2, 4) })
    else if (record.startsWith('u ')) found.entries.push({ path: record.split(' ').slice(10).join(' '), code: 'u' })
  }
  found.entries = found.entries.filter(({ path }) => path.startsWith(prefix) && !holdsSecrets(path)).map(({ path, code }) => ({ path: path.slice(prefix.length), code }))
  return found
}

export function statusOf (code: string): Status {
  if (code === '?') return 'untracked'
  if (code === 'u') return 'conflicted'
  if (code.includes('A')) return 'added'
  return code.includes('D') ? 'deleted' : 'modified'
}

/** A larger file is left to git. */
const MAX_BYTES = 8 * 1024 * 1024
const [PLAIN, EXECUTABLE] = [0o100644, 0o100755]
const FULL_ORDER: Record<string, number> = { u: 1, '?': 2 }

/**
 * Brings a status up to date for files that came, changed or went while head, index and configuration stayed the same. `undefined`
 * where only git can tell: of conflicts, links, files that it converts (line ends, identifiers, encodings), and of names that are
 * in the index in an unusual way. `known` are entries of this index that were looked for before, and is added to.
 */
export async function updateStatus (root: string, prefix: string, directory: GitDirectory, files: ReadonlyMap<string, ListedFile>, entries: readonly StatusEntry[], changed: ReadonlySet<string>, known: KnownEntries = new Map()): Promise<StatusEntry[] | undefined> {
  const index = await indexEntries(directory, [...changed].map((path) => prefix + path), known)
  if (index === undefined) return undefined
  const after = new Map(entries.map((entry) => [entry.path, entry]))
  // A path that is deleted in the index and there again stands twice.
  if (after.size < entries.length) return undefined
  for (const path of changed) {
    const before = after.get(path)?.code ?? '..'
    const entry = entryOf(root, path, files.get(path), index.get(prefix + path), before, directory)
    if (entry === undefined) return undefined
    if (entry.code === '..') after.delete(path)
    else after.set(path, entry)
  }
  return [...after.values()].map((entry) => ({ entry, rank: FULL_ORDER[entry.code] ?? 0, bytes: Buffer.from(entry.path) }))
    .sort((a, b) => a.rank - b.rank || Buffer.compare(a.bytes, b.bytes)).map(({ entry }) => entry)
}

/** Entries of an index by path; `null` for a path that is not in it. */
export type KnownEntries = Map<string, IndexEntry | null>

/** All of an index is read for one of its entries, and who edits a file edits it again. */
async function indexEntries (directory: GitDirectory, names: readonly string[], known: KnownEntries): Promise<ReadonlyMap<string, IndexEntry> | undefined> {
  const missing = names.filter((name) => !known.has(name))
  const found = missing.length === 0 ? new Map<string, IndexEntry>() : await findIndexEntries(join(directory.own, 'index'), directory.hashBytes, new Set(missing))
  if (found === undefined) return undefined
  for (const name of missing) known.set(name, found.get(name) ?? null)
  for (const name of names) {
    const entry = known.get(name)
    if (entry != null) found.set(name, entry)
  }
  return found
}

function entryOf (root: string, path: string, listed: ListedFile | undefined, entry: IndexEntry | undefined, before: string, directory: GitDirectory): StatusEntry | undefined {
  if (before === 'u') return undefined
  if (entry === undefined) {
    // What was deleted from the index, and is in the head, is another matter.
    if (before !== '?' && before !== '..') return undefined
    return { path, code: listed === undefined ? '..' : '?' }
  }
  if (before === '?' || entry.isSpecial || (entry.mode !== PLAIN && entry.mode !== EXECUTABLE)) return undefined
  const staged = before[0]!
  const facts = look(join(root, path))
  if (listed === undefined) return facts === undefined ? { path, code: `${staged}D` } : undefined
  const raw = readGuarded(root, path, MAX_BYTES)
  if (typeof raw === 'string' || facts?.isFile() !== true || isConverted(raw.bytes)) return undefined
  const hash = createHash(directory.hashBytes === 20 ? 'sha1' : 'sha256').update(`blob ${raw.bytes.length}\0`).update(raw.bytes).digest('hex')
  const hasSameMode = ((facts.mode & constants.S_IXUSR) !== 0) === (entry.mode === EXECUTABLE)
  const code = staged + (hash === entry.hash && hasSameMode ? '.' : 'M')
  return code === '.M' && hasSameMode ? { path, code, blobs: [entry.hash, hash] } : { path, code }
}

/** Whether git may take a file's content for other bytes than those on the disk: `text`, `eol` and `autocrlf` look at line ends, `ident` at its mark. */
function isConverted (bytes: Buffer): boolean {
  return bytes.includes(0x0D) || bytes.includes('$Id')
}

/** How far git's answers can be known without asking. */
export interface Plainness {
  /** Whether configuration and attributes leave the contents, modes and names of files as they are, but for what `isConverted` finds. */
  files: boolean
  /** Whether they leave the form of diffs as it is. */
  diffs: boolean
}

export function plainnessOf (root: string, { top, common, config }: GitDirectory, files: ReadonlyMap<string, ListedFile>, entries: readonly StatusEntry[]): Plainness {
  const isPlain = { files: false, diffs: false }
  if (booleanOf(config, 'core.filemode') !== true || (config.has('core.symlinks') && booleanOf(config, 'core.symlinks') !== true) || config.has('core.precomposeunicode')) return isPlain
  const isAttributes = (path: string): boolean => path === '.gitattributes' || path.endsWith('/.gitattributes')
  // Without the file, git reads those of the index.
  if (entries.some(({ path, code }) => isAttributes(path) && code.includes('D'))) return isPlain
  const inside = [...files.keys()].filter(isAttributes).map((path) => join(root, path))
  const above = foldersAbove(root, top).map((folder) => join(folder, '.gitattributes'))
  const rules = [join(common, 'info', 'attributes'), ...above, ...inside].map((path) => readText(path) ?? '').join('\n')
  return {
    files: !rules.includes('working-tree-encoding'),
    diffs: !/diff|binary|\[attr\]/.test(rules) && ![...config.keys()].some((key) => key.startsWith('diff.') || key === 'core.abbrev')
  }
}

function foldersAbove (root: string, top: string): string[] {
  const folders: string[] = []
  for (let folder = root; folder !== top; folder = join(folder, '..')) folders.push(join(folder, '..'))
  return folders
}

/** Whether attributes hold for a path that are in no listing, because git ignores them or has them in its index alone. */
export function hasHiddenAttributes (root: string, path: string, files: ReadonlyMap<string, ListedFile>): boolean {
  for (let cut = path.lastIndexOf('/'); ; cut = path.lastIndexOf('/', cut - 1)) {
    const own = `${path.slice(0, cut + 1)}.gitattributes`
    if (!files.has(own) && look(join(root, own)) !== undefined) return true
    if (cut < 0) return false
  }
}
