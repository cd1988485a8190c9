import type { Corpus, CorpusFile } from './corpus.js'
import { changedTogether, changeRate, messageMatch, type PastCommit } from './history.js'
import { countWords, indexOfHash, wordSet, type QueryTerm } from './terms.js'

/** What each signal adds at most, against 1 for the text. Figures by `npm run bench:context`, see docs/context.md. */
const WEIGHTS = { message: 0.5, together: 0.25, rate: 0.08 }

/** Okapi BM25 over fields (Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009). */
const K1 = 1.2
const B = 0.6
const FIELD = { symbol: 2.5, path: 4, body: 1 }

const SEEDS = 8

export interface Relevance {
  path: string
  /** 0…1, 1 for the best. */
  score: number
  /** What it is made of, for explanations: names of signals with what each added. */
  signals: Readonly<Record<string, number>>
}

/** What of a task's words one file holds, whatever the other files are. */
interface Match {
  /** Which terms. */
  terms: readonly number[]
  /** How often each stands in the text. */
  counts: readonly number[]
  /** Whether it stands in the path, and among the names. */
  inPath: readonly boolean[]
  inSymbols: readonly boolean[]
}

const NO_MATCH: Match = { terms: [], counts: [], inPath: [], inSymbols: [] }

/** What is kept of one task from ranking to ranking: after an edit, all but one file hold the words that they held before. */
export interface RankMemory {
  /** Of the corpus. */
  version: number
  /** By path, of those that hold any. */
  matches: Map<string, { file: CorpusFile, match: Match }>
  /** Of how many files each term is in. */
  holders: Uint32Array
  messages: { commits: readonly PastCommit[], found: ReadonlyMap<string, number> } | undefined
}

export function createRankMemory (): RankMemory {
  return { version: -1, matches: new Map(), holders: new Uint32Array(), messages: undefined }
}

/** How relevant each file is to a task, best first; those with nothing to say for them are left out. */
export function rankFiles (corpus: Corpus, commits: readonly PastCommit[], query: readonly QueryTerm[], memory = createRankMemory()): Relevance[] {
  const text = normalise(textMatch(corpus, query, memory))
  const seeds = new Map([...text].sort(byScore).slice(0, SEEDS))
  const signals: Record<string, ReadonlyMap<string, number>> = {
    text,
    message: messagesOf(commits, query, memory),
    together: scale(normalise(changedTogether(commits, seeds)), WEIGHTS.together)
  }
  const found = new Map<string, Relevance & { signals: Record<string, number> }>()
  for (const [name, scores] of Object.entries(signals)) {
    for (const [path, value] of scores) {
      if (value <= 0 || !corpus.files.has(path)) continue
      const entry = found.get(path) ?? { path, score: 0, signals: {} }
      found.set(path, entry)
      entry.score += value
      entry.signals[name] = value
    }
  }
  // Most files have nothing but this to say for them.
  for (const [path, signals] of rateOf(commits)) {
    if (!corpus.files.has(path)) continue
    const entry = found.get(path)
    if (entry === undefined) {
      found.set(path, { path, score: signals.rate, signals })
    } else {
      entry.score += signals.rate
      entry.signals.rate = signals.rate
    }
  }
  const ranked = [...found.values()].sort((a, b) => b.score - a.score || (a.path < b.path ? -1 : 1))
  const best = ranked[0]?.score ?? 1
  for (const entry of ranked) entry.score /= best
  return ranked
}

function messagesOf (commits: readonly PastCommit[], query: readonly QueryTerm[], memory: RankMemory): ReadonlyMap<string, number> {
  if (memory.messages?.commits !== commits) memory.messages = { commits, found: scale(normalise(messageMatch(commits, query)), WEIGHTS.message) }
  return memory.messages.found
}

type RateSignal = Readonly<Record<string, number>> & { readonly rate: number }

const rates = new WeakMap<readonly PastCommit[], ReadonlyMap<string, RateSignal>>()

function rateOf (commits: readonly PastCommit[]): ReadonlyMap<string, RateSignal> {
  const known = rates.get(commits) ?? new Map([...scale(normalise(changeRate(commits)), WEIGHTS.rate)].map(([path, rate]) => [path, { rate }]))
  rates.set(commits, known)
  return known
}

