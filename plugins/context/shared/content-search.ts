import type { ProjectView } from '../../../core/plugin-api.js'
import { createPace } from './slices.js'

/** Reads that one gathering may make; it is one of many at the same time and a cold answer is to take less than 100 ms. */
export const MOST_READS = 60
const AT_ONCE = 8
const MOST_TEXT = 64 * 1024

/** Reads at most `MOST_READS` of the candidates, best first, and gives each text's beginning to `found`. */
export async function searchContents<Candidate> (
  project: ProjectView,
  candidates: readonly Candidate[],
  pathOf: (candidate: Candidate) => string,
  signal: AbortSignal,
  found: (candidate: Candidate, text: string) => void
): Promise<void> {
  const queue = candidates.slice(0, MOST_READS).values()
  const pace = createPace(signal)
  const reader = async () => {
    for (const candidate of queue) {
      signal.throwIfAborted()
      const text = await project.read(pathOf(candidate))
      // What is cached comes at once; a look into all of it would take tens of milliseconds.
      await pace()
      if (text !== undefined) found(candidate, text.slice(0, MOST_TEXT))
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, reader))
}
