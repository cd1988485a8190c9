import type { ProjectFile } from '../../../core/plugin-api.js'
import type { ProjectIndex } from './project-index.js'

const DAY = 86_400_000
const MINUTE = 60_000

/**
 * Which files were edited within 24 h of `now`.
 * A fresh clone gives every file the time of the checkout: where that is recent, only what is later than most files was edited.
 */
export function createRecency ({ places, medianModified }: ProjectIndex, now: number): (file: ProjectFile) => boolean {
  const since = now - DAY
  const checkedOut = places.length >= 10 && medianModified >= since
  const after = checkedOut ? medianModified + MINUTE : since
  return file => file.modified >= after && file.modified <= now + MINUTE
}