/** How a text that a strategy has made answers a task, on the scale of the project's files: 1 for what is as good as the best of them. */
export function rankMade (corpus: Corpus, path: string, content: string, query: readonly QueryTerm[], weights: readonly number[]): Relevance {
  const { hashes: words, counts, length } = countWords(content)
  const record = { hash: '', words, counts, length, symbols: new Uint32Array() }
  const score = textScore(matchOf({ stamp: '', record, pathWords: wordSet([path]) }, query), length, weights, corpus.averageLength())
  const most = weights.reduce((sum, weight) => sum + weight * (K1 + 1), 1e-9)
  // No text holds every word of a task often; half of the most is as good as it gets.
  return { path, score: Math.min(1, 2 * score / most), signals: { text: score } }
}

/** Weight of each term of a task in this project: rare words tell files apart. */
export function termWeights (corpus: Corpus, query: readonly QueryTerm[], memory = createRankMemory()): number[] {
  const { holders } = matchAll(corpus, query, memory)
  return query.map(({ weight }, index) => weight * Math.log(1 + (corpus.files.size - holders[index]! + 0.5) / (holders[index]! + 0.5)))
}

/** Looks for the words in the files that have changed since the memory was last used. */
function matchAll (corpus: Corpus, query: readonly QueryTerm[], memory: RankMemory): RankMemory {
  if (memory.version === corpus.version) return memory
  const changed = memory.version < 0 ? undefined : corpus.changedSince(memory.version)
  if (changed === undefined) Object.assign(memory, { matches: new Map(), holders: new Uint32Array(query.length) })
  const { matches, holders } = memory
  for (const path of changed ?? corpus.files.keys()) {
    for (const term of matches.get(path)?.match.terms ?? []) holders[term]!--
    matches.delete(path)
    const file = corpus.files.get(path)
    const match = file === undefined ? NO_MATCH : matchOf(file, query)
    if (match === NO_MATCH) continue
    matches.set(path, { file: file!, match })
    for (const term of match.terms) holders[term]!++
  }
  memory.version = corpus.version
  return memory
}

function matchOf ({ record, pathWords }: CorpusFile, query: readonly QueryTerm[]): Match {
  let match: { terms: number[], counts: number[], inPath: boolean[], inSymbols: boolean[] } | undefined
  query.forEach(({ hash }, index) => {
    const at = indexOfHash(record.words, hash)
    const inPath = indexOfHash(pathWords, hash) >= 0
    if (at < 0 && !inPath) return
    match ??= { terms: [], counts: [], inPath: [], inSymbols: [] }
    match.terms.push(index)
    match.counts.push(at < 0 ? 0 : record.counts[at]!)
    match.inPath.push(inPath)
    match.inSymbols.push(indexOfHash(record.symbols, hash) >= 0)
  })
  return match ?? NO_MATCH
}

function textMatch (corpus: Corpus, query: readonly QueryTerm[], memory: RankMemory): Map<string, number> {
  const weights = termWeights(corpus, query, memory)
  const scores = new Map<string, number>()
  const average = corpus.averageLength()
  for (const [path, { file, match }] of memory.matches) scores.set(path, textScore(match, file.record.length, weights, average))
  return scores
}

function textScore ({ terms, counts, inPath, inSymbols }: Match, length: number, weights: readonly number[], average: number): number {
  const norm = 1 - B + B * length / average
  let score = 0
  for (let at = 0; at < terms.length; at++) {
    let frequency = FIELD.body * counts[at]! / norm
    if (inPath[at]!) frequency += FIELD.path
    if (inSymbols[at]!) frequency += FIELD.symbol
    score += weights[terms[at]!]! * frequency * (K1 + 1) / (frequency + K1)
  }
  return score
}

function normalise (scores: ReadonlyMap<string, number>): Map<string, number> {
  let best = 0
  for (const value of scores.values()) best = Math.max(best, value)
  return best === 0 ? new Map() : scale(scores, 1 / best)
}

function scale (scores: ReadonlyMap<string, number>, factor: number): Map<string, number> {
  return new Map([...scores].map(([path, value]) => [path, value * factor]))
}

function byScore (a: readonly [string, number], b: readonly [string, number]): number {
  return b[1] - a[1] || (a[0] < b[0] ? -1 : 1)
}
