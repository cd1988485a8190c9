import { definePlugin, PRIORITY, type Clock, type ContextItem, type GatherInput, type UncommittedChange } from '../../core/plugin-api.js'
import { scoreOf } from './shared/file-score.js'
import { itemLimit } from './shared/item-limit.js'
import { isNoise } from './shared/noise.js'
import { readCount } from './shared/parameters.js'
import { indexOf } from './shared/project-index.js'
import { createRecency } from './shared/recency.js'
import { createRelevance } from './shared/relevance.js'

const SCORES: Record<UncommittedChange['status'], number> = {
  conflicted: 1, modified: 0.95, added: 0.9, renamed: 0.85, untracked: 0.8, deleted: 0
}

export default definePlugin({
  kind: 'context-strategy',
  name: 'changes',
  description: 'Uncommitted changes and files edited in the last 24 hours',
  options: itemLimit(),
  create: ({ maxItems }, { clock }) => ({
    satisfies: ['changes'],
    gather: input => gather(input, maxItems, clock)
  })
})

async function gather (input: GatherInput, maxItems: number, clock: Clock): Promise<ContextItem[]> {
  const index = indexOf(input.project)
  const isRecent = createRecency(index, clock())
  const signals = { relevance: createRelevance(input.task, index), isRecent }
  const changes = new Map((await input.project.changes()).map(({ path, status }) => [path, status]))

  // What was deleted is not among the files; the git facts of every answer show its diff.
  const items = index.places.flatMap(place => {
    const status = changes.get(place.file.path)
    if (status === undefined && !isRecent(place.file)) return []
    const base = status === undefined ? 0.6 : SCORES[status]
    return [{
      kind: 'file' as const,
      path: place.file.path,
      // A lock file or a build's output changed as well, but it is not what somebody was working on.
      score: scoreOf(place, isNoise(place) ? 0.1 : base, signals),
      priority: PRIORITY.changed,
      reason: status === undefined ? 'edited in the last 24 hours' : `${status}, not committed`
    }]
  })
  items.sort((one, other) => other.score - one.score || (one.path < other.path ? -1 : 1))
  return items.slice(0, readCount(input, 'limit', maxItems))
}
