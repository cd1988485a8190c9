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
  const found = await search(input, index)
  const fitOf = createSourceFit(input, index, signals.relevance, ({ position }) => found[position]!)
  const chosen = createBest<Candidate>(readCount(input, 'limit', maxItems), order)

  await inSlices(index.places, place => {
    const fit = fitOf(place)
    if (fit === undefined) return
    const { path } = place.file
    const standing = scoreOf(place, fit.base, signals)
    const score = Math.round((standing + (1 - standing) * FOUND_SHARE * found[place.position]!) * 1000) / 1000
    chosen.add({ place, path, score, reason: fit.reason })
  }, input.signal)
  return chosen.items().map(({ place, path, score, reason }) => ({ kind: 'file', path, score, priority: priorityOf(place, 'source', signals), reason }))
}

/** What a search for the task says of the places, by position: many requests wait with theirs at the same time. */
async function search ({ project, task }: GatherInput, index: ProjectIndex): Promise<Float64Array> {
  const scores = new Float64Array(index.room)
  const text = taskText(task)
  if (text.trim() === '') return scores
  const { title = '', labels, files } = task
  for (const { path, score } of await project.search([title, ...labels].join(' '), [text, ...files].join(' '), MOST_FOUND)) {
    const place = index.find(path)
    if (place !== undefined) scores[place.position] = score
  }
  return scores
}

interface Candidate { place: Place, path: string, score: number, reason: string }

function order (one: { path: string, score: number }, other: { path: string, score: number }): number {
  return other.score - one.score || (one.path < other.path ? -1 : 1)
}
