import type { Stats } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { inSlices } from '../slices.js'
import { look } from './folder.js'
import { SetHash } from './set-hash.js'
import { isFresh, stampOf, TICK_MS, uniqueMark } from './stamp.js'

export interface ListedFile {
  readonly path: string
  readonly size: number
  /** Milliseconds since the epoch. */
  readonly modified: number
  /** Changes whenever the file does. */
  readonly stamp: string
}

/** A listed file. As long as it does not change it is the same object. Its stamp is made when it is asked for: it takes as much as all else. */
class Entry implements ListedFile {
  readonly path: string
  readonly size: number
  readonly mtime: number
  readonly ctime: number
  readonly inode: number
  /** Whether it was looked at within the tick of its last change. */
  fresh: boolean
  /** Whether it has other names, through which it can change unnoticed by a watch. */
  readonly linked: boolean
  /** What its stamp ends with, where its times do not tell it from another. */
  readonly #mark: string

  constructor (path: string, { size, mtimeMs, ctimeMs, ino, nlink }: Stats, mark: string, fresh: boolean) {
    this.path = path
    this.size = size
    this.mtime = mtimeMs
    this.ctime = ctimeMs
    this.inode = ino
    this.linked = nlink > 1
    this.fresh = fresh
    this.#mark = mark
  }

  get modified (): number {
    return Math.trunc(this.mtime)
  }

  get stamp (): string {
    return `${stampOf({ size: this.size, mtimeMs: this.mtime, ctimeMs: this.ctime, ino: this.inode })}${this.#mark}`
  }
}

/** The files of a listing. What an update finds takes effect in one step at its end, because others read in the meantime. */
export class ListedFiles {
  readonly #root: string
  #files = new Map<string, Entry>()
  readonly #linked = new Set<string>()
  readonly #sum = new SetHash()
  readonly #marks = new SetHash()
  #isTrusted = false
  readonly #puts = new Map<string, Entry | undefined>()
  readonly #fresh = new Set<string>()

  constructor (root: string) {
    this.#root = root
  }

  get all (): ReadonlyMap<string, ListedFile> {
    return this.#files
  }

  /** Files with further names, in a copy. */
  get linked (): string[] {
    return [...this.#linked]
  }

  /** Of all files and of what else was put beside them. */
  get hash (): string {
    return this.#sum.toString()
  }

  /** Of what was put beside the files alone. */
  get marks (): string {
    return this.#marks.toString()
  }

  /** `isTrusted`: a watch has told of every change since the last update. */
  begin (isTrusted: boolean): void {
    this.#isTrusted = isTrusted
    this.#puts.clear()
    this.#fresh.clear()
  }

  /** `isNamed`: a watch told that something happened to it, which may have left its times as they were. */
  put (path: string, stats: Stats, isNamed: boolean): void {
    if (!isNamed && fits(this.#puts.get(path), stats)) return
    const before = this.#files.get(path)
    const isSame = fits(before, stats)
    const fresh = isFresh(stats)
    if (isSame && !isNamed && (!before.fresh || (this.#isTrusted && !before.linked))) {
      before.fresh &&= fresh
      this.#puts.delete(path)
      return
    }
    const isWorthless = isSame || (this.#isTrusted && fresh)
    this.#puts.set(path, new Entry(path, stats, isWorthless ? uniqueMark() : '', fresh))
    if (fresh && !this.#isTrusted) this.#fresh.add(path)
  }

  remove (path: string): void {
    this.#puts.set(path, undefined)
  }

  removeAll (): void {
    for (const path of this.#files.keys()) this.remove(path)
  }

  /** Something beside the files that tells one state from another. */
  mark (path: string, before: string | undefined, after: string | undefined): void {
    for (const sum of [this.#sum, this.#marks]) {
      if (before !== undefined) sum.delete(`${path}\0\0${before}`)
      if (after !== undefined) sum.add(`${path}\0\0${after}`)
    }
  }

  /**
   * A file that is written twice within one tick keeps its stamp. Without a watch that tells, what was just written is looked at
   * again when the tick is over; those that somebody goes on writing get stamps that are never equal. Gives the files that went.
   */
  async settle (): Promise<string[]> {
    const gone: string[] = []
    if (this.#fresh.size === 0) return gone
    await wait(TICK_MS)
    for (const path of this.#fresh) {
      if (this.#puts.get(path) === undefined) continue
      const stats = look(join(this.#root, path))
      if (stats?.isFile() === true) {
        const fresh = isFresh(stats)
        this.#puts.set(path, new Entry(path, stats, fresh ? uniqueMark() : '', fresh))
      } else {
        this.remove(path)
        gone.push(path)
      }
    }
    return gone
  }

  /** Gives the paths that came, changed or went. All that takes long is done before the one step in which it takes effect. */
  async commit (): Promise<Set<string>> {
    const changed = new Set<string>()
    const difference = new SetHash()
    await inSlices(this.#puts, ([path, entry]) => {
      const before = this.#files.get(path)?.stamp
      const after = entry?.stamp
      if (before === after) return
      changed.add(path)
      if (before !== undefined) difference.delete(`${path}\0${before}`)
      if (after !== undefined) difference.add(`${path}\0${after}`)
    })
    // Of a first listing nothing was known, so that all of it can be made ready beside what holds until then.
    const first = this.#files.size === 0 ? new Map<string, Entry>() : undefined
    if (first !== undefined) await inSlices(this.#puts, ([path, entry]) => { if (entry !== undefined) first.set(path, entry) })
    this.#sum.merge(difference)
    this.#files = first ?? this.#files
    for (const [path, entry] of this.#puts) {
      if (entry === undefined) this.#files.delete(path)
      else if (first === undefined) this.#files.set(path, entry)
      if (entry?.linked === true) this.#linked.add(path)
      else if (this.#linked.size > 0) this.#linked.delete(path)
    }
    this.#puts.clear()
    return changed
  }
}

function fits (entry: Entry | undefined, { size, mtimeMs, ctimeMs, ino, nlink }: Stats): entry is Entry {
  return entry !== undefined && entry.ctime === ctimeMs && entry.mtime === mtimeMs && entry.size === size && entry.inode === ino && entry.linked === (nlink > 1)
}
