import type { TaskSignals } from './file-priority.js'
import { createPathMatcher } from './path-matcher.js'
import type { Place } from './place.js'
import { remembered } from './remembered.js'

const LARGE = 256 * 1024
/** Least score of a file that the task names. */
const NAMED = 0.98

const match = createPathMatcher(
  ['examples/', 'example/', 'samples/', 'sample/', 'demo/', 'demos/', 'templates/', 'legacy/', 'archive/', 'deprecated/', 'sandbox/']
    .map(pattern => [pattern, true] as const)
)

/** What a file is worth before anything is asked: deep, huge and illustrative ones sink. */
const standingOf = remembered((place: Place): number => {
  let standing = Math.max(0.7, 1 - 0.03 * place.folders.length)
  match(place, () => { standing *= 0.8 })
  return place.file.size > LARGE ? standing / 2 : standing
})

/**
 * From a rule's score to that of a file, 0…1: what the task speaks of and what was just edited rises.
 * The rule stays the stronger part, so that the order within a strategy remains that of its rules.
 */
export function scoreOf (place: Place, base: number, { relevance, isRecent }: TaskSignals): number {
  let score = base * standingOf(place)
  score += (1 - score) * 0.5 * relevance.of(place)
  if (relevance.names(place)) score = Math.max(score, NAMED)
  if (isRecent(place.file)) score += (1 - score) * 0.1
  return Math.round(Math.min(1, Math.max(0, score)) * 1000) / 1000
}
