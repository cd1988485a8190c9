import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { holdsSecrets } from '../secret-files.js'
import { inSlices } from '../slices.js'
import { look } from './folder.js'
import { FolderTable } from './folder-table.js'
import { gitFileTarget } from './git-directory.js'
import { ListedFiles, type ListedFile } from './listed-files.js'
import { askGit, createRepositoryReader, nearest, type Repository, type RepositoryReader, type WatchedPlace } from './repository.js'
import { Walk } from './walk.js'

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

const MAX_NAMES = 5_000

/** The listing of one project, kept from one look at the disk to the next. */
export class Listing {
  readonly root: string
  readonly #readRepository: RepositoryReader
  readonly #files: ListedFiles
  readonly #folders: FolderTable
  readonly #walk: Walk
  /** Where git itself had to be asked. */
  #asked: { unreadable: number, fingerprint: string } | undefined

  constructor (root: string) {
    this.root = root
    this.#files = new ListedFiles(root)
    this.#folders = new FolderTable(this.#files)
    this.#walk = new Walk(root, this.#files, this.#folders)
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
    const repository = this.#walk.repository
    return repository?.kind === 'git' ? repository.head ?? '' : undefined
  }

  /** Changes whenever a link, a repository within or a file that holds secrets comes, changes or goes. */
  get marks (): string {
    return this.#files.marks
  }

  /** Whether a watch of the folders tells all changes. */
  get isWatchable (): boolean {
    return this.#repo.kind !== 'asked' && !this.#walk.isCapped && !this.#folders.hasHidden
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
    this.#walk.begin()
    if (dirty === undefined || !await this.#follow(dirty)) await this.#check()
    for (const path of await this.#files.settle()) {
      const folder = this.#folders.of(path)
      if (folder !== undefined) this.#folders.leave(folder, nameOf(path))
    }
    return { files: await this.#files.commit(), ...this.#folders.changes }
  }

  get #repo (): Repository {
    return this.#walk.repository!
  }

  get #isGit (): boolean {
    return this.#repo.kind === 'git'
  }

  /** Looks at everything. */
  async #check (): Promise<void> {
    const before = this.#walk.repository
    const wasAsked = this.#asked !== undefined
    this.#walk.repository = await this.#readRepository()
    const asked = this.#repo.kind === 'asked' ? await askGit(this.root) : undefined
    this.#asked = asked
    if (asked !== undefined || wasAsked || this.#walk.isCapped || before?.kind !== this.#repo.kind || before.prefix !== this.#repo.prefix) {
      this.#walk.dropAll()
    }
    if (asked !== undefined) return await this.#takeNames(asked.names)
    await this.#walk.all()
  }

  /** Looks at what a watch told; gives up where that means everything. */
  async #follow (dirty: Dirty): Promise<boolean> {
    const before = this.#walk.repository
    let names = 0
    for (const set of dirty.folders.values()) names += set?.size ?? 1
    if (before === undefined || !this.isWatchable || names > MAX_NAMES) return false
    if (dirty.git || dirty.folders.get('')?.has('.git') === true) {
      const after = this.#walk.repository = await this.#readRepository()
      if (before.kind !== after.kind || before.prefix !== after.prefix || before.rules !== after.rules || before.isIgnored !== after.isIgnored) {
        this.#walk.repository = before
        return false
      }
      for (const path of new Set([...before.tracked.folders.keys(), ...after.tracked.folders.keys()])) {
        if (before.tracked.folders.get(path) !== after.tracked.folders.get(path)) this.#walk.again(path)
      }
      await this.#walk.finish()
    }
    for (const path of this.#files.linked) {
      const folder = this.#folders.of(path)
      // The index may just have given it up.
      if (folder?.files.has(nameOf(path)) === true) this.#walk.lookAt(folder, nameOf(path))
    }
    for (const [path, told] of [...dirty.folders].sort(([a], [b]) => (a < b ? -1 : 1))) await this.#walk.follow(path, told)
    return true
  }

  /** Takes over the names that git told. */
  async #takeNames (names: readonly string[]): Promise<void> {
    const real = new Map<string, boolean>([['', true]])
    // A folder swapped for a link leads out of the project.
    const isReal = (folder: string): boolean => {
      const known = real.get(folder)
      if (known !== undefined) return known
      const isIt = isReal(folder.slice(0, Math.max(0, folder.lastIndexOf('/')))) && look(`${this.root}/${folder}`)?.isDirectory() === true
      real.set(folder, isIt)
      return isIt
    }
    await inSlices(new Set(names), (path) => {
      if (holdsSecrets(path)) return this.#folders.addSecret(path)
      const facts = isReal(path.slice(0, Math.max(0, path.lastIndexOf('/')))) ? look(`${this.root}/${path}`) : undefined
      if (facts?.isFile() === true) this.#files.put(path, facts, false)
    })
  }
}

function nameOf (path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

export type { ListedFile }
