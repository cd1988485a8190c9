import { createHash } from 'node:crypto'
import type { Stats } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as rest } from 'node:timers/promises'
import { holdsSecrets } from '../secret-files.js'
import { countUnreadable, entriesOf, kindOf, look, readIgnoreFiles, rulesIn, sameRules, stampIgnoreFiles, type EntryKind, type Folder, type FolderRules } from './folder.js'
import { FolderTable, pathIn } from './folder-table.js'
import { gitFileTarget, isNestedRepository } from './git-directory.js'
import { bytesOf, isIgnored } from './ignore-rules.js'
import { ListedFiles, type ListedFile } from './listed-files.js'
import { askGit, createRepositoryReader, nearest, type Repository, type RepositoryReader, type WatchedPlace } from './repository.js'
import { isFresh, stampOf } from './stamp.js'

/** What a watch told. */
export interface Dirty {
  /** By folder, the names that something happened to; `null` for anything in it. */
  folders: ReadonlyMap<string, ReadonlySet<string> | null>
  /** Whether it was one of the files that git keeps. */
  git: boolean
}

/** How one update changed the listing. */
export interface Change {
  files: ReadonlySet<string>
  /** Folders that came or went; one that was replaced by another of the same name did both. */
  added: ReadonlySet<string>
  removed: ReadonlySet<string>
}

const SLICE_MS = 5
const MAX_NAMES = 5_000
const MAX_PLAIN = 200_000
const NONE: ReadonlySet<string> = new Set()
const NEVER_WALKED = new Set(['.git', '.hg', '.svn', 'node_modules'])

interface Visit extends FolderRules {
  path: string
  /** Whether to read it even if nothing about it seems to have changed. */
  isForced: boolean
  /** Whether to look at everything below as well. */
  isDeep: boolean
}

/** The listing of one project, kept from one look at the disk to the next. */
export class Listing {
  readonly root: string
  readonly #readRepository: RepositoryReader
  readonly #files: ListedFiles
  readonly #folders: FolderTable
  #repository: Repository | undefined
  /** Where git itself had to be asked. */
  #asked: { unreadable: number, fingerprint: string } | undefined
  #device = 0
  #isCapped = false
  // Of the update that is under way.
  #visits: Visit[] = []
  #sliceEnds = 0
  #latestNames: { tracked: string, names: ReadonlySet<string> } | undefined

  constructor (root: string) {
    this.root = root
    this.#files = new ListedFiles(root)
    this.#folders = new FolderTable(this.#files)
    this.#readRepository = createRepositoryReader(root)
  }

  get files (): ReadonlyMap<string, ListedFile> {
    return this.#files.all
  }

  get folders (): Iterable<string> {
    return this.#folders.paths
  }

  hasFolder (path: string): boolean {
    return this.#folders.get(path) !== undefined
  }

  /** Files left out because of what their names say they hold. */
  get secrets (): string[] {
    return [...this.#folders.secrets].sort()
  }

  /** How many names are no UTF-8 and were left out. */
  get unreadable (): number {
    return this.#asked?.unreadable ?? this.#folders.unreadable + this.#repo.tracked.unreadable.size
  }

  get hasGit (): boolean {
    return this.#asked !== undefined || this.#isGit
  }

  /** Changes whenever a file of the listing, the branch or its head does. */
  get fingerprint (): string {
    return createHash('sha256').update(`${this.#files.hash} ${this.unreadable} ${this.#asked?.fingerprint ?? this.#repo.fingerprint}`).digest('hex')
  }

  /** Changes whenever the head, the index or the configuration does; `undefined` where that is not read here. */
  get repositoryFingerprint (): string | undefined {
    return this.#isGit ? this.#repo.fingerprint : undefined
  }

  /** Hash of the last commit as it was listed; `undefined` where that is not read here. */
  get head (): string | undefined {
    return this.#repository?.kind === 'git' ? this.#repository.head ?? '' : undefined
  }

  /** Changes whenever a link, a repository within or a file that holds secrets comes, changes or goes. */
  get marks (): string {
    return this.#files.marks
  }

  /** Whether a watch of the folders tells all changes. */
  get isWatchable (): boolean {
    return this.#repo.kind !== 'asked' && !this.#isCapped && !this.#folders.hasHidden
  }

  /** Whether files have further names, so that they have to be looked at themselves. */
  get hasLinked (): boolean {
    return this.#files.linked.length > 0
  }

  /** What to watch beside the folders. */
  get places (): WatchedPlace[] {
    const nested = [...this.#folders.dotGits].flatMap((about) => {
      const path = join(this.root, about, '.git')
      const target = look(path)?.isFile() === true ? gitFileTarget(path) : path
      return target === undefined ? [] : ['HEAD', 'refs', 'objects', 'commondir'].map((name) => ({ ...nearest(join(target, name)), about }))
    })
    return [...this.#repo.outside, ...nested]
  }

  /**
   * Looks at the disk: at what a watch told, or at everything. `isTrusted`: a watch has told of every change since the last look, so
   * that files that are as they were need no second thought.
   */
  async update (dirty: Dirty | undefined, isTrusted: boolean): Promise<Change> {
    // Of a folder that a watch told about without names, it may not have told all.
    const isSure = isTrusted && ![...dirty?.folders.values() ?? []].includes(null)
    this.#files.begin(isSure)
    this.#folders.begin()
    this.#visits = []
    this.#latestNames = undefined
    this.#sliceEnds = performance.now() + SLICE_MS
    if (dirty === undefined || !await this.#follow(dirty)) await this.#check()
    for (const path of await this.#files.settle()) {
      const folder = this.#folders.of(path)
      if (folder !== undefined) this.#folders.leave(folder, nameOf(path))
    }
    return { files: await this.#files.commit(), ...this.#folders.changes }
  }

  get #repo (): Repository {
    return this.#repository!
  }

  get #isGit (): boolean {
    return this.#repo.kind === 'git'
  }

  get #ignoreFiles (): readonly string[] {
    return this.#isGit ? ['.gitignore'] : ['.gitignore', '.ignore']
  }

