import { PRIORITY, type PriorityClass } from '../../../core/plugin-api.js'
import type { PathKind } from './path-kind.js'
import type { Place } from './place.js'
import { DISTINCT, type Relevance } from './relevance.js'

export interface TaskSignals {
  readonly relevance: Relevance
  /** Whether the file was edited in the last 24 h. */
  readonly isRecent: (file: Place['file']) => boolean
}

/**
 * The class of a file. A file that the task names is part of the task, whatever it is.
 *
 * The classes do not know ordinary source code. Were it all of class 1, a large project's code would push out every decision and
 * test; were it of a class of its own at the end, an agent would read configuration instead of the code it must change. So source
 * belongs to the task as far as its path or symbols speak of it, to the changes where somebody has just worked on it, and else
 * stands beside the configuration, where the ranking and the weights of the agent's own needs order it.
 */
export function priorityOf (place: Place, kind: PathKind, { relevance, isRecent }: TaskSignals): PriorityClass {
  if (relevance.names(place)) return PRIORITY.task
  switch (kind) {
    case 'test': return PRIORITY.test
    case 'documentation': return PRIORITY.documentation
    case 'source':
      if (relevance.of(place) >= DISTINCT) return PRIORITY.task
      return isRecent(place.file) ? PRIORITY.changed : PRIORITY.configuration
    default: return PRIORITY.configuration
  }
}
