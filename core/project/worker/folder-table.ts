import type { Folder } from './folder.js'
import type { ListedFiles } from './listed-files.js'

export function pathIn (folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`
}

/** The folders of a listing, and what they count for together. */
export class FolderTable {
  readonly #files: ListedFiles
  readonly #folders = new Map<string, Folder>()
  readonly #secrets = new Set<string>()
  readonly #dotGits = new Set<string>()
  #added = new Set<string>()
  #removed = new Set<string>()
  #listed = 0
  #unreadable = 0
  #hidden = 0

  constructor (files: ListedFiles) {
    this.#files = files
  }

  get paths (): Iterable<string> {
    return this.#folders.keys()
  }

  /** How many files are listed. */
  get listed (): number {
    return this.#listed
  }

  get unreadable (): number {
    return this.#unreadable
  }

  /** Whether there are folders of which a watch would not tell. */
  get hasHidden (): boolean {
    return this.#hidden > 0
  }

  /** Files that hold secrets. */
  get secrets (): Iterable<string> {
    return this.#secrets
  }

  /** Folders with a `.git` of their own. */
  get dotGits (): Iterable<string> {
    return this.#dotGits
  }

  begin (): void {
    this.#added = new Set()
    this.#removed = new Set()
  }

  /** Folders that came or went since `begin`; one that was replaced by another of the same name did both. */
  get changes (): { added: ReadonlySet<string>, removed: ReadonlySet<string> } {
    return { added: this.#added, removed: this.#removed }
  }

  get (path: string): Folder | undefined {
    return this.#folders.get(path)
  }

  /** The folder that a file is in. */
  of (path: string): Folder | undefined {
    return this.#folders.get(path.slice(0, Math.max(0, path.lastIndexOf('/'))))
  }

  /** Takes a folder up in the place of the one before; its files are counted as they enter. */
  put (folder: Folder): void {
    const before = this.#folders.get(folder.path)
    if (before === undefined) this.#added.add(folder.path)
    else this.#discount(before)
    this.#folders.set(folder.path, folder)
    if (folder.hasDotGit) this.#dotGits.add(folder.path)
    if (folder.isHidden) this.#hidden++
  }

  /** Drops a folder with all that is in it and below. */
  drop (path: string): void {
    const folder = this.#folders.get(path)
    if (folder === undefined) return
    this.#discount(folder)
    this.#folders.delete(path)
    if (!this.#added.delete(path)) this.#removed.add(path)
    for (const name of folder.files) this.#files.remove(pathIn(path, name))
    for (const name of folder.folders) this.drop(pathIn(path, name))
  }

  dropAll (): void {
    this.drop('')
    this.#files.removeAll()
    for (const path of this.#secrets) this.#files.mark(path, 'secret', undefined)
    this.#secrets.clear()
  }

  #discount (folder: Folder): void {
    for (const name of [...folder.others.keys()]) this.mark(folder, name, undefined)
    this.#listed -= folder.files.size
    this.#unreadable -= folder.unreadable
    this.#dotGits.delete(folder.path)
    if (folder.isHidden) this.#hidden--
  }

  /** Notes names that are no UTF-8. No watch can be set on a folder whose name cannot be said. */
  addUnreadable (folder: Folder, names: number, hasFolders: boolean): void {
    folder.unreadable = names
    this.#unreadable += names
    if (hasFolders && !folder.isHidden) this.#hidden++
    folder.isHidden ||= hasFolders
  }

  enter (folder: Folder, name: string): void {
    if (!folder.files.has(name)) this.#listed++
    folder.files.add(name)
  }

  leave (folder: Folder, name: string): void {
    if (!folder.files.delete(name)) return
    this.#listed--
    this.#files.remove(pathIn(folder.path, name))
  }

  /** Notes something that is no listed file and tells one state from another. */
  mark (folder: Folder, name: string, value: string | undefined): void {
    const path = pathIn(folder.path, name)
    const before = folder.others.get(name)
    this.#files.mark(path, before, value)
    if (before === 'secret') this.#secrets.delete(path)
    if (value === undefined) folder.others.delete(name)
    else folder.others.set(name, value)
    if (value === 'secret') this.#secrets.add(path)
  }

  /** A file that holds secrets, by a name that git told. */
  addSecret (path: string): void {
    this.#secrets.add(path)
    this.#files.mark(path, undefined, 'secret')
  }
}
