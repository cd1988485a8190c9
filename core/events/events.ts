import type { Claims, Clock, DeadLetter, EventBus, EventDraft, JsonObject, PlacedEvent, Position, Priority, SidecarEvent } from '../contracts/index.js'
import { apiError } from '../errors.js'
import { resolveSince, toCursor } from './cursor.js'
import { Hub } from './hub.js'
import type { Subscription } from './subscription.js'
import { STANDARD_TOPICS } from './topics.js'

const PAGE = 500
const DEFAULT_TTL_SECONDS = 86_400

export interface Publication {
  event_type: string
  topic: string
  data?: JsonObject
  correlation_id?: string
  round?: number
  references?: string
  ttl_seconds?: number
  priority?: Priority
}

export interface Published {
  event: SidecarEvent
  subscribers_notified: string[]
}

export interface EventPage {
  events: SidecarEvent[]
  more_available: boolean
  next_cursor: string
  gap?: { missed: number }
}

/** What a stream sends at once; nothing to tell is an empty page. */
export interface StreamPage {
  entries: { event: SidecarEvent, cursor: string }[]
  /** Behind all that was looked at. */
  cursor: string
  gap?: { missed: number }
}

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

export interface EventStatistics {
  published: number
  delivered: number
  waiting: number
  avg_delivery_time_ms: number
  by_topic: Record<string, number>
}

export interface EventsOptions {
  bus: EventBus
  maxWaits: number
  clock: Clock
  /** Types of the running agents of a project whose profiles subscribe to a topic. */
  subscribedAgents (project: string, topic: string): string[]
}

export class Events {
  readonly #options: EventsOptions
  readonly #bus: EventBus
  readonly #hub: Hub
  readonly #byTopic = new Map<string, number>()
  #published = 0
  #delivered = 0
  #timed = 0
  #deliveryMs = 0
  /** What ends each wait and stream that is held. */
  readonly #held = new Set<AbortController>()
  #isDraining = false

  constructor (options: EventsOptions) {
    this.#options = options
    this.#bus = options.bus
    this.#hub = new Hub(options.bus)
  }

