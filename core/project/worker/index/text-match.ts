import { inSlices } from '../../slices.js'
import type { Corpus } from './corpus.js'
import { lengthAt, matchTerms, type Visit } from './packed-record.js'
import { PackedRows, type Place } from './packed-rows.js'
import type { QueryTerm } from './terms.js'

/** Okapi BM25 over fields (Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009). */
export const K1 = 1.2
const B = 0.6
const FIELD = { symbol: 2.5, path: 4, body: 1 }

/** What is kept of one task from ranking to ranking: after an edit, all but one file hold the words that they held before. */
export interface TextMemory {
  /** Of the corpus. */
  version: number
  /** By number of the file, of those that hold any: a word for each term that it holds. */
  matches: PackedRows
  /** In how many files each term is. */
  holders: Uint32Array
}

export function createTextMemory (): TextMemory {
  return { version: -1, matches: new PackedRows(), holders: new Uint32Array() }
}

/** Of a word of a match: the term in 16 bits, how often it stands in the text in 8, and whether it stands in the path and among the names. */
const [TERM, COUNT_SHIFT, COUNT] = [0xFFFF, 16, 0xFF]
const [IN_PATH, IN_SYMBOLS] = [1 << 24, 1 << 25]

/** Matches of one file, before they are kept. */
const found = new Uint32Array(TERM)
let foundTerms = 0
const collect: Visit = (term, count, inPath, inSymbols) => {
  found[foundTerms++] = term | (count << COUNT_SHIFT) | (inPath ? IN_PATH : 0) | (inSymbols ? IN_SYMBOLS : 0)
}

/** The words of a task in one file. It is overwritten by the next call. */
function matchOf (place: Place, query: readonly QueryTerm[]): Uint32Array {
  foundTerms = 0
  matchTerms(place, query, collect)
  return found.subarray(0, foundTerms)
}

function * numbersBelow (end: number): Generator<number> {
  for (let id = 0; id < end; id++) yield id
}

/** Looks for the words in the files that have changed since the memory was last used. One call at a time. */
export async function matchAll (corpus: Corpus, query: readonly QueryTerm[], memory: TextMemory): Promise<void> {
  const { version } = corpus
  if (memory.version === version) return
  const changed = memory.version < 0 ? undefined : corpus.changedSince(memory.version)
  if (changed === undefined) Object.assign(memory, { matches: new PackedRows(), holders: new Uint32Array(query.length) })
  const { matches, holders } = memory
  await inSlices(changed ?? numbersBelow(corpus.end), (id) => {
    const before = matches.row(id)
    if (before !== undefined) for (const entry of before) holders[entry & TERM]!--
    matches.delete(id)
    const place = corpus.placeOf(id)
    if (place === undefined) return
    const match = matchOf(place, query)
    if (match.length === 0) return
    matches.set(id, match)
    for (const entry of match) holders[entry & TERM]!++
  })
  // What has changed meanwhile is looked at again.
  memory.version = version
}

/** Weight of each term of a task in this project: rare words tell files apart. */
export function weightsOf (corpus: Corpus, query: readonly QueryTerm[], { holders }: TextMemory): number[] {
  return query.map(({ weight }, index) => weight * Math.log(1 + (corpus.size - holders[index]! + 0.5) / (holders[index]! + 0.5)))
}

/** How well each file answers the task by its text, by number; 0 for those that do not. */
export function textScores (corpus: Corpus, { matches }: TextMemory, weights: readonly number[]): Float64Array {
  const scores = new Float64Array(corpus.end)
  const average = corpus.averageLength()
  matches.forEach((id, chunk, start, end) => { scores[id] = scoreOf(chunk, start, end, corpus.lengthOf(id), weights, average) })
  return scores
}

/** The same for one text that is no file of the project. */
export function textScore (corpus: Corpus, record: Uint32Array, query: readonly QueryTerm[], weights: readonly number[]): number {
  const place = { chunk: record, start: 0 }
  const match = matchOf(place, query)
  return scoreOf(match, 0, match.length, lengthAt(place), weights, corpus.averageLength())
}

function scoreOf (match: Uint32Array, start: number, end: number, length: number, weights: readonly number[], average: number): number {
  const norm = 1 - B + B * length / average
  let score = 0
  for (let at = start; at < end; at++) {
    const entry = match[at]!
    let frequency = FIELD.body * ((entry >>> COUNT_SHIFT) & COUNT) / norm
    if ((entry & IN_PATH) !== 0) frequency += FIELD.path
    if ((entry & IN_SYMBOLS) !== 0) frequency += FIELD.symbol
    score += weights[entry & TERM]! * frequency * (K1 + 1) / (frequency + K1)
  }
  return score
}
