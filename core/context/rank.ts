import type { ContextItem, PriorityClass, Task } from '../contracts/context-strategy.js'
import { PRIORITY } from './priority.js'
import { splitWords, stem, termsOf } from './terms.js'

/** A strategy's offer of a file or text, with the weight of the requirement behind it. */
export interface Offer {
  item: Extract<ContextItem, { kind: 'file' | 'text' }>
  weight: number
  strategy: string
}

export interface Candidate {
  path: string
  /** Text that a strategy made; `undefined` for a file of the project. */
  content: string | undefined
  /** 0…1, from the strategies. */
  need: number
  /** 0…1, from the words of the task. */
  match: number
  score: number
  priority: PriorityClass
  reasons: string[]
  strategies: string[]
}

/** Merges what the strategies offer and orders it by need and by the path's match with the task; best first. */
export function mergeOffers (offers: readonly Offer[], task: Task): Candidate[] {
  const heaviest = Math.max(1, ...offers.map((offer) => offer.weight))
  const candidates = new Map<string, Candidate>()
  for (const { item, weight, strategy } of offers) {
    const candidate = candidates.get(item.path) ?? newCandidate(item.path)
    candidates.set(item.path, candidate)
    const share = Math.max(0, Math.min(1, item.score)) * Math.min(1, weight / heaviest)
    // Two strategies that agree make a file more wanted than either alone, and never more than certain.
    candidate.need = 1 - (1 - candidate.need) * (1 - 0.95 * share)
    candidate.priority = Math.min(candidate.priority, item.priority) as PriorityClass
    if (item.kind === 'text') candidate.content = item.content
    if (item.reason !== undefined && !candidate.reasons.includes(item.reason)) candidate.reasons.push(item.reason)
    candidate.strategies.push(strategy)
  }
  const terms = termsOf(textOf(task))
  const named = new Set(task.files)
  for (const candidate of candidates.values()) {
    candidate.match = pathMatch(candidate.path, terms)
    if (named.has(candidate.path)) {
      candidate.priority = PRIORITY.task
      candidate.need = 1
      candidate.match = 1
      candidate.reasons.push('named by the issue')
    } else if (candidate.match > 0) {
      candidate.reasons.push('its path matches the task')
    }
  }
  return order(candidates.values(), terms.length > 0)
}

/** Orders candidates again now that their contents are known. */
export function rankByContent (candidates: readonly Candidate[], contents: ReadonlyMap<string, string>, task: Task): Candidate[] {
  const terms = termsOf(textOf(task))
  if (terms.length === 0) return [...candidates]
  const frequencies = new Map<string, number[]>()
  let length = 0
  for (const [path, content] of contents) {
    frequencies.set(path, countTerms(content, terms))
    length += content.length
  }
  // Where all are empty no length is relative to another.
  const average = Math.max(1, length / Math.max(1, contents.size))
  const weights = terms.map((_, index) => {
    const holders = [...frequencies.values()].filter((counts) => counts[index]! > 0).length
    return Math.log(1 + (contents.size - holders + 0.5) / (holders + 0.5))
  })
  const raw = new Map<string, number>()
  for (const [path, counts] of frequencies) raw.set(path, bm25(counts, weights, contents.get(path)!.length / average))
  const best = Math.max(...raw.values(), 1e-9)
  for (const candidate of candidates) {
    const body = (raw.get(candidate.path) ?? 0) / best
    if (body > 0.3) candidate.reasons.push('its content matches the task')
    // A word in a path says more about a file than the same word in its body.
    candidate.match = Math.min(1, 0.6 * candidate.match + 0.6 * body)
  }
  return order(candidates, true)
}

function newCandidate (path: string): Candidate {
  return { path, content: undefined, need: 0, match: 0, score: 0, priority: PRIORITY.history, reasons: [], strategies: [] }
}

function textOf (task: Task): string {
  return [task.title ?? '', task.description ?? '', ...task.labels, ...task.files].join(' ')
}

function pathMatch (path: string, terms: readonly string[]): number {
  if (terms.length === 0) return 0
  const words = new Set(splitWords(path).map(stem))
  const hits = terms.filter((term) => words.has(term)).length
  return hits === 0 ? 0 : Math.min(1, 0.4 + 0.6 * hits / Math.min(4, terms.length))
}

function countTerms (content: string, terms: readonly string[]): number[] {
  const lower = content.toLowerCase()
  return terms.map((term) => {
    let count = 0
    for (let at = lower.indexOf(term); at >= 0 && count < 30; at = lower.indexOf(term, at + term.length)) count++
    return count
  })
}

/** Okapi BM25 with k1 = 1.2 and b = 0.75 (Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009). */
function bm25 (counts: readonly number[], weights: readonly number[], relativeLength: number): number {
  const norm = 1.2 * (0.25 + 0.75 * relativeLength)
  return counts.reduce((sum, count, index) => sum + weights[index]! * count * 2.2 / (count + norm), 0)
}

function order (candidates: Iterable<Candidate>, hasTask: boolean): Candidate[] {
  const ordered = [...candidates]
  for (const candidate of ordered) {
    const merit = hasTask ? 0.5 * candidate.need + 0.5 * candidate.match : candidate.need
    // The ranking leads; the class decides between files of about equal merit.
    candidate.score = merit * (1 + 0.05 * (PRIORITY.history - candidate.priority))
  }
  return ordered.sort((a, b) => b.score - a.score || (a.path < b.path ? -1 : 1))
}
