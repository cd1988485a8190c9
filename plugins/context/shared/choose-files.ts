import type { Clock, ContextItem, ContextStrategy, GatherInput } from '../../../core/plugin-api.js'
import { MOST_READS, searchContents } from './content-search.js'
import { priorityOf, type TaskSignals } from './file-priority.js'
import { scoreOf } from './file-score.js'
import { isNoise, type Noise } from './noise.js'
import { readChoice, readCount, readPaths } from './parameters.js'
import { kindOf, type PathKind } from './path-kind.js'
import type { Place } from './place.js'
import { indexOf } from './project-index.js'
import { createRecency } from './recency.js'
import { createRelevance } from './relevance.js'
import { compileRules, type Finding, type Rule } from './rules.js'

export interface FileChoice {
  satisfies: string
  maxItems: number
  clock: Clock
  rules?: readonly Rule[]
  /** Rules that a parameter of the requirement chooses among: `{ ecosystems: { npm: […], python: […] } }`. */
  choice?: { parameter: string, groups: Readonly<Record<string, readonly Rule[]>> }
  /** Noise that this strategy is about. */
  keeps?: readonly Noise[]
  /** The kind that decides the priority of all its files, where what the path says would mislead. */
  as?: PathKind
  /** Further condition on a file, from the parameters of one request. */
  accept? (input: GatherInput): (place: Place) => boolean
}

interface Candidate extends Finding { place: Place, kind: PathKind, final: number }

/** A strategy that chooses files by rules on paths, with a bounded look into those whose rule asks for it. */
export function chooseFiles (choice: FileChoice): ContextStrategy {
  const { satisfies, maxItems, clock, rules = [], keeps = [], as } = choice
  const groups = choice.choice?.groups ?? {}
  const match = compileRules(rules, groups)

  async function gather (input: GatherInput): Promise<ContextItem[]> {
    const index = indexOf(input.project)
    const signals: TaskSignals = { relevance: createRelevance(input.task, index), isRecent: createRecency(index, clock()) }
    const wanted = choice.choice && readChoice(input, choice.choice.parameter, Object.keys(groups))
    const inPaths = readPaths(input)
    const accept = choice.accept?.(input)
    const limit = readCount(input, 'limit', maxItems)
    const best = new Map<string, Candidate>()
    const unread: Candidate[] = []

    const consider = (place: Place, kind: PathKind, finding: Finding) => {
      if (finding.group !== undefined && !wanted!.has(finding.group)) return
      if (finding.rule.kinds?.includes(kind) === false) return
      // Tests of a thing say less about it than the thing, unless tests are what is wanted.
      const base = kind === 'test' && as === undefined ? finding.score / 2 : finding.score
      const candidate = { ...finding, place, kind: as ?? kind, final: scoreOf(place, base, signals) }
      if (finding.rule.content === undefined) keepBest(best, candidate)
      else unread.push(candidate)
    }

    for (const place of index.places) {
      // Asked only of files that a rule matches: most match none.
      let kind: PathKind | 'unwanted' | undefined
      match(place, finding => {
        kind ??= !isNoise(place, keeps) && (inPaths?.(place.file.path) ?? true) && (accept?.(place) ?? true) ? kindOf(place) : 'unwanted'
        if (kind !== 'unwanted') consider(place, kind, finding)
      })
    }
    await confirm(input, unread.filter(({ place, final }) => (best.get(place.file.path)?.final ?? 0) < final), best)
    return [...best.values()].sort(order).slice(0, limit).map(({ place, kind, final, rule }) => ({
      kind: 'file', path: place.file.path, score: final, priority: priorityOf(place, kind, signals), reason: rule.reason
    }))
  }

  return { satisfies: [satisfies], gather }
}

async function confirm ({ project, signal }: GatherInput, unread: Candidate[], best: Map<string, Candidate>): Promise<void> {
  const byFile = new Map<string, Candidate[]>()
  for (const candidate of unread.sort(order)) {
    const { path } = candidate.place.file
    const others = byFile.get(path)
    if (others !== undefined) others.push(candidate)
    else if (byFile.size < MOST_READS) byFile.set(path, [candidate])
  }
  await searchContents(project, [...byFile], ([path]) => path, signal, ([, candidates], text) => {
    for (const candidate of candidates) if (candidate.rule.content!.test(text)) keepBest(best, candidate)
  })
}

function keepBest (best: Map<string, Candidate>, candidate: Candidate): void {
  const { path } = candidate.place.file
  const other = best.get(path)
  if (other === undefined || other.final < candidate.final) best.set(path, candidate)
}

/** Best first; equals by path, so that the same project gives the same answer. */
function order (one: Candidate, other: Candidate): number {
  return other.final - one.final || (one.place.file.path < other.place.file.path ? -1 : 1)
}
