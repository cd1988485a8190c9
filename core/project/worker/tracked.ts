import { createHash } from 'node:crypto'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { inSlices } from '../slices.js'
import { git } from './git.js'
import type { GitDirectory } from './git-directory.js'
import { readIndex, type IndexEntries } from './git-index.js'
import { isFresh, stampOf } from './stamp.js'

/** What git tracks below a project's root. */
export interface Tracked {
  /**
   * By folder, the names that are tracked in it, joined by NUL: `name` is a file, `name/` a folder with tracked files somewhere below,
   * `name//` a repository of its own. As one text, because few are asked for, and a set takes ten times as much.
   */
  readonly folders: ReadonlyMap<string, string>
  /** Names that are no UTF-8, relative to the top of the repository, with one character for each byte. */
  readonly unreadable: ReadonlySet<string>
  /** Ignore files that need not be there, which git then reads from its objects. */
  readonly skippedIgnoreFiles: readonly string[]
  readonly hash: string
}

export const NOTHING_TRACKED: Tracked = { folders: new Map(), unreadable: new Set(), skippedIgnoreFiles: [], hash: '' }

// Writers replace the index in one step, all but some in other languages.
const ATTEMPTS = 4
const RETRY_MS = 5

/** Reads the index again when it changed. `undefined` where even git cannot read it. */
export function createTrackedReader (): (directory: GitDirectory, prefix: string) => Promise<Tracked | undefined> {
  let latest: { key: string, tracked: Tracked | undefined } | undefined

  return async (directory, prefix) => {
    const path = join(directory.own, 'index')
    const facts = statSync(path, { throwIfNoEntry: false })
    const key = `${path}\0${prefix}\0${facts === undefined ? '' : stampOf(facts)}`
    if (latest?.key === key) return latest.tracked
    const entries = await readEntries(directory)
    const tracked = entries === undefined ? undefined : await arrange(entries, prefix)
    // Within the tick of its clock a file can be written again without a trace.
    latest = { key: facts !== undefined && isFresh(facts) ? '' : key, tracked }
    return tracked
  }
}

async function readEntries ({ own, top, hashBytes }: GitDirectory): Promise<IndexEntries | undefined> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const entries = await readIndex(join(own, 'index'), hashBytes)
    if (entries === 'missing') return { folders: new Map(), gitlinks: [], unreadable: [], skipped: [], hash: '' }
    if (typeof entries === 'object') return entries
    if (entries === 'unknown') break
    await wait(RETRY_MS)
  }
  return await askGit(top).catch(() => undefined)
}

/** For an index that is split, sparse, or of a kind that is not known here. */
async function askGit (top: string): Promise<IndexEntries> {
  const output = await git(top, ['ls-files', '--cached', '--stage', '-t', '-z'])
  const found: IndexEntries = { folders: new Map(), gitlinks: [], unreadable: [], skipped: [], hash: createHash('sha256').update(output).digest('hex') }
  for (const line of output.toString('latin1').split('\0')) {
    const match = /^(\S) (\d+) [0-9a-f]+ \d\t([^]*)$/.exec(line)
    if (match === null) continue
    const [, tag, mode, bytes] = match
    const path = Buffer.from(bytes!, 'latin1').toString('utf8')
    if (path.includes('\uFFFD') && Buffer.from(path, 'utf8').toString('latin1') !== bytes) found.unreadable.push(bytes!)
    else if (mode === '160000') found.gitlinks.push(path)
    else push(found.folders, path)
    if (tag === 'S') found.skipped.push(path)
  }
  return found
}

/** Adds the path of a file to names by folder. */
function push (folders: Map<string, string[]>, path: string): void {
  const slash = path.lastIndexOf('/')
  const folder = slash < 0 ? '' : path.slice(0, slash)
  const name = path.slice(slash + 1)
  const names = folders.get(folder)
  if (names === undefined) folders.set(folder, [name])
  // The stages of a conflict stand one after the other.
  else if (names.at(-1) !== name) names.push(name)
}

async function arrange ({ folders, gitlinks, unreadable, skipped, hash }: IndexEntries, prefix: string): Promise<Tracked> {
  const bytePrefix = Buffer.from(prefix, 'utf8').toString('latin1')
  /** What is tracked in each folder below the root, apart from files. */
  const further = new Map<string, string[]>()
  const below = (folder: string): string[] => {
    let names = further.get(folder)
    if (names === undefined) {
      further.set(folder, names = [])
      const slash = folder.lastIndexOf('/')
      if (folder !== '') below(slash < 0 ? '' : folder.slice(0, slash)).push(`${folder.slice(slash + 1)}/`)
    }
    return names
  }
  const own = (folder: string): string | undefined => `${folder}/`.startsWith(prefix) ? folder.slice(prefix.length) : undefined
  await inSlices(folders.keys(), (folder) => {
    const path = own(folder)
    if (path !== undefined) below(path)
  })
  for (const link of gitlinks) {
    const slash = link.lastIndexOf('/')
    const path = own(link.slice(0, Math.max(0, slash)))
    if (path !== undefined) below(path).push(`${link.slice(slash + 1)}//`)
  }
  const arranged = new Map<string, string>()
  await inSlices(further, ([path, names]) => {
    const files = folders.get(path === '' ? prefix.slice(0, -1) : prefix + path) ?? []
    arranged.set(path, [...files, ...names].join('\0'))
  }, 1)
  return {
    folders: arranged,
    unreadable: new Set(unreadable.filter((path) => path.startsWith(bytePrefix))),
    skippedIgnoreFiles: skipped.filter((path) => /(^|\/)\.gitignore$/.test(path)),
    hash
  }
}
