import type { ProjectFile } from '../contracts/context-strategy.js'

/** Where a path is, or would be, among files sorted by path. */
export function indexIn (files: readonly ProjectFile[], path: string): number {
  let [low, high] = [0, files.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (files[middle]!.path < path) low = middle + 1
    else high = middle
  }
  return low
}

export function isListed (files: readonly ProjectFile[], path: string): boolean {
  return files[indexIn(files, path)]?.path === path
}

/** Whether there are files in a folder or below it. */
export function hasFilesIn (files: readonly ProjectFile[], folder: string): boolean {
  return files[indexIn(files, `${folder}/`)]?.path.startsWith(`${folder}/`) === true
}
