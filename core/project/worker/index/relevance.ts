import type { Corpus } from './corpus.js'
import { changedTogether, changeRate, messageMatch, type PastCommit } from './history.js'
import { packRecord } from './packed-record.js'
import { Spread } from './spread.js'
import { countWords, wordSet, type QueryTerm } from './terms.js'
import { createTextMemory, K1, matchAll, textScore, textScores, weightsOf, type TextMemory } from './text-match.js'
import { topOf } from './top.js'

/** What each signal adds at most, against 1 for the text. Figures by `npm run bench:context`, see docs/context.md. */
const WEIGHTS = { message: 0.5, together: 0.25, rate: 0.08 }

const SEEDS = 8

/** What a score is made of, for explanations: names of signals with what each added. */
export type Signals = Readonly<Record<string, number>>

/** How relevant files are to a task. */
export interface Ranking {
  /** Weight of each term of the task in this project. */
  readonly weights: readonly number[]
  /** 0…1, 1 for the best; 0 for a file with nothing to say for it. */
  scoreOf (path: string): number
  signalsOf (path: string): Signals
  /** Best first, without those that have nothing to say for them. */
  best (most: number): { path: string, score: number }[]
}

/** What is kept of one task from ranking to ranking. */
export interface RankMemory {
  text: TextMemory
  messages: { commits: readonly PastCommit[], found: Spread } | undefined
}

export function createRankMemory (): RankMemory {
  return { text: createTextMemory(), messages: undefined }
}

/** Ranks all files for a task, one call with the same memory at a time. */
export async function rankFiles (corpus: Corpus, commits: readonly PastCommit[], query: readonly QueryTerm[], memory = createRankMemory()): Promise<Ranking> {
  await matchAll(corpus, query, memory.text)
  const { version } = corpus
  const weights = weightsOf(corpus, query, memory.text)
  const text = textScores(corpus, memory.text, weights)
  const factor = 1 / (largest(text) || 1)
  for (let id = 0; id < text.length; id++) text[id]! *= factor
  const pathOf = (id: number): string => corpus.pathOf(id)!
  const seeds = new Map(topOf(text, SEEDS, pathOf).map((id) => [pathOf(id), text[id]!]))
  const further = {
    message: messagesOf(commits, query, memory),
    together: new Spread(scale(normalise(changedTogether(commits, seeds)), WEIGHTS.together)),
    rate: rateOf(commits)
  }
  const scores = text.slice()
  for (const signal of Object.values(further)) signal.addTo(scores, corpus)
  const best = largest(scores) || 1
  /** The number may be another file's by now. */
  const numberOf = (path: string): number | undefined => {
    const id = corpus.idOf(path)
    return id === undefined || corpus.bornAt(id) > version ? undefined : id
  }
  return {
    weights,
    scoreOf (path) {
      const id = numberOf(path)
      return id === undefined ? 0 : scores[id]! / best
    },
    signalsOf (path) {
      const id = numberOf(path)
      if (id === undefined) return {}
      const signals = [['text', text[id]!] as const, ...Object.entries(further).map(([name, values]) => [name, values.of(path)] as const)]
      return Object.fromEntries(signals.filter(([, value]) => value > 0))
    },
    best: (most) => topOf(scores, most, (id) => corpus.pathOf(id) ?? '').flatMap((id) => {
      const path = corpus.pathOf(id)
      return path === undefined || corpus.bornAt(id) > version ? [] : [{ path, score: scores[id]! / best }]
    })
  }
}

function messagesOf (commits: readonly PastCommit[], query: readonly QueryTerm[], memory: RankMemory): Spread {
  if (memory.messages?.commits !== commits) memory.messages = { commits, found: new Spread(scale(normalise(messageMatch(commits, query)), WEIGHTS.message)) }
  return memory.messages.found
}

const rates = new WeakMap<readonly PastCommit[], Spread>()

function rateOf (commits: readonly PastCommit[]): Spread {
  const known = rates.get(commits) ?? new Spread(scale(normalise(changeRate(commits)), WEIGHTS.rate))
  rates.set(commits, known)
  return known
}

/** How a text that a strategy has made answers a task, on the scale of the project's files: 1 for what is as good as the best of them. */
export function rankMade (corpus: Corpus, path: string, content: string, query: readonly QueryTerm[], weights: readonly number[]): { score: number, signals: Signals } {
  const { hashes: words, counts, length } = countWords(content)
  const record = packRecord({ hash: '', words, counts, length, symbols: new Uint32Array() }, wordSet([path]))
  const score = textScore(corpus, record, query, weights)
  const most = weights.reduce((sum, weight) => sum + weight * (K1 + 1), 1e-9)
  // No text holds every word of a task often; half of the most is as good as it gets.
  return { score: Math.min(1, 2 * score / most), signals: { text: score } }
}

function largest (values: Float64Array): number {
  let best = 0
  // An iterator would make an object of each.
  for (let index = 0; index < values.length; index++) best = Math.max(best, values[index]!)
  return best
}

function normalise (scores: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
  let best = 0
  for (const value of scores.values()) best = Math.max(best, value)
  return best === 0 ? new Map() : scale(scores, 1 / best)
}

function scale (scores: ReadonlyMap<string, number>, factor: number): ReadonlyMap<string, number> {
  return new Map([...scores].map(([path, value]) => [path, value * factor]))
}
