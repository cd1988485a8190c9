import { definePlugin, type ContextItem, type GatherInput } from '../../core/plugin-api.js'
import { createBest } from './shared/best.js'
import { priorityOf } from './shared/file-priority.js'
import { scoreOf } from './shared/file-score.js'
import { itemLimit } from './shared/item-limit.js'
import { readCount } from './shared/parameters.js'
import type { Place } from './shared/place.js'
import { indexOf, type ProjectIndex } from './shared/project-index.js'
import { taskText } from './shared/relevance.js'
import { inSlices } from './shared/slices.js'
import { createSourceFit } from './shared/source-fit.js'
import { signalsOf } from './shared/task-signals.js'

export default definePlugin({
  kind: 'context-strategy',
  name: 'source-files',
  description: 'Source code in the languages of the agent',
  // Paths alone tell little about code: the ranking, which knows contents and references, is to have something to choose from.
  options: itemLimit(1000),
  create: ({ maxItems }, { clock }) => ({
    satisfies: ['source-files'],
    // The search may wait for a project that is read for the first time.
    timeoutMs: 20_000,
    gather: input => gather(input, maxItems, clock())
  })
})

/** How many files a search may find for the task. */
const MOST_FOUND = 1500
/** What the search adds at most to the score that the path alone would have. */
const FOUND_SHARE = 0.5

async function gather (input: GatherInput, maxItems: number, now: number): Promise<ContextItem[]> {
  const index = await indexOf(input.project)
  const signals = await signalsOf(input.task, index, now)
  const limit = readCount(input, 'limit', maxItems)
  const order = orderIn(index)
  const fitOf = createSourceFit(input, index, signals.relevance)
  const candidateOf = (place: Place, found: number): Candidate | undefined => {
    const fit = fitOf(place, found)
    if (fit === undefined) return undefined
    const standing = scoreOf(place, fit.base, signals)
    return { place, score: Math.round((standing + (1 - standing) * FOUND_SHARE * found) * 1000) / 1000, reason: fit.reason }
  }
  // Most files are not found: what they are is looked at while the search is at work, and as many of them are kept as may be found after all.
  const unfound = createBest<Candidate>(limit + MOST_FOUND, order)
  const [found, others] = await Promise.all([search(input, index), inSlices(index.places, place => {
    const candidate = candidateOf(place, 0)
    if (candidate !== undefined) unfound.add(candidate)
  }, input.signal).then(() => unfound.items())])
  const chosen = createBest<Candidate>(limit, order)
  for (const candidate of others) if (!found.has(candidate.place)) chosen.add(candidate)
  for (const [place, score] of found) {
    const candidate = candidateOf(place, score)
    if (candidate !== undefined) chosen.add(candidate)
  }
  return chosen.items().map(({ place, score, reason }) => ({ kind: 'file', path: place.file.path, score, priority: priorityOf(place, 'source', signals), reason }))
}

/** What a search for the task says of the places that it finds, 0…1. */
async function search ({ project, task }: GatherInput, index: ProjectIndex): Promise<ReadonlyMap<Place, number>> {
  const scores = new Map<Place, number>()
  const text = taskText(task)
  if (text.trim() === '') return scores
  const { title = '', labels, files } = task
  const found = await project.search([title, ...labels].join(' '), [text, ...files].join(' '), MOST_FOUND)
  for (const { path, score } of found.slice(0, MOST_FOUND)) {
    const place = index.find(path)
    if (place !== undefined) scores.set(place, score)
  }
  return scores
}

interface Candidate { place: Place, score: number, reason: string }

/** Best first, equals by path. */
function orderIn ({ numbers }: ProjectIndex): (one: Candidate, other: Candidate) => number {
  return (one, other) => other.score - one.score || numbers[one.place.position]! - numbers[other.place.position]!
}