  /** Durable when it resolves. */
  async publish (project: string, publisher: { agent_id: string, agent_type: string }, publication: Publication): Promise<Published> {
    const { ttl_seconds: ttl = DEFAULT_TTL_SECONDS, data = {}, ...rest } = publication
    const draft: EventDraft = { ...rest, data, ttl_seconds: ttl, publisher: publisher.agent_id, publisher_type: publisher.agent_type }
    const waiting = this.#hub.reached(project, draft)
    const event = await this.#append(project, draft)
    const notified = new Set([...waiting, ...this.#options.subscribedAgents(project, event.topic)])
    return { event, subscribers_notified: [...notified].sort() }
  }

  /** Answers with events that match, or empty when the time is up or the server shuts down. */
  async wait (query: WaitQuery): Promise<Waited> {
    const { project, subscription, limit } = query
    const reader = `${query.reader.agent_id}/${subscription.key}`
    const { end, release } = this.#hold(query.signal)
    const bell = createBell()
    let remove: (() => void) | undefined
    let timer: NodeJS.Timeout | undefined
    try {
      // Registered before reading, so that nothing slips between.
      remove = await this.#hub.add(project, { agentType: query.reader.agent_type, subscription, wake: bell.ring })
      let position = query.since === undefined
        ? await this.#startOf(project, reader)
        : await resolveSince(this.#bus, project, query.since)
      timer = setTimeout(() => end.abort(), query.timeoutMs)
      let missed = 0
      let parked = false
      for (;;) {
        const scan = await this.#scan(project, position, subscription, limit)
        position = scan.next
        missed += scan.missed
        const isOver = end.signal.aborted || query.timeoutMs === 0
        if (scan.placed.length > 0 || isOver) {
          const page = pageOf(scan, missed)
          return { page, timedOut: page.events.length === 0, delivered: async () => await this.#moveOn(project, reader, position, page.events, parked) }
        }
        parked = true
        await bell.rung(end.signal)
      }
    } finally {
      clearTimeout(timer)
      remove?.()
      release()
    }
  }

  /** History, oldest first; moves nobody's position. */
  async list (project: string, subscription: Subscription, query: { since: string | undefined, until: number | undefined, correlation: string | undefined, limit: number }): Promise<EventPage> {
    const wanted = (event: SidecarEvent): boolean => subscription.matches(event) &&
      (query.correlation === undefined || event.correlation_id === query.correlation) &&
      (query.until === undefined || Date.parse(event.timestamp) < query.until)
    const after = await resolveSince(this.#bus, project, query.since ?? 'earliest')
    const scan = await this.#scan(project, after, { matches: wanted }, query.limit)
    return pageOf(scan, scan.missed)
  }

  /** Pages of matching events as they come, until the signal is aborted or the server shuts down. An empty page says that all is quiet. */
  async * stream (project: string, reader: Claims, subscription: Subscription, since: string | undefined, quietMs: number, signal: AbortSignal): AsyncGenerator<StreamPage> {
    const { end, release } = this.#hold(signal)
    const bell = createBell()
    let remove: (() => void) | undefined
    try {
      remove = await this.#hub.add(project, { agentType: reader.agent_type, subscription, wake: bell.ring })
      let position = await resolveSince(this.#bus, project, since ?? 'latest')
      while (!end.signal.aborted) {
        const scan = await this.#scan(project, position, subscription, PAGE)
        position = scan.next
        this.#delivered += scan.placed.length
        const entries = scan.placed.map(({ event, position: behind }) => ({ event, cursor: toCursor(behind) }))
        yield { entries, cursor: toCursor(position), ...(scan.missed > 0 ? { gap: { missed: scan.missed } } : {}) }
        if (!scan.more) await bell.rung(end.signal, quietMs)
      }
    } finally {
      remove?.()
      release()
    }
  }

  deadLetters = async (project: string): Promise<DeadLetter[]> => await this.#bus.listDeadLetters(project)

  /** Publishes a dead letter's event once more, as its first publisher did, and forgets the letter. */
  async redrive (project: string, eventId: string): Promise<SidecarEvent> {
    const letter = (await this.#bus.listDeadLetters(project)).find(({ event }) => event.event_id === eventId)
    if (letter === undefined) throw apiError('NOT_001', `There is no dead letter '${eventId}'.`)
    const { event_id: original, timestamp: _timestamp, ...draft } = letter.event
    const event = await this.#append(project, { ...draft, references: original })
    await this.#bus.removeDeadLetter(project, eventId)
    return event
  }

  statistics (): EventStatistics {
    return {
      published: this.#published,
      delivered: this.#delivered,
      waiting: this.#held.size,
      avg_delivery_time_ms: this.#timed === 0 ? 0 : Math.round(this.#deliveryMs / this.#timed * 100) / 100,
      by_topic: Object.fromEntries(this.#byTopic)
    }
  }

  /** Ends all waits with an empty answer; new ones answer at once. */
  drain (): void {
    this.#isDraining = true
    for (const end of this.#held) end.abort()
  }

  async close (): Promise<void> {
    this.drain()
    await this.#hub.close()
  }

  async #append (project: string, draft: EventDraft): Promise<SidecarEvent> {
    const { event } = await this.#bus.append(project, draft)
    this.#published++
    const topic = (STANDARD_TOPICS as readonly string[]).includes(event.topic) ? event.topic : 'custom'
    this.#byTopic.set(topic, (this.#byTopic.get(topic) ?? 0) + 1)
    return event
  }

  /**
   * Takes a place among the waits; `end` is aborted when the client is gone and when the server shuts down.
   * Not with `AbortSignal.any`: while one of its sources lives, Node 20 keeps all that was ever made of it and listened to.
   */
  #hold (gone: AbortSignal): { end: AbortController, release (): void } {
    if (this.#held.size >= this.#options.maxWaits) {
      throw apiError('SRV_002', `The sidecar holds ${this.#held.size} waits, which is its bound; try again in a moment.`, { headers: { 'retry-after': '1' } })
    }
    const end = new AbortController()
    const abort = (): void => end.abort()
    if (gone.aborted || this.#isDraining) abort()
    gone.addEventListener('abort', abort, { once: true })
    this.#held.add(end)
    return {
      end,
      release: () => {
        gone.removeEventListener('abort', abort)
        this.#held.delete(end)
      }
    }
  }

  async #startOf (project: string, reader: string): Promise<Position> {
    return await this.#bus.loadPosition(project, reader) ?? (await this.#bus.locate(project, { at: 'earliest' }))!
  }

  /** Reads on from a position until `limit` events match or nothing is left. */
  async #scan (project: string, after: Position, wanted: Pick<Subscription, 'matches'>, limit: number): Promise<Scan> {
    const placed: PlacedEvent[] = []
    let next = after
    let missed = 0
    for (let position = after; ;) {
      const page = await this.#bus.read(project, { after: position, limit: PAGE })
      missed += page.missed
      for (const item of page.items) {
        if (!wanted.matches(item.event)) continue
        if (placed.length === limit) return { placed, next, more: true, missed }
        placed.push(item)
        next = item.position
      }
      position = page.next
      if (placed.length < limit) next = page.next
      if (page.end) return { placed, next, more: false, missed }
    }
  }

  async #moveOn (project: string, reader: string, position: Position, events: readonly SidecarEvent[], parked: boolean): Promise<void> {
    this.#delivered += events.length
    if (parked && events.length > 0) {
      this.#timed++
      this.#deliveryMs += Math.max(0, this.#options.clock() - Date.parse(events[0]!.timestamp))
    }
    await this.#bus.savePosition(project, reader, position)
  }
}

interface Scan {
  placed: PlacedEvent[]
  next: Position
  more: boolean
  missed: number
}

function pageOf ({ placed, next, more }: Scan, missed: number): EventPage {
  return {
    events: placed.map(({ event }) => event),
    more_available: more,
    next_cursor: toCursor(next),
    ...(missed > 0 ? { gap: { missed } } : {})
  }
}

interface Bell {
  ring (): void
  /** Resolves when it was rung since the last time, when the signal is aborted, or when all was quiet for so long. */
  rung (signal: AbortSignal, quietMs?: number): Promise<void>
}

/** Remembers one ring, so that a ring before the wait is not lost. */
function createBell (): Bell {
  let isRung = false
  let wake = (): void => {}
  return {
    ring () {
      isRung = true
      wake()
    },
    async rung (signal, quietMs) {
      if (!isRung && !signal.aborted) {
        const woken = new Promise<void>((resolve) => { wake = resolve })
        const timer = quietMs === undefined ? undefined : setTimeout(wake, quietMs)
        signal.addEventListener('abort', wake)
        await woken
        signal.removeEventListener('abort', wake)
        clearTimeout(timer)
      }
      isRung = false
    }
  }
}
