import type { Task } from '../../../core/plugin-api.js'
import type { TaskSignals } from './file-priority.js'
import type { ProjectIndex } from './project-index.js'
import { createRecency } from './recency.js'
import { createRelevance, type Relevance } from './relevance.js'
import { turn } from './slices.js'

// All strategies of a request ask the same of the same task.
const known = new WeakMap<Task, { index: ProjectIndex, relevance: Promise<Relevance> }>()

/** What the task and the clock say of the files of a project. */
export async function signalsOf (task: Task, index: ProjectIndex, now: number): Promise<TaskSignals> {
  let entry = known.get(task)
  if (entry?.index !== index) {
    entry = { index, relevance: turn().then(() => createRelevance(task, index)) }
    known.set(task, entry)
  }
  return { relevance: await entry.relevance, isRecent: createRecency(index, now) }
}
