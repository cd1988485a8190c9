import { definePlugin, PRIORITY, type ContextItem, type GatherInput } from '../../core/plugin-api.js'
import { priorityOf } from './shared/file-priority.js'
import { scoreOf } from './shared/file-score.js'
import { itemLimit } from './shared/item-limit.js'
import { readCount } from './shared/parameters.js'
import { indexOf } from './shared/project-index.js'
import { createRecency } from './shared/recency.js'
import { createRelevance } from './shared/relevance.js'
import { createSourceFit } from './shared/source-fit.js'
import { findDeclarations } from './shared/task-symbols.js'

export default definePlugin({
  kind: 'context-strategy',
  name: 'source-files',
  description: 'Source code in the languages of the agent',
  // Paths alone tell little about code: the ranking, which knows contents and references, is to have something to choose from.
  options: itemLimit(1000),
  create: ({ maxItems }, { clock }) => ({
    satisfies: ['source-files'],
    gather: input => gather(input, maxItems, clock())
  })
})

async function gather (input: GatherInput, maxItems: number, now: number): Promise<ContextItem[]> {
  const index = indexOf(input.project)
  const relevance = createRelevance(input.task, index)
  const signals = { relevance, isRecent: createRecency(index, now) }
  const fitOf = createSourceFit(input, relevance)

  const chosen = index.places.flatMap(place => {
    const fit = fitOf(place)
    if (fit === undefined) return []
    const { path } = place.file
    const score = scoreOf(place, fit.base, signals)
    return [{ kind: 'file' as const, path, score, priority: priorityOf(place, 'source', signals), reason: fit.reason }]
  }).sort(order)

  const declared = await findDeclarations(input, chosen.map(({ path }) => path))
  return chosen.map(item => {
    const symbol = declared.get(item.path)
    if (symbol === undefined) return item
    return { ...item, score: Math.max(item.score, 0.95), priority: PRIORITY.task, reason: `declares '${symbol}' of the task` }
  }).sort(order).slice(0, readCount(input, 'limit', maxItems))
}

function order (one: { path: string, score: number }, other: { path: string, score: number }): number {
  return other.score - one.score || (one.path < other.path ? -1 : 1)
}
