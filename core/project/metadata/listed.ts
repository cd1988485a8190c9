import type { ProjectFile } from '../../contracts/index.js'
import { inSlices } from '../slices.js'

/** Which of some paths are files of the project. */
export async function listedOf (files: readonly ProjectFile[], paths: ReadonlySet<string>): Promise<Set<string>> {
  const listed = new Set<string>()
  if (paths.size > 0) await inSlices(files, ({ path }) => { if (paths.has(path)) listed.add(path) })
  return listed
}
