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
  signals: Record<string, number>
}

/** How relevant each file is to a task, best first; those with nothing to say for them are left out. */
export function rankFiles (corpus: Corpus, commits: readonly PastCommit[], query: readonly QueryTerm[]): Relevance[] {
  const text = normalise(textMatch(corpus, query))
  const seeds = new Map([...text].sort(byScore).slice(0, SEEDS))
  const signals: Record<string, Map<string, number>> = {
    text,
    message: scale(normalise(messageMatch(commits, query)), WEIGHTS.message),
    together: scale(normalise(changedTogether(commits, seeds)), WEIGHTS.together),
    rate: scale(normalise(changeRate(commits)), WEIGHTS.rate)
  }
  const found = new Map<string, Relevance>()
  for (const [name, scores] of Object.entries(signals)) {
    for (const [path, value] of scores) {
      if (value <= 0 || !corpus.files.has(path)) continue
      const entry = found.get(path) ?? { path, score: 0, signals: {} }
      found.set(path, entry)
      entry.score += value
      entry.signals[name] = value
    }
  }
  const ranked = [...found.values()].sort((a, b) => b.score - a.score || (a.path < b.path ? -1 : 1))
  const best = ranked[0]?.score ?? 1
  for (const entry of ranked) entry.score /= best
  return ranked
}

/** How a text that a strategy has made answers a task, on the scale of the project's files: 1 for what is as good as the best of them. */
export function rankMade (corpus: Corpus, path: string, content: string, query: readonly QueryTerm[], weights: readonly number[]): Relevance {
  const { hashes: words, counts, length } = countWords(content)
  const record = { hash: '', words, counts, length, symbols: new Uint32Array() }
  const score = textScore({ stamp: '', record, pathWords: wordSet([path]) }, query, weights, corpus.averageLength())
  const most = weights.reduce((sum, weight) => sum + weight * (K1 + 1), 1e-9)
  // No text holds every word of a task often; half of the most is as good as it gets.
  return { path, score: Math.min(1, 2 * score / most), signals: { text: score } }
}

/** Weight of each term of a task in this project: rare words tell files apart. */
export function termWeights (corpus: Corpus, query: readonly QueryTerm[]): number[] {
  return query.map(({ hash, weight }) => {
    const holders = corpus.holders(hash)
    return weight * Math.log(1 + (corpus.files.size - holders + 0.5) / (holders + 0.5))
  })
}

function textMatch (corpus: Corpus, query: readonly QueryTerm[]): Map<string, number> {
  const weights = termWeights(corpus, query)
  const scores = new Map<string, number>()
  const average = corpus.averageLength()
  for (const [path, file] of corpus.files) {
    const score = textScore(file, query, weights, average)
    if (score > 0) scores.set(path, score)
  }
  return scores
}

function textScore ({ record, pathWords }: CorpusFile, query: readonly QueryTerm[], weights: readonly number[], average: number): number {
  const norm = 1 - B + B * record.length / average
  let score = 0
  for (let index = 0; index < query.length; index++) {
    const { hash } = query[index]!
    const at = indexOfHash(record.words, hash)
    const inPath = indexOfHash(pathWords, hash) >= 0
    if (at < 0 && !inPath) continue
    let frequency = at < 0 ? 0 : FIELD.body * record.counts[at]! / norm
    if (inPath) frequency += FIELD.path
    if (indexOfHash(record.symbols, hash) >= 0) frequency += FIELD.symbol
    score += weights[index]! * frequency * (K1 + 1) / (frequency + K1)
  }
  return score
}

function normalise (scores: Map<string, number>): Map<string, number> {
  let best = 0
  for (const value of scores.values()) best = Math.max(best, value)
  return best === 0 ? new Map() : scale(scores, 1 / best)
}

function scale (scores: Map<string, number>, factor: number): Map<string, number> {
  return new Map([...scores].map(([path, value]) => [path, value * factor]))
}

function byScore (a: readonly [string, number], b: readonly [string, number]): number {
  return b[1] - a[1] || (a[0] < b[0] ? -1 : 1)
}
