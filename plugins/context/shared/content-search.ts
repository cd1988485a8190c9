import type { ProjectFile, ProjectView } from '../../../core/plugin-api.js'
import { createPace } from './slices.js'

/** Reads that one gathering may make; it is one of many at the same time and a cold answer is to take less than 100 ms. */
export const MOST_READS = 60
const AT_ONCE = 8
const MOST_TEXT = 64 * 1024

// A file that changes is another object: what its text showed goes with the old one.
const verdicts = new WeakMap<ProjectFile, Map<RegExp, boolean>>()
// All agents look into the same files at the same time.
const reading = new WeakMap<ProjectFile, Promise<string | undefined>>()

/**
 * Gives those candidates to `found` whose pattern the beginning of their file shows.
 * Reads at most `MOST_READS` files, best first, and none whose text has been asked all of it before.
 */
export async function searchContents<Candidate> (
  project: ProjectView,
  files: ReadonlyMap<ProjectFile, readonly Candidate[]>,
  patternOf: (candidate: Candidate) => RegExp,
  signal: AbortSignal,
  found: (candidate: Candidate) => void
): Promise<void> {
  const queue = [...files].slice(0, MOST_READS).values()
  const pace = createPace(signal)
  const reader = async () => {
    for (const [file, candidates] of queue) {
      signal.throwIfAborted()
      const known = verdicts.get(file)
      if (known === undefined || candidates.some(candidate => !known.has(patternOf(candidate)))) {
        try {
          const text = await read(project, file)
          // What is cached comes at once; a look into all of it would take tens of milliseconds.
          await pace()
          if (text !== undefined) look(file, text, candidates.map(patternOf))
        } finally {
          // From here on, others find the verdict. What could not be read may be readable for them.
          reading.delete(file)
        }
      }
      for (const candidate of candidates) if (verdicts.get(file)?.get(patternOf(candidate)) === true) found(candidate)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, reader))
}

function look (file: ProjectFile, text: string, patterns: readonly RegExp[]): void {
  let known = verdicts.get(file)
  if (known === undefined) verdicts.set(file, known = new Map())
  const beginning = text.slice(0, MOST_TEXT)
  for (const pattern of patterns) if (!known.has(pattern)) known.set(pattern, pattern.test(beginning))
}

async function read (project: ProjectView, file: ProjectFile): Promise<string | undefined> {
  let text = reading.get(file)
  if (text === undefined) {
    text = project.read(file.path)
    reading.set(file, text)
  }
  return await text
}
