import type { ProjectFile } from '../contracts/index.js'

/** At which places two lists of the same paths have other files; `undefined` where they are not of the same paths. */
export function editedBetween (before: readonly ProjectFile[], after: readonly ProjectFile[]): number[] | undefined {
  if (before.length !== after.length) return undefined
  const edited: number[] = []
  for (let index = 0; index < after.length; index++) {
    const one = before[index]!
    const other = after[index]!
    // What is as it was is the same object.
    if (one === other) continue
    if (one.path !== other.path) return undefined
    edited.push(index)
  }
  return edited
}
