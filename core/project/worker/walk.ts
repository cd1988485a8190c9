import type { Stats } from 'node:fs'
import { setImmediate as rest } from 'node:timers/promises'
import { holdsSecrets } from '../secret-files.js'
import { countUnreadable, entriesOf, kindOf, look, readIgnoreFiles, rulesIn, sameRules, stampIgnoreFiles, type EntryKind, type Folder, type FolderRules } from './folder.js'
import { pathIn, type FolderTable } from './folder-table.js'
import { isNestedRepository } from './git-directory.js'
import { bytesOf, isIgnored } from './ignore-rules.js'
import type { ListedFiles } from './listed-files.js'
import type { Repository } from './repository.js'
import { isFresh, stampOf } from './stamp.js'

const SLICE_MS = 5
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

/** Walks the folders of a project and decides of what stands in them whether it is part of the listing. */
export class Walk {
  /** What git says of the project; nothing is walked before it is set. */
  repository: Repository | undefined
  readonly #root: string
  readonly #files: ListedFiles
  readonly #folders: FolderTable
  #device = 0
  #isCapped = false
  // Of the update that is under way.
  #visits: Visit[] = []
  #sliceEnds = 0
  #latestNames: { tracked: string, names: ReadonlySet<string> } | undefined

  constructor (root: string, files: ListedFiles, folders: FolderTable) {
    this.#root = root
    this.#files = files
    this.#folders = folders
  }

  /** Whether files were left out because there are too many, which is so without git alone. */
  get isCapped (): boolean {
    return this.#isCapped
  }

  /** Begins an update; what the one before it left undone is forgotten. */
  begin (): void {
    this.#visits = []
    this.#latestNames = undefined
    this.#sliceEnds = performance.now() + SLICE_MS
  }

  dropAll (): void {
    this.#folders.dropAll()
    this.#isCapped = false
  }

  /** Walks everything. */
  async all (): Promise<void> {
    const { rules, isIgnored: trackedOnly, tracked } = this.#repo
    this.#visits = [{ path: '', outer: rules, trackedOnly, untracked: false, tracked: tracked.folders.get(''), isForced: false, isDeep: true }]
    await this.finish()
  }

  /** Looks at what a watch told of a folder: the names that something happened to, or `null` for anything in it. */
  async follow (path: string, told: ReadonlySet<string> | null): Promise<void> {
    const folder = this.#folders.get(path)
    if (folder === undefined) return
    if (told === null || told.has('.git') || this.#ignoreFiles.some((name) => told.has(name))) this.again(path)
    for (const name of told ?? []) {
      this.#touch(folder, name)
      if (performance.now() > this.#sliceEnds) await this.#rest()
    }
    await this.finish()
  }

  /** Has a folder read again, and what is below it only as far as that changes it. */
  again (path: string): void {
    const folder = this.#folders.get(path)
    if (folder === undefined) return
    const { outer, trackedOnly } = folder
    this.#visits.push({ path, outer, trackedOnly, ...this.#trackedIn(path, trackedOnly), isForced: true, isDeep: false })
  }

  /** Looks whether a listed file is as it was. */
  lookAt (folder: Folder, name: string): void {
    const path = pathIn(folder.path, name)
    const facts = look(this.#at(path))
    if (facts?.isFile() === true) this.#files.put(path, facts, false)
    else this.#touch(folder, name)
  }

  /** Walks what is still to do. */
  async finish (): Promise<void> {
    for (let visit = this.#visits.pop(); visit !== undefined; visit = this.#visits.pop()) {
      await this.#visit(visit)
      if (performance.now() > this.#sliceEnds) await this.#rest()
    }
  }

  get #repo (): Repository {
    return this.repository!
  }

  get #isGit (): boolean {
    return this.#repo.kind === 'git'
  }

  get #ignoreFiles (): readonly string[] {
    return this.#isGit ? ['.gitignore'] : ['.gitignore', '.ignore']
  }

  // Half the time of a check would be spent in `path.join`, which looks for dots and double slashes.
  #at (path: string): string {
    return path === '' ? this.#root : `${this.#root}/${path}`
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
      this.lookAt(folder, name)
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
    if (name.includes('\uFFFD')) return this.again(folder.path)
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
}
