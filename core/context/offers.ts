import type { ContextItem, PriorityClass, Task } from '../contracts/context-strategy.js'
import { PRIORITY } from './priority.js'

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
  /** Least match with the task, 0…1: 1 where the issue names it. */
  named: number
  priority: PriorityClass
  reasons: string[]
  /** Each once. */
  strategies: string[]
}

/** What an agent before has touched is likelier to be touched again than what only reads alike. */
const TOUCHED = 0.6

/** Merges what the strategies offer: one candidate for each path, the most needed first. `touched` are files of earlier results. */
export function mergeOffers (offers: readonly Offer[], task: Task, touched: ReadonlySet<string> = new Set()): Candidate[] {
  const heaviest = Math.max(1, ...offers.map((offer) => offer.weight))
  const candidates = new Map<string, Candidate>()
  for (const { item, weight, strategy } of offers) {
    const candidate = candidates.get(item.path) ?? { path: item.path, content: undefined, need: 0, named: 0, priority: PRIORITY.history, reasons: [], strategies: [] }
    candidates.set(item.path, candidate)
    const share = Math.max(0, Math.min(1, item.score)) * Math.min(1, weight / heaviest)
    // Two strategies that agree make a file more wanted than either alone, and never more than certain.
    candidate.need = 1 - (1 - candidate.need) * (1 - 0.95 * share)
    candidate.priority = Math.min(candidate.priority, item.priority) as PriorityClass
    if (item.kind === 'text') candidate.content = item.content
    if (item.reason !== undefined && !candidate.reasons.includes(item.reason)) candidate.reasons.push(item.reason)
    // One may serve two requirements.
    if (!candidate.strategies.includes(strategy)) candidate.strategies.push(strategy)
  }
  const named = new Set(task.files)
  for (const candidate of candidates.values()) {
    // The ranking leads; the class decides between files of about equal need.
    candidate.need = Math.min(1, candidate.need * (1 + 0.03 * (PRIORITY.documentation - candidate.priority)))
    if (touched.has(candidate.path)) {
      candidate.named = TOUCHED
      candidate.reasons.push('touched by an earlier agent')
    }
    if (!named.has(candidate.path)) continue
    candidate.named = 1
    candidate.priority = PRIORITY.task
    candidate.need = 1
    candidate.reasons.push('named by the issue')
  }
  return [...candidates.values()].sort((a, b) => b.need - a.need || (a.path < b.path ? -1 : 1))
}
