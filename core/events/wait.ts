import type { Claims, Clock, EventBus, Position } from '../contracts/index.js'
import { resolveSince } from './cursor.js'
import type { Held } from './held.js'
import type { Hub } from './hub.js'
import { Parked, type GoneSignal } from './parked.js'
import { ReaderPositions } from './reader-position.js'
import { pageOf, scan, type EventPage, type Scan } from './scan.js'
import type { Subscription } from './subscription.js'

export interface WaitQuery {
  project: string
  reader: Claims
  subscription: Subscription
  since: string | undefined
  limit: number
  timeoutMs: number
  /** Aborted when the client is gone. */
  signal: GoneSignal
}

export interface Waited {
  page: EventPage
  timedOut: boolean
  /** To be called when the answer was written out: the reader goes on behind it. */
  delivered (): Promise<void>
  /** To be called when it was not. */
  lost (): Promise<void>
}

interface Parts { bus: EventBus, hub: Hub, held: Held, clock: Clock }

interface Found extends Scan {
  /** Whether it had to wait before it found something. */
  waited: boolean
  /** Where the reader was when the wait began. */
  start: Position | undefined
}

/** Long polls, each from the position where its reader is. */
export class Waits {
  readonly #parts: Parts
  readonly #positions: ReaderPositions
  #delivered = 0
  #timed = 0
  #deliveryMs = 0

  constructor (parts: Parts) {
    this.#parts = parts
    this.#positions = new ReaderPositions(parts.bus)
  }

  /** Events in answers that were written out. */
  get delivered (): number {
    return this.#delivered
  }

  /** From publication until a parked wait's answer was written out, milliseconds; 0 when there was none. */
  get averageMs (): number {
    return this.#timed === 0 ? 0 : this.#deliveryMs / this.#timed
  }

  /**
   * Answers with events that match, or empty when the time is up or the server shuts down.
   * Not `async`, nor what it hands on to: each function that waits costs as much again as what it waits for, and thousands wait.
   */
  wait (query: WaitQuery): Promise<Waited> {
    return this.#find(query).then((found) => this.#answer(query, found))
  }

  #answer (query: WaitQuery, found: Found): Waited {
    const page = pageOf(found)
    return {
      page,
      timedOut: page.events.length === 0,
      delivered: () => {
        this.#count(page, found.waited)
        return this.#positions.move(query.project, nameOf(query), found.start, found.next)
      },
      // The reader stays where it was.
      lost: async () => {}
    }
  }

  async #find (query: WaitQuery): Promise<Found> {
    const { bus, hub, held } = this.#parts
    const { project, subscription, since, limit, timeoutMs, signal } = query
    const parked = new Parked(query.reader.agent_type, subscription, limit)
    held.add(parked, query.reader)
    let remove: (() => void) | undefined
    let timer: NodeJS.Timeout | undefined
    try {
      if (signal.aborted) parked.end()
      signal.addEventListener('abort', parked)
      // Registered before reading, so that nothing slips between.
      remove = await hub.add(project, parked)
      const start = await bus.loadPosition(project, nameOf(query))
      let position = since === undefined ? start ?? (await bus.locate(project, { at: 'earliest' }))! : await resolveSince(bus, project, since)
      if (timeoutMs > 0) timer = setTimeout(endOf, timeoutMs, parked)
      let missed = 0
      for (let waited = false; ; waited = true) {
        const found: Scan = (waited ? parked.handed() : undefined) ?? await scan(bus, project, position, subscription, limit)
        missed += found.missed
        const { placed, next, more } = found
        if (placed.length > 0 || parked.isOver || timeoutMs === 0) return { placed, next, more, missed, waited, start }
        position = next
        parked.gatherFrom(position, hub.heardOf(project))
        await parked.rung()
      }
    } finally {
      clearTimeout(timer)
      remove?.()
      signal.removeEventListener('abort', parked)
      held.delete(parked, query.reader)
    }
  }

  #count ({ events }: EventPage, waited: boolean): void {
    this.#delivered += events.length
    if (!waited || events.length === 0) return
    this.#timed++
    this.#deliveryMs += Math.max(0, this.#parts.clock() - Date.parse(events[0]!.timestamp))
  }
}

/** Whose position it is. */
function nameOf ({ reader, subscription }: WaitQuery): string {
  return `${reader.agent_id}/${subscription.key}`
}

function endOf (parked: Parked): void {
  parked.end()
}
