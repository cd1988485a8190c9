import { definePlugin, PRIORITY, type Clock, type ContextItem, type GatherInput, type UncommittedChange } from '../../core/plugin-api.js'
import { createBest } from './shared/best.js'
import { scoreOf } from './shared/file-score.js'
import { itemLimit } from './shared/item-limit.js'
import { isNoise } from './shared/noise.js'
import { readCount } from './shared/parameters.js'
import { indexOf } from './shared/project-index.js'
import { inSlices } from './shared/slices.js'
import { signalsOf } from './shared/task-signals.js'

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
  const index = await indexOf(input.project)
  const signals = await signalsOf(input.task, index, clock())
  const changes = new Map((await input.project.changes()).map(({ path, status }) => [path, status]))
  const limit = readCount(input, 'limit', maxItems)
  const items = createBest<Extract<ContextItem, { kind: 'file' }>>(limit, (one, other) => other.score - one.score || (one.path < other.path ? -1 : 1))

  // What was deleted is not among the files; the git facts of every answer show its diff.
  await inSlices(index.places, place => {
    const status = changes.get(place.file.path)
    if (status === undefined && !signals.isRecent(place.file)) return
    const base = status === undefined ? 0.6 : SCORES[status]
    items.add({
      kind: 'file',
      path: place.file.path,
      // A lock file or a build's output changed as well, but it is not what somebody was working on.
      score: scoreOf(place, isNoise(place) ? 0.1 : base, signals),
      priority: PRIORITY.changed,
      reason: status === undefined ? 'edited in the last 24 hours' : `${status}, not committed`
    })
  }, input.signal)
  return [...items.items()]
}