  // Half the time of a check would be spent in `path.join`, which looks for dots and double slashes.
  #at (path: string): string {
    return path === '' ? this.root : `${this.root}/${path}`
  }

  /** Looks at everything. */
  async #check (): Promise<void> {
    const before = this.#repository
    const wasAsked = this.#asked !== undefined
    this.#repository = await this.#readRepository()
    const asked = this.#repo.kind === 'asked' ? await askGit(this.root) : undefined
    this.#asked = asked
    if (asked !== undefined || wasAsked || this.#isCapped || before?.kind !== this.#repo.kind || before.prefix !== this.#repo.prefix) {
      this.#folders.dropAll()
      this.#isCapped = false
    }
    if (asked !== undefined) return await this.#takeNames(asked.names)
    const { rules, isIgnored: trackedOnly, tracked } = this.#repo
    this.#visits = [{ path: '', outer: rules, trackedOnly, untracked: false, tracked: tracked.folders.get(''), isForced: false, isDeep: true }]
    await this.#visitAll()
  }

  /** Looks at what a watch told; gives up where that means everything. */
  async #follow (dirty: Dirty): Promise<boolean> {
    const before = this.#repository
    let names = 0
    for (const set of dirty.folders.values()) names += set?.size ?? 1
    if (before === undefined || !this.isWatchable || names > MAX_NAMES) return false
    if (dirty.git || dirty.folders.get('')?.has('.git') === true) {
      const after = this.#repository = await this.#readRepository()
      if (before.kind !== after.kind || before.prefix !== after.prefix || before.rules !== after.rules || before.isIgnored !== after.isIgnored) {
        this.#repository = before
        return false
      }
      for (const path of new Set([...before.tracked.folders.keys(), ...after.tracked.folders.keys()])) {
        if (before.tracked.folders.get(path) !== after.tracked.folders.get(path)) this.#again(path)
      }
      await this.#visitAll()
    }
    for (const path of this.#files.linked) {
      const folder = this.#folders.of(path)
      // The index may just have given it up.
      if (folder?.files.has(nameOf(path)) !== true) continue
      const facts = look(this.#at(path))
      if (facts?.isFile() === true) this.#files.put(path, facts, false)
      else this.#touch(folder, nameOf(path))
    }
    for (const [path, set] of [...dirty.folders].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const folder = this.#folders.get(path)
      if (folder === undefined) continue
      if (set === null || set.has('.git') || this.#ignoreFiles.some((name) => set.has(name))) this.#again(path)
      for (const name of set ?? []) {
        this.#touch(folder, name)
        if (performance.now() > this.#sliceEnds) await this.#rest()
      }
      await this.#visitAll()
    }
    return true
  }

  /** Reads a folder again, and what is below it only as far as that changes it. */
  #again (path: string): void {
    const folder = this.#folders.get(path)
    if (folder === undefined) return
    const { outer, trackedOnly } = folder
    this.#visits.push({ path, outer, trackedOnly, ...this.#trackedIn(path, trackedOnly), isForced: true, isDeep: false })
  }

  #trackedIn (path: string, trackedOnly: boolean): Pick<FolderRules, 'tracked' | 'untracked'> {
    const tracked = this.#repo.tracked.folders.get(path)
    return { tracked, untracked: path !== '' && tracked === undefined && !trackedOnly && this.#isGit }
  }

  #visitOf (folder: Folder, name: string, isDeep: boolean): Visit {
    const path = pathIn(folder.path, name)
    const trackedOnly = folder.trackedOnly || this.#isIgnored(folder, name, true)
    return { path, outer: folder.rules, trackedOnly, ...this.#trackedIn(path, trackedOnly), isForced: false, isDeep }
  }

  #isIgnored (folder: Folder, name: string, isFolder: boolean): boolean {
    return folder.rules !== undefined && isIgnored(bytesOf(this.#repo.prefix + pathIn(folder.path, name)), isFolder, folder.rules)
  }

  async #rest (): Promise<void> {
    await rest()
    this.#sliceEnds = performance.now() + SLICE_MS
  }

  async #visitAll (): Promise<void> {
    for (let visit = this.#visits.pop(); visit !== undefined; visit = this.#visits.pop()) {
      await this.#visit(visit)
      if (performance.now() > this.#sliceEnds) await this.#rest()
    }
  }

  async #visit (visit: Visit): Promise<void> {
    const path = this.#at(visit.path)
    const facts = look(path)
    if (facts?.isDirectory() !== true) return this.#folders.drop(visit.path)
    if (visit.path === '') this.#device = facts.dev
    // Another folder under the same name: a watch of the one before tells nothing about it.
    if (this.#folders.get(visit.path)?.facts.ino !== facts.ino) this.#folders.drop(visit.path)
    const folder = this.#folders.get(visit.path)
    if (folder === undefined || visit.isForced || !this.#isAsItWas(folder, visit, facts, path)) return await this.#read(visit, facts, path)
    for (const name of folder.files) {
      const child = pathIn(folder.path, name)
      const now = look(this.#at(child))
      if (now?.isFile() === true) this.#files.put(child, now, false)
      else this.#touch(folder, name)
      if (performance.now() > this.#sliceEnds) await this.#rest()
    }
    for (const name of [...folder.others.keys()]) if (name !== '.git') this.#touch(folder, name)
    for (const name of folder.folders) this.#visits.push(this.#visitOf(folder, name, true))
  }

  #isAsItWas (folder: Folder, visit: Visit, { mtimeMs, ctimeMs }: Stats, path: string): boolean {
    const { ignoreFiles } = folder
    return !folder.fresh && !folder.isHidden && folder.facts.mtimeMs === mtimeMs && folder.facts.ctimeMs === ctimeMs && sameRules(folder, visit) &&
      (!folder.hasDotGit || folder.isNested === (folder.untracked && isNestedRepository(path))) &&
      (ignoreFiles === undefined || (!ignoreFiles.fresh && ignoreFiles.stamp === stampIgnoreFiles(path, this.#ignoreFiles).stamp))
  }

  /** Reads the names in a folder. */
  async #read (visit: Visit, facts: Stats, path: string): Promise<void> {
    const before = this.#folders.get(visit.path)
    const fresh = isFresh(facts)
    const entries = entriesOf(path)
    if (entries === undefined) return this.#folders.drop(visit.path)
    const isClosed = entries === 'closed'
    const has = (name: string): boolean => !isClosed && entries.has(name)
    const hasDotGit = this.#isGit && visit.path !== '' && has('.git')
    const ignoreFiles = this.#ignoreFiles.some(has) ? readIgnoreFiles(path, this.#ignoreFiles) : undefined
    const hasSameRules = before !== undefined && before.outer === visit.outer && (ignoreFiles === undefined ? before.ignoreFiles === undefined : before.ignoreFiles?.content.equals(ignoreFiles.content) === true)
    const base = `${this.#repo.prefix}${visit.path === '' ? '' : `${visit.path}/`}`
    const { outer, trackedOnly, untracked, tracked } = visit
    const folder: Folder = {
      path: visit.path,
      outer,
      trackedOnly,
      untracked,
      tracked,
      rules: hasSameRules ? before.rules : rulesIn(base, ignoreFiles, outer),
      ignoreFiles,
      facts: { mtimeMs: facts.mtimeMs, ctimeMs: facts.ctimeMs, ino: facts.ino },
      fresh,
      files: new Set(),
      folders: new Set(),
      others: new Map(),
      unreadable: 0,
      hasDotGit,
      isNested: hasDotGit && untracked && isNestedRepository(path),
      isHidden: (isClosed && tracked !== undefined) || facts.dev !== this.#device
    }
    this.#folders.put(folder)
    // Neither a repository within nor the inside of a bare one holds files of the project.
    if (folder.isNested) this.#folders.mark(folder, '.git', 'nested')
    else if (this.#isGit || !['HEAD', 'objects', 'refs'].every(has)) {
      // Without leave to read the names, those that git knows can still be looked for.
      if (isClosed) for (const name of tracked?.split('\0') ?? []) this.#touch(folder, name.replace(/\/+$/, ''))
      else await this.#takeAll(folder, entries, path, base)
    }
    for (const name of before?.files ?? []) if (!folder.files.has(name)) this.#files.remove(pathIn(folder.path, name))
    for (const name of before?.folders ?? []) if (!folder.folders.has(name)) this.#folders.drop(pathIn(folder.path, name))
    for (const name of folder.folders) {
      const child = this.#visitOf(folder, name, visit.isDeep)
      const known = this.#folders.get(child.path)
      if (visit.isDeep || known === undefined || !sameRules(known, child)) this.#visits.push(child)
    }
  }

  async #takeAll (folder: Folder, entries: ReadonlyMap<string, EntryKind>, path: string, base: string): Promise<void> {
    let hasUnreadable = false
    for (const [name, kind] of entries) {
      if (name.includes('\uFFFD') && look(`${path}/${name}`) === undefined) hasUnreadable = true
      else this.#take(folder, name, kind)
      if (performance.now() > this.#sliceEnds) await this.#rest()
    }
    if (!hasUnreadable || folder.trackedOnly) return
    const { names, hasFolders } = countUnreadable(path, base, folder.rules, this.#repo.tracked.unreadable)
    this.#folders.addUnreadable(folder, names, hasFolders)
  }

  /** Looks at one name in a folder, at which something happened. */
  #touch (folder: Folder, name: string): void {
    if (folder.isNested || name === '.git') return
    if (name.includes('\uFFFD')) return this.#again(folder.path)
    const facts = look(this.#at(pathIn(folder.path, name)))
    const kind = facts === undefined ? 'other' : kindOf(facts)
    const isKnown = folder.folders.has(name)
    if (isKnown && kind === 'folder') {
      this.#visits.push({ ...this.#visitOf(folder, name, false), isForced: true })
      return
    }
    if (isKnown) {
      folder.folders.delete(name)
      this.#folders.drop(pathIn(folder.path, name))
    }
    this.#folders.mark(folder, name, undefined)
    if (kind !== 'file') this.#folders.leave(folder, name)
    this.#take(folder, name, kind, facts)
    if (folder.folders.has(name)) this.#visits.push(this.#visitOf(folder, name, true))
  }

  /** Decides whether what stands under a name is part of the listing. */
  #take (folder: Folder, name: string, kind: EntryKind, facts?: Stats): void {
    if (kind === 'other' || (this.#isGit ? name === '.git' : kind === 'link')) return
    const path = pathIn(folder.path, name)
    const tracked = this.#namesIn(folder.tracked)
    const isTracked = tracked.has(kind === 'folder' ? `${name}/` : name)
    if (kind === 'folder' && (tracked.has(`${name}//`) || (!this.#isGit && NEVER_WALKED.has(name)))) return
    if (!isTracked && (folder.trackedOnly || this.#isIgnored(folder, name, kind === 'folder'))) return this.#folders.leave(folder, name)
    if (kind === 'folder') {
      folder.folders.add(name)
    } else if (holdsSecrets(path)) {
      if (kind === 'file') this.#folders.mark(folder, name, 'secret')
    } else {
      const found = facts ?? look(this.#at(path))
      if (found === undefined || kindOf(found) !== kind) this.#folders.leave(folder, name)
      else if (kind === 'link') this.#folders.mark(folder, name, stampOf(found))
      else if (!this.#isGit && this.#folders.listed >= MAX_PLAIN && !folder.files.has(name)) this.#isCapped = true
      else {
        this.#folders.enter(folder, name)
        this.#files.put(path, found, facts !== undefined)
      }
    }
  }

  /** What is tracked in a folder. Names of one folder are mostly asked for one after the other. */
  #namesIn (tracked: string | undefined): ReadonlySet<string> {
    if (tracked === undefined) return NONE
    if (this.#latestNames?.tracked !== tracked) this.#latestNames = { tracked, names: new Set(tracked.split('\0')) }
    return this.#latestNames.names
  }

  /** Takes over the names that git told. */
  async #takeNames (names: readonly string[]): Promise<void> {
    const real = new Map<string, boolean>([['', true]])
    // A folder swapped for a link leads out of the project.
    const isReal = (folder: string): boolean => {
      const known = real.get(folder)
      if (known !== undefined) return known
      const isIt = isReal(folder.slice(0, Math.max(0, folder.lastIndexOf('/')))) && look(this.#at(folder))?.isDirectory() === true
      real.set(folder, isIt)
      return isIt
    }
    for (const path of new Set(names)) {
      if (performance.now() > this.#sliceEnds) await this.#rest()
      if (holdsSecrets(path)) {
        this.#folders.addSecret(path)
        continue
      }
      const facts = isReal(path.slice(0, Math.max(0, path.lastIndexOf('/')))) ? look(this.#at(path)) : undefined
      if (facts?.isFile() === true) this.#files.put(path, facts, false)
    }
  }
}

function nameOf (path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

export type { ListedFile }
