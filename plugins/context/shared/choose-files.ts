import type { Clock, ContextItem, ContextStrategy, GatherInput, ProjectFile } from '../../../core/plugin-api.js'
import { createBest } from './best.js'
import { MOST_READS, searchContents } from './content-search.js'
import { priorityOf } from './file-priority.js'
import { scoreOf } from './file-score.js'
import { isNoise, type Noise } from './noise.js'
import { readChoice, readCount, readPaths } from './parameters.js'
import { kindOf, type PathKind } from './path-kind.js'
import type { Place } from './place.js'
import { indexOf, rememberedOfPlaces, type ProjectIndex } from './project-index.js'
import { compileRules, type Finding, type Rule } from './rules.js'
import { inSlices } from './slices.js'
import { signalsOf } from './task-signals.js'

export interface FileChoice {
  satisfies: string
  maxItems: number
  clock: Clock
  rules?: readonly Rule[]
  /**
   * Rules that a parameter of the requirement chooses among: `{ ecosystems: { npm: […], python: […] } }`. With `orOthers` all are chosen where
   * the project has nothing of those that are asked for.
   */
  choice?: { parameter: string, groups: Readonly<Record<string, readonly Rule[]>>, orOthers?: true }
  /** Noise that this strategy is about. */
  keeps?: readonly Noise[]
  /** The kind that decides the priority of all its files, where what the path says would mislead. */
  as?: PathKind
  /** Further condition on a file, from the parameters of one request. */
  accept? (input: GatherInput, index: ProjectIndex): (place: Place) => boolean
}

// Several rules may want to look into the same file.
const MOST_CANDIDATES = 8 * MOST_READS

interface Candidate { rule: Rule, place: Place, kind: PathKind, final: number }

/** A place with the rules that it meets, whoever asks and whatever the task. */
interface Hit { place: Place, kind: PathKind, findings: readonly Finding[] }

/** A strategy that chooses files by rules on paths, with a bounded look into those whose rule asks for it. */
export function chooseFiles (choice: FileChoice): ContextStrategy {
  const { satisfies, maxItems, clock, rules = [], keeps = [], as } = choice
  const groups = choice.choice?.groups ?? {}
  const match = compileRules(rules, groups)

  const hitsOf = rememberedOfPlaces((place): Hit | undefined => {
    // Asked only of files that a rule matches: most match none.
    let kind: PathKind | 'unwanted' | undefined
    const findings: Finding[] = []
    match(place, finding => {
      kind ??= isNoise(place, keeps) ? 'unwanted' : kindOf(place)
      if (kind === 'unwanted' || finding.rule.kinds?.includes(kind) === false) return
      // Tests of a thing say less about it than the thing, unless tests are what is wanted.
      findings.push(kind === 'test' && as === undefined ? { ...finding, score: finding.score / 2 } : finding)
    })
    return findings.length === 0 ? undefined : { place, kind: as ?? kind as PathKind, findings }
  })

  function wantedGroups (input: GatherInput, hits: readonly Hit[]): ReadonlySet<string> {
    if (choice.choice === undefined) return new Set()
    const known = Object.keys(groups)
    const wanted = readChoice(input, choice.choice.parameter, known)
    const isThere = (): boolean => hits.some(({ findings }) => findings.some(({ group }) => group !== undefined && wanted.has(group)))
    return choice.choice.orOthers === true && !isThere() ? new Set(known) : wanted
  }

  async function gather (input: GatherInput): Promise<ContextItem[]> {
    const index = await indexOf(input.project)
    const signals = await signalsOf(input.task, index, clock())
    const hits = await hitsOf(index)
    const wanted = wantedGroups(input, hits)
    const inPaths = readPaths(input, index)
    const accept = choice.accept?.(input, index)
    const limit = readCount(input, 'limit', maxItems)
    const order = orderIn(index)
    const chosen = createBest(limit, order)
    const unread = createBest(MOST_CANDIDATES, order)

    await inSlices(hits, ({ place, kind, findings }) => {
      if (inPaths?.(place) === false || accept?.(place) === false) return
      const isWanted = ({ group }: Finding) => group === undefined || wanted.has(group)
      let sure: Candidate | undefined
      for (const finding of findings) {
        if (finding.rule.content !== undefined || !isWanted(finding)) continue
        const final = scoreOf(place, finding.score, signals)
        if (sure === undefined || final > sure.final) sure = { rule: finding.rule, place, kind, final }
      }
      if (sure !== undefined) chosen.add(sure)
      for (const finding of findings) {
        if (finding.rule.content === undefined || !isWanted(finding)) continue
        const final = scoreOf(place, finding.score, signals)
        if (final > (sure?.final ?? 0)) unread.add({ rule: finding.rule, place, kind, final })
      }
    }, input.signal)
    const best = new Map(chosen.items().map(candidate => [candidate.place.file.path, candidate]))
    await confirm(input, unread.items(), best)
    return [...best.values()].sort(order).slice(0, limit).map(({ place, kind, final, rule }) => ({
      kind: 'file', path: place.file.path, score: final, priority: priorityOf(place, kind, signals), reason: rule.reason
    }))
  }

  return { satisfies: [satisfies], gather }
}

async function confirm ({ project, signal }: GatherInput, unread: readonly Candidate[], best: Map<string, Candidate>): Promise<void> {
  const byFile = new Map<ProjectFile, Candidate[]>()
  for (const candidate of unread) {
    const { file } = candidate.place
    const others = byFile.get(file)
    if (others !== undefined) others.push(candidate)
    else if (byFile.size < MOST_READS) byFile.set(file, [candidate])
  }
  await searchContents(project, byFile, ({ rule }) => rule.content!, signal, candidate => { keepBest(best, candidate) })
}

function keepBest (best: Map<string, Candidate>, candidate: Candidate): void {
  const { path } = candidate.place.file
  const other = best.get(path)
  if (other === undefined || other.final < candidate.final) best.set(path, candidate)
}

/** Best first; equals by path, so that the same project gives the same answer. */
function orderIn ({ numbers }: ProjectIndex): (one: Candidate, other: Candidate) => number {
  return (one, other) => other.final - one.final || numbers[one.place.position]! - numbers[other.place.position]!
}
