import { wordsOf } from './words.js'

const K1 = 1.2
const B = 0.75
/** A word of the path tells more than one of the content. */
const PATH_OCCURRENCES = 3

/** How often each word occurs in a text. */
export interface WordCounts {
  counts: ReadonlyMap<string, number>
  length: number
}

export interface Ranked<Item> {
  item: Item
  score: number
}

export function countWords (text: string): WordCounts {
  const counts = new Map<string, number>()
  const words = wordsOf(text)
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1)
  return { counts, length: words.length }
}

/**
 * Okapi BM25 (Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009) over path and content, best first,
 * equal ones by path. The inverse document frequency is the one that is never negative.
 */
export function rankByBm25<Item extends { path: string, words: WordCounts }> (items: readonly Item[], query: string): Ranked<Item>[] {
  const terms = [...new Set(wordsOf(query))]
  const documents = items.map((item) => {
    const path = wordsOf(item.path)
    const counts = terms.map((term) => (item.words.counts.get(term) ?? 0) + PATH_OCCURRENCES * path.filter((word) => word === term).length)
    return { item, counts, length: item.words.length + PATH_OCCURRENCES * path.length }
  })
  const average = documents.reduce((sum, document) => sum + document.length, 0) / Math.max(1, documents.length)
  const weights = terms.map((_term, index) => {
    const holding = documents.filter((document) => document.counts[index]! > 0).length
    return Math.log(1 + (documents.length - holding + 0.5) / (holding + 0.5))
  })
  return documents
    .map(({ item, counts, length }) => {
      const norm = K1 * (1 - B + B * length / Math.max(1, average))
      return { item, score: counts.reduce((sum, count, index) => sum + weights[index]! * count * (K1 + 1) / (count + norm), 0) }
    })
    .sort((a, b) => b.score - a.score || (a.item.path < b.item.path ? -1 : 1))
}
