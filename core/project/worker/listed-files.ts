import type { Stats } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { look } from './folder.js'
import { SetHash } from './set-hash.js'
import { isFresh, stampOf, TICK_MS, uniqueStamp } from './stamp.js'

export interface ListedFile {
  readonly path: string
  readonly size: number
  /** Milliseconds since the epoch. */
  readonly modified: number
  /** Changes whenever the file does. */
  readonly stamp: string
}

interface Entry extends ListedFile {
  readonly mtime: number
  readonly ctime: number
  readonly inode: number
  /** Whether it was looked at within the tick of its last change. */
  fresh: boolean
  /** Whether it has other names, through which it can change unnoticed by a watch. */
  readonly linked: boolean
}

/** The files of a listing. What an update finds takes effect in one step at its end, because others read in the meantime. */
export class ListedFiles {
  readonly #root: string
  readonly #files = new Map<string, Entry>()
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
    this.#puts.set(path, entryOf(path, stats, isWorthless ? uniqueStamp(stampOf(stats)) : stampOf(stats), fresh))
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
        this.#puts.set(path, entryOf(path, stats, fresh ? uniqueStamp(stampOf(stats)) : stampOf(stats), fresh))
      } else {
        this.remove(path)
        gone.push(path)
      }
    }
    return gone
  }

  /** Gives the paths that came, changed or went. */
  commit (): Set<string> {
    const changed = new Set<string>()
    for (const [path, entry] of this.#puts) {
      const before = this.#files.get(path)
      if (before !== undefined) this.#sum.delete(`${path}\0${before.stamp}`)
      if (entry === undefined) this.#files.delete(path)
      else {
        this.#sum.add(`${path}\0${entry.stamp}`)
        this.#files.set(path, entry)
      }
      if (entry?.linked === true) this.#linked.add(path)
      else this.#linked.delete(path)
      if (before?.stamp !== entry?.stamp) changed.add(path)
    }
    this.#puts.clear()
    return changed
  }
}

function entryOf (path: string, { size, mtimeMs: mtime, ctimeMs: ctime, ino: inode, nlink }: Stats, stamp: string, fresh: boolean): Entry {
  return { path, size, modified: Math.trunc(mtime), stamp, mtime, ctime, inode, fresh, linked: nlink > 1 }
}

function fits (entry: Entry | undefined, { size, mtimeMs, ctimeMs, ino, nlink }: Stats): entry is Entry {
  return entry !== undefined && entry.ctime === ctimeMs && entry.mtime === mtimeMs && entry.size === size && entry.inode === ino && entry.linked === (nlink > 1)
}
