import { constants, lstatSync, readdirSync, type Stats } from 'node:fs'
import { join } from 'node:path'
import { codeOf } from '../../errors.js'
import { readRegular } from './git-directory.js'
import { bytesOf, isIgnored, parseIgnoreFile, type IgnoreChain } from './ignore-rules.js'
import { isFresh, stampOf } from './stamp.js'

/** What a folder is listed by; when one of these changes, it is listed again. */
export interface FolderRules {
  /** Rules from above it. */
  outer: IgnoreChain | undefined
  /** Whether it is ignored, so that only what is tracked counts. */
  trackedOnly: boolean
  /** Whether it holds nothing tracked, so that it may be a repository of its own, which is no part of this one. */
  untracked: boolean
  /** Names that are tracked in it; see `Tracked`. */
  tracked: string | undefined
}

export function sameRules (one: FolderRules, other: FolderRules): boolean {
  return one.outer === other.outer && one.trackedOnly === other.trackedOnly && one.untracked === other.untracked && one.tracked === other.tracked
}

export interface Folder extends FolderRules {
  path: string
  /** Rules that hold in it. */
  rules: IgnoreChain | undefined
  ignoreFiles: IgnoreFiles | undefined
  facts: Pick<Stats, 'mtimeMs' | 'ctimeMs' | 'ino'>
  /** Whether it was read within the tick of its last change. */
  fresh: boolean
  /** Names of the files that are listed. */
  files: Set<string>
  /** Names of the folders below it that were looked into. */
  folders: Set<string>
  /** What else tells one state from another, by name: links, files that hold secrets, nested repositories. */
  others: Map<string, string>
  /** How many names in it are no UTF-8. */
  unreadable: number
  hasDotGit: boolean
  isNested: boolean
  /** Whether things can happen in it of which a watch would not tell. */
  isHidden: boolean
}

export type EntryKind = 'file' | 'folder' | 'link' | 'other'

interface Typed { isFile (): boolean, isDirectory (): boolean, isSymbolicLink (): boolean }

export function kindOf (entry: Typed): EntryKind {
  return entry.isFile() ? 'file' : entry.isDirectory() ? 'folder' : entry.isSymbolicLink() ? 'link' : 'other'
}

const UNREACHABLE = new Set(['ENOENT', 'ENOTDIR', 'EACCES', 'ENAMETOOLONG', 'ELOOP'])

/** `undefined` for what is gone or out of reach. */
export function look (path: string | Buffer): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false })
  } catch (error) {
    if (UNREACHABLE.has(codeOf(error) ?? '')) return undefined
    throw error
  }
}

/** What stands in a folder, by name; `closed` where it may not be read, `undefined` where it is gone. */
export function entriesOf (path: string): Map<string, EntryKind> | 'closed' | undefined {
  try {
    return new Map(readdirSync(path, { withFileTypes: true }).map((entry) => [entry.name, kindOf(entry)]))
  } catch (error) {
    if (codeOf(error) === 'EACCES') return 'closed'
    if (UNREACHABLE.has(codeOf(error) ?? '')) return undefined
    throw error
  }
}

export interface IgnoreFiles {
  stamp: string
  fresh: boolean
  content: Buffer
}

export function readIgnoreFiles (path: string, names: readonly string[]): IgnoreFiles | undefined {
  const { stamp, fresh } = stampIgnoreFiles(path, names)
  // A link in the place of an ignore file is not followed by git.
  const contents = names.map((name) => readRegular(join(path, name), constants.O_NOFOLLOW)).filter((content) => content !== undefined)
  return contents.length === 0 ? undefined : { stamp, fresh, content: Buffer.concat(contents.flatMap((content) => [content, Buffer.from('\n')])) }
}

export function stampIgnoreFiles (path: string, names: readonly string[]): Omit<IgnoreFiles, 'content'> {
  const found = names.map((name) => look(join(path, name))).filter((facts) => facts !== undefined)
  return { stamp: found.map(stampOf).join('\n'), fresh: found.some(isFresh) }
}

/** The rules in a folder: those of its own ignore files before those from above. */
export function rulesIn (base: string, files: IgnoreFiles | undefined, outer: IgnoreChain | undefined): IgnoreChain | undefined {
  return files === undefined ? outer : { list: parseIgnoreFile(files.content, bytesOf(base)), outer }
}

/**
 * Counts names in a folder that are no UTF-8, and says whether folders are among them. `base` is the folder relative to the top of
 * the repository.
 */
export function countUnreadable (path: string, base: string, rules: IgnoreChain | undefined, tracked: ReadonlySet<string>): { names: number, hasFolders: boolean } {
  let names = 0
  let hasFolders = false
  // Paths hold one character for each byte here.
  const visit = (folder: string, relative: string, chain: IgnoreChain | undefined, takesAll: boolean): void => {
    let entries
    try {
      entries = readdirSync(Buffer.from(folder, 'latin1'), 'latin1')
    } catch {
      return
    }
    for (const name of entries) {
      if (name === '.git' || (!takesAll && !isUnreadable(name))) continue
      const path = relative + name
      const facts = look(Buffer.from(`${folder}/${name}`, 'latin1'))
      if (facts === undefined || tracked.has(path) || isIgnored(path, facts.isDirectory(), chain)) continue
      if (facts.isDirectory()) {
        hasFolders = true
        const own = readRegular(Buffer.from(`${folder}/${name}/.gitignore`, 'latin1'), constants.O_NOFOLLOW)
        visit(`${folder}/${name}`, `${path}/`, own === undefined ? chain : { list: parseIgnoreFile(own, `${path}/`), outer: chain }, true)
      } else if (kindOf(facts) !== 'other') names++
    }
  }
  visit(bytesOf(path), bytesOf(base), rules, false)
  return { names, hasFolders }
}

function isUnreadable (bytes: string): boolean {
  const text = Buffer.from(bytes, 'latin1').toString('utf8')
  return text.includes('\uFFFD') && Buffer.from(text, 'utf8').toString('latin1') !== bytes
}
