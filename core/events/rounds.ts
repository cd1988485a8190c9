import { setImmediate as turn } from 'node:timers/promises'
import type { EventBus, EventDraft, SidecarEvent } from '../contracts/event-bus.js'
import { apiError } from '../errors.js'
import { isRepeated } from './idempotency.js'

const PAGE = 500
/** Conversations of a project whose round is remembered; the one that was quiet for the longest gives way. About 10 MB when full. */
const MOST_CORRELATIONS = 50_000

interface Index {
  /** The highest round of each conversation and the event that had it; the one that was heard last stands last. */
  reached: Map<string, { round: number, event_id: string }>
  /** What is being appended, by conversation. */
  arriving: Map<string, Set<{ round: number, settled: Promise<unknown> }>>
  unsubscribe (): void
}

export interface RoundsOptions {
  bus: EventBus
  /** The highest round that an event may have. */
  max: number
}

/**
 * Sees that the round of a conversation, which is all events of one `correlation_id`, never goes back, and is bounded.
 * Within this process that holds for any number of publishes at once; several processes on one bus may cross.
 */
export class Rounds {
  readonly #bus: EventBus
  readonly #max: number
  readonly #indexes = new Map<string, Promise<Index>>()

  constructor ({ bus, max }: RoundsOptions) {
    this.#bus = bus
    this.#max = max
  }

  /** Runs `append` if `round`, that of the draft, may stand; else throws `EVT_002`. What only repeats an earlier event may. */
  async admit<Appended extends { event: SidecarEvent }> (project: string, draft: EventDraft, round: number, append: () => Promise<Appended>): Promise<Appended> {
    const { correlation_id: correlation } = draft
    if (round > this.#max) return await this.#refuse(project, draft, append, `'${round}' is above ${this.#max}, the bound of this sidecar (events.max_rounds)`)
    if (correlation === undefined) return await append()
    const index = await this.#indexOf(project)
    for (;;) {
      const reached = index.reached.get(correlation)
      if (reached !== undefined && reached.round > round) {
        // What retention took no longer counts, as it would not after a restart.
        if (await this.#bus.locate(project, { at: 'event', event_id: reached.event_id }) !== undefined) {
          return await this.#refuse(project, draft, append, `'${round}' goes back: the current round of '${correlation}' is ${reached.round}`)
        }
        if (index.reached.get(correlation) === reached) index.reached.delete(correlation)
        continue
      }
      const ahead = [...index.arriving.get(correlation) ?? []].filter((other) => other.round > round)
      if (ahead.length === 0) break
      // Whether they go before this one shows when they have been appended, or not.
      await Promise.allSettled(ahead.map(({ settled }) => settled))
    }
    return await this.#arrive(index, correlation, round, append)
  }

  async close (): Promise<void> {
    const indexes = [...this.#indexes.values()]
    this.#indexes.clear()
    for (const index of await Promise.allSettled(indexes)) if (index.status === 'fulfilled') index.value.unsubscribe()
  }

  async #refuse<Appended> (project: string, draft: EventDraft, append: () => Promise<Appended>, message: string): Promise<Appended> {
    if (await isRepeated(this.#bus, project, draft)) return await append()
    throw apiError('EVT_002', `round: ${message}.`, { details: { issues: [{ path: 'round', message }] } })
  }

  async #arrive<Appended extends { event: SidecarEvent }> (index: Index, correlation: string, round: number, append: () => Promise<Appended>): Promise<Appended> {
    const settled = append()
    const entry = { round, settled }
    const arriving = index.arriving.get(correlation) ?? new Set()
    index.arriving.set(correlation, arriving.add(entry))
    try {
      const appended = await settled
      note(index, appended.event)
      return appended
    } finally {
      arriving.delete(entry)
      if (arriving.size === 0) index.arriving.delete(correlation)
    }
  }

  #indexOf (project: string): Promise<Index> {
    let index = this.#indexes.get(project)
    if (index === undefined) {
      index = this.#build(project)
      this.#indexes.set(project, index)
      index.catch(() => this.#indexes.delete(project))
    }
    return index
  }

  /** Reads what is retained, once; the subscription, taken before, tells the rest. */
  async #build (project: string): Promise<Index> {
    const index: Index = { reached: new Map(), arriving: new Map(), unsubscribe: () => {} }
    index.unsubscribe = await this.#bus.subscribe(project, ({ event }) => note(index, event))
    try {
      let after = (await this.#bus.locate(project, { at: 'earliest' }))!
      for (;;) {
        const page = await this.#bus.read(project, { after, limit: PAGE })
        for (const { event } of page.items) note(index, event)
        if (page.end) return index
        after = page.next
        // A long history must not hold up everybody else.
        await turn()
      }
    } catch (error) {
      index.unsubscribe()
      throw error
    }
  }
}

function note ({ reached }: Index, { correlation_id: correlation, round, event_id: id }: SidecarEvent): void {
  if (correlation === undefined || round === undefined) return
  const before = reached.get(correlation)
  // Set anew, so that the first of the map is the one that was quiet for the longest.
  reached.delete(correlation)
  reached.set(correlation, before !== undefined && before.round > round ? before : { round, event_id: id })
  if (reached.size > MOST_CORRELATIONS) reached.delete(reached.keys().next().value!)
}
