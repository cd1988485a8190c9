import { setImmediate as rest } from 'node:timers/promises'
import type { ProjectFile } from '../contracts/context-strategy.js'
import { languageOf } from './languages.js'
import { indexIn } from './sorted-files.js'
import type { ListReply } from './worker/listings.js'
import { unpackFiles, unpackStrings } from './worker/transfer.js'

const SLICE_MS = 3
// Below this, each change is put in its place by itself.
const FEW = 64

/** The files of a project in the server, kept up to date by differences. A file that changed is another object. */
export class FileTable {
  /** Sorted by path. A copy of it is given out: to copy what is frozen takes a hundred times as long. */
  #files: ProjectFile[] = []

  get files (): readonly ProjectFile[] {
    return Object.freeze(this.#files.slice())
  }

  find (path: string): ProjectFile | undefined {
    const file = this.#files[indexIn(this.#files, path)]
    return file?.path === path ? file : undefined
  }

  /** Takes thousands of files over without holding up the event loop. Gives the paths that came, changed or went. */
  async apply ({ isWhole, files: packed, removed }: Pick<ListReply, 'isWhole' | 'files' | 'removed'>): Promise<string[]> {
    let ends = performance.now() + SLICE_MS
    const changed: ProjectFile[] = []
    for (const group of unpackFiles(packed)) {
      for (const { path, size, modified } of group) changed.push({ path, size, modified, language: languageOf(path) })
      if (performance.now() < ends) continue
      await rest()
      ends = performance.now() + SLICE_MS
    }
    const gone = [...unpackStrings(removed)].flat()
    if (isWhole) this.#files = changed
    else if (changed.length + gone.length <= FEW) this.#place(changed, gone)
    else this.#files = this.#merge(changed, gone)
    return [...changed.map(({ path }) => path), ...gone]
  }

  #place (changed: readonly ProjectFile[], gone: readonly string[]): void {
    for (const file of changed) {
      const index = indexIn(this.#files, file.path)
      this.#files.splice(index, this.#files[index]?.path === file.path ? 1 : 0, file)
    }
    for (const path of gone) {
      const index = indexIn(this.#files, path)
      if (this.#files[index]?.path === path) this.#files.splice(index, 1)
    }
  }

  #merge (changed: readonly ProjectFile[], gone: readonly string[]): ProjectFile[] {
    const left = new Set([...gone, ...changed.map(({ path }) => path)])
    const files: ProjectFile[] = []
    let next = 0
    for (const file of this.#files) {
      for (; next < changed.length && changed[next]!.path < file.path; next++) files.push(changed[next]!)
      if (!left.has(file.path)) files.push(file)
    }
    for (; next < changed.length; next++) files.push(changed[next]!)
    return files
  }
}
