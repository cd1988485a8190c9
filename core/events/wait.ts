import type { Claims, Clock, EventBus, Position } from '../contracts/index.js'
import { resolveSince } from './cursor.js'
import type { Held } from './held.js'
import type { Hub } from './hub.js'
import { park } from './park.js'
import { pageOf, scan, type EventPage } from './scan.js'
import type { Subscription } from './subscription.js'

export interface WaitQuery {
  project: string
  reader: Claims
  subscription: Subscription
  since: string | undefined
  limit: number
  timeoutMs: number
  /** Aborted when the client is gone. */
  signal: AbortSignal
}

export interface Waited {
  page: EventPage
  timedOut: boolean
  /** To be called when the answer was written out: the reader goes on behind it. */
  delivered (): Promise<void>
}

/** Long polls, each from the position where its reader is. */
export class Waits {
  readonly #parts: { bus: EventBus, hub: Hub, held: Held, clock: Clock }
  #delivered = 0
  #timed = 0
  #deliveryMs = 0

  constructor (parts: { bus: EventBus, hub: Hub, held: Held, clock: Clock }) {
    this.#parts = parts
  }

  /** Events in answers that were written out. */
  get delivered (): number {
    return this.#delivered
  }

  /** From publication until a parked wait's answer was written out, milliseconds; 0 when there was none. */
  get averageMs (): number {
    return this.#timed === 0 ? 0 : this.#deliveryMs / this.#timed
  }

  /** Answers with events that match, or empty when the time is up or the server shuts down. */
  async wait (query: WaitQuery): Promise<Waited> {
    const { project, subscription, limit, since } = query
    const { bus } = this.#parts
    const reader = `${query.reader.agent_id}/${subscription.key}`
    let position: Position | undefined
    let missed = 0
    const { found, waited } = await park(this.#parts, { ...query, agentType: query.reader.agent_type }, async () => {
      position ??= since === undefined ? await this.#startOf(project, reader) : await resolveSince(bus, project, since)
      const found = await scan(bus, project, position, subscription, limit)
      position = found.next
      missed += found.missed
      return { found, isEnough: found.placed.length > 0 }
    })
    const page = pageOf({ ...found, missed })
    return {
      page,
      timedOut: page.events.length === 0,
      delivered: async () => {
        this.#count(page, waited)
        await bus.savePosition(project, reader, found.next)
      }
    }
  }

  async #startOf (project: string, reader: string): Promise<Position> {
    const { bus } = this.#parts
    return await bus.loadPosition(project, reader) ?? (await bus.locate(project, { at: 'earliest' }))!
  }

  #count ({ events }: EventPage, waited: boolean): void {
    this.#delivered += events.length
    if (!waited || events.length === 0) return
    this.#timed++
    this.#deliveryMs += Math.max(0, this.#parts.clock() - Date.parse(events[0]!.timestamp))
  }
}
