import { setImmediate as rest } from 'node:timers/promises'
import type { ProjectFile } from '../contracts/context-strategy.js'
import { languageOf } from './languages.js'
import type { ListReply } from './worker/listings.js'
import { unpackFiles, unpackStrings } from './worker/transfer.js'

const SLICE_MS = 3
// Below this, each change is put in its place by itself.
const FEW = 64

/** The files of a project in the server, kept up to date by differences. */
export class FileTable {
  /** Sorted by path, and replaced when something changes. */
  files: readonly ProjectFile[] = Object.freeze([])
  readonly #stamps = new Map<string, string>()

  stampOf (path: string): string | undefined {
    return this.#stamps.get(path)
  }

  /** Takes thousands of files over without holding up the event loop. Gives the paths that came, changed or went. */
  async apply ({ isWhole, files: packed, removed }: Pick<ListReply, 'isWhole' | 'files' | 'removed'>): Promise<string[]> {
    let ends = performance.now() + SLICE_MS
    const pause = async (): Promise<void> => {
      if (performance.now() < ends) return
      await rest()
      ends = performance.now() + SLICE_MS
    }
    const changed: ProjectFile[] = []
    const stamps: string[] = []
    for (const group of unpackFiles(packed)) {
      for (const { path, size, modified, stamp } of group) {
        changed.push({ path, size, modified, language: languageOf(path) })
        stamps.push(stamp)
      }
      await pause()
    }
    const gone = [...unpackStrings(removed)].flat()
    if (isWhole) this.#stamps.clear()
    for (const [index, { path }] of changed.entries()) {
      this.#stamps.set(path, stamps[index]!)
      if (index % 1024 === 1023) await pause()
    }
    for (const path of gone) this.#stamps.delete(path)
    if (isWhole) this.files = Object.freeze(changed)
    else if (changed.length + gone.length > 0) this.files = Object.freeze(changed.length + gone.length <= FEW ? this.#place(changed, gone) : this.#merge(changed, gone))
    return [...changed.map(({ path }) => path), ...gone]
  }

  #place (changed: readonly ProjectFile[], gone: readonly string[]): ProjectFile[] {
    const files = this.files.slice()
    for (const file of changed) {
      const index = indexOf(files, file.path)
      files.splice(index, files[index]?.path === file.path ? 1 : 0, file)
    }
    for (const path of gone) {
      const index = indexOf(files, path)
      if (files[index]?.path === path) files.splice(index, 1)
    }
    return files
  }

  #merge (changed: readonly ProjectFile[], gone: readonly string[]): ProjectFile[] {
    const left = new Set([...gone, ...changed.map(({ path }) => path)])
    const files: ProjectFile[] = []
    let next = 0
    for (const file of this.files) {
      for (; next < changed.length && changed[next]!.path < file.path; next++) files.push(changed[next]!)
      if (!left.has(file.path)) files.push(file)
    }
    for (; next < changed.length; next++) files.push(changed[next]!)
    return files
  }
}

/** Where a path is or would be among sorted files. */
function indexOf (files: readonly ProjectFile[], path: string): number {
  let [low, high] = [0, files.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (files[middle]!.path < path) low = middle + 1
    else high = middle
  }
  return low
}
