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
   * By folder, the names that are tracked in it: `name` is a file, `name/` a folder with tracked files somewhere below, `name//` a
   * repository of its own. A folder in which nothing changed keeps its set from one reading to the next.
   */
  readonly folders: ReadonlyMap<string, ReadonlySet<string>>
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
    const tracked = entries === undefined ? undefined : await arrange(entries, prefix, latest?.tracked)
    // Within the tick of its clock a file can be written again without a trace.
    latest = { key: facts !== undefined && isFresh(facts) ? '' : key, tracked }
    return tracked
  }
}

async function readEntries ({ own, top, hashBytes }: GitDirectory): Promise<IndexEntries | undefined> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const entries = readIndex(join(own, 'index'), hashBytes)
    if (entries === 'missing') return { paths: [], gitlinks: [], unreadable: [], skipped: [], hash: '' }
    if (typeof entries === 'object') return entries
    if (entries === 'unknown') break
    await wait(RETRY_MS)
  }
  return await askGit(top).catch(() => undefined)
}

/** For an index that is split, sparse, or of a kind that is not known here. */
async function askGit (top: string): Promise<IndexEntries> {
  const output = await git(top, ['ls-files', '--cached', '--stage', '-t', '-z'])
  const found: IndexEntries = { paths: [], gitlinks: [], unreadable: [], skipped: [], hash: output.toString('latin1') }
  for (const line of output.toString('latin1').split('\0')) {
    const match = /^(\S) (\d+) [0-9a-f]+ \d\t([^]*)$/.exec(line)
    if (match === null) continue
    const [, tag, mode, bytes] = match
    const path = Buffer.from(bytes!, 'latin1').toString('utf8')
    if (path.includes('\uFFFD') && Buffer.from(path, 'utf8').toString('latin1') !== bytes) found.unreadable.push(bytes!)
    else if (mode === '160000') found.gitlinks.push(path)
    else found.paths.push(path)
    if (tag === 'S') found.skipped.push(path)
  }
  return found
}

async function arrange ({ paths, gitlinks, unreadable, skipped, hash }: IndexEntries, prefix: string, earlier: Tracked | undefined): Promise<Tracked> {
  const folders = new Map<string, Set<string>>()
  const bytePrefix = Buffer.from(prefix, 'utf8').toString('latin1')
  let lastFolder: string | undefined
  let lastNames: Set<string> | undefined
  const namesOf = (folder: string): Set<string> => {
    if (folder === lastFolder) return lastNames!
    let names = folders.get(folder)
    if (names === undefined) {
      folders.set(folder, names = new Set())
      const slash = folder.lastIndexOf('/')
      if (folder !== '') namesOf(slash < 0 ? '' : folder.slice(0, slash)).add(`${folder.slice(slash + 1)}/`)
    }
    lastFolder = folder
    lastNames = names
    return names
  }
  const add = (path: string, mark: string): void => {
    if (!path.startsWith(prefix)) return
    const own = path.slice(prefix.length)
    const slash = own.lastIndexOf('/')
    namesOf(slash < 0 ? '' : own.slice(0, slash)).add(own.slice(slash + 1) + mark)
  }
  await inSlices(paths, (path) => { add(path, '') })
  for (const path of gitlinks) add(path, '//')
  return {
    folders: new Map([...folders].map(([folder, names]) => [folder, sameNames(earlier?.folders.get(folder), names)])),
    unreadable: new Set(unreadable.filter((path) => path.startsWith(bytePrefix))),
    skippedIgnoreFiles: skipped.filter((path) => /(^|\/)\.gitignore$/.test(path)),
    hash
  }
}

function sameNames (earlier: ReadonlySet<string> | undefined, names: ReadonlySet<string>): ReadonlySet<string> {
  if (earlier?.size !== names.size) return names
  for (const name of names) if (!earlier.has(name)) return names
  return earlier
}
