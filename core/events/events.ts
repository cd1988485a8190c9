import type { Appended, Claims, Clock, EventBus, EventDraft, JsonObject, Logger, Priority, SidecarEvent } from '../contracts/index.js'
import { resolveSince } from './cursor.js'
import { DeadLetters } from './dead-letters.js'
import type { GroupRules } from './groups/definition.js'
import { Groups } from './groups/groups.js'
import { Held } from './held.js'
import { Hub } from './hub.js'
import { checkRepetition, isRepeated, keyOf } from './idempotency.js'
import { copyMembers, namesIn } from './members.js'
import { checkReference } from './references.js'
import { Rounds } from './rounds.js'
import { pageOf, scan, type EventPage } from './scan.js'
import { stream, type StreamPage } from './stream.js'
import type { Subscription } from './subscription.js'
import { STANDARD_TOPICS } from './topics.js'
import { Waits, type Waited, type WaitQuery } from './wait.js'

export type { EventPage } from './scan.js'
export type { StreamPage } from './stream.js'
export type { Waited, WaitQuery } from './wait.js'

const DEFAULT_TTL_SECONDS = 86_400
const STANDARD: ReadonlySet<string> = new Set(STANDARD_TOPICS)

export interface Publication {
  event_type: string
  topic: string
  data?: JsonObject
  correlation_id?: string
  round?: number
  references?: string
  ttl_seconds?: number
  priority?: Priority
  traceparent?: string
  replay_of?: string
  extensions?: Record<string, string | number | boolean>
  /** Given by the publisher instead of the bus: the same again gives the first event again. */
  event_id?: string
  /** Of the publisher alone: the same again gives the first event again. */
  idempotency_key?: string
}

type Publisher = Pick<Claims, 'agent_id' | 'agent_type'>

export interface Published {
  event: SidecarEvent
  subscribers_notified: string[]
  /** Whether it had been published before, and nothing happened now. */
  replayed: boolean
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
  /** As many as in all where it is left out. */
  maxWaitsPerAgent?: number
  /** The highest round that a published event may have. */
  maxRounds: number
  clock: Clock
  log: Logger
  groups: { rules: GroupRules, maxGroups: number }
  /** Called when a dead letter's event was put before a consumer group once more. */
  offered? (project: string, group: string): void
  /** Types of the running agents of a project whose profiles subscribe to a topic. */
  subscribedAgents (project: string, topic: string): string[]
}

export class Events {
  readonly deadLetters: DeadLetters
  readonly #options: EventsOptions
  readonly #bus: EventBus
  readonly #hub: Hub
  readonly #held: Held
  readonly #waits: Waits
  readonly #rounds: Rounds
  readonly groups: Groups
  readonly #byTopic = new Map<string, number>()
  #published = 0
  #streamed = 0

  constructor (options: EventsOptions) {
    this.#options = options
    this.#bus = options.bus
    this.#hub = new Hub(options.bus)
    this.#held = new Held(options)
    this.deadLetters = new DeadLetters({
      bus: options.bus,
      publish: async (project, draft) => await this.#append(project, draft),
      offered: (project, group) => options.offered?.(project, group)
    })
    this.#rounds = new Rounds({ bus: options.bus, max: options.maxRounds })
    this.#waits = new Waits({ bus: options.bus, hub: this.#hub, held: this.#held, clock: options.clock })
    this.groups = new Groups({ bus: options.bus, hub: this.#hub, held: this.#held, clock: options.clock, log: options.log, ...options.groups })
  }

  /**
   * Durable when it resolves. Throws `EVT_002` for a round that goes back or is too high and for a reference to no event,
   * and `VAL_001` for an id or a key that was used for another event.
   */
  async publish (project: string, publisher: Publisher, publication: Publication): Promise<Published> {
    const draft = draftOf(publisher, publication)
    // A replay shows what was, in whatever order that is asked for.
    const isFirst = draft.replay_of === undefined
    if (isFirst && draft.references !== undefined) await checkReference(this.#bus, project, draft.references)
    const published = await (!isFirst || draft.round === undefined
      ? this.#publish(project, draft)
      : this.#rounds.admit(project, draft, draft.round, async () => await this.#publish(project, draft)))
    if (published.replayed) checkRepetition(published.event, draft)
    return published
  }

  /**
   * Publishes what has happened, so that neither its round nor what it refers to can be refused. With `happened` (ms since the
   * epoch) it is `undefined` when the event would have outlived its time, and is not retained: it is not news any more.
   */
  async announce (project: string, publisher: Publisher, publication: Publication, happened?: number): Promise<Published | undefined> {
    const draft = draftOf(publisher, publication)
    const isOver = happened !== undefined && happened + draft.ttl_seconds * 1000 <= this.#options.clock()
    if (isOver && !await isRepeated(this.#bus, project, draft)) return undefined
    return await this.#publish(project, draft)
  }

  /** Answers with events that match, or empty when the time is up or the server shuts down. */
  wait (query: WaitQuery): Promise<Waited> {
    return this.#waits.wait(query)
  }

  /** History, oldest first; moves nobody's position. */
  async list (project: string, subscription: Subscription, query: { since: string | undefined, until: number | undefined, correlation: string | undefined, limit: number }): Promise<EventPage> {
    const wanted = (event: SidecarEvent): boolean => subscription.matches(event) &&
      (query.correlation === undefined || event.correlation_id === query.correlation) &&
      (query.until === undefined || Date.parse(event.timestamp) < query.until)
    const after = await resolveSince(this.#bus, project, query.since ?? 'earliest')
    return pageOf(await scan(this.#bus, project, after, { matches: wanted }, query.limit))
  }

  /** Pages of matching events as they come, until the signal is aborted or the server shuts down. An empty page says that all is quiet. */
  async * stream (project: string, reader: Claims, subscription: Subscription, since: string | undefined, quietMs: number, signal: AbortSignal): AsyncGenerator<StreamPage> {
    for await (const page of stream({ bus: this.#bus, hub: this.#hub, held: this.#held }, { project, reader, subscription, since, quietMs, signal })) {
      this.#streamed += page.entries.length
      yield page
    }
  }

  statistics (): EventStatistics {
    return {
      published: this.#published,
      delivered: this.#waits.delivered + this.#streamed + this.groups.delivered,
      waiting: this.#held.size,
      avg_delivery_time_ms: Math.round(this.#waits.averageMs * 100) / 100,
      by_topic: Object.fromEntries(this.#byTopic)
    }
  }

  /** Ends all waits with an empty answer; new ones answer at once. */
  drain (): void {
    this.#held.drain()
  }

  async close (): Promise<void> {
    this.drain()
    await this.#rounds.close()
    await this.groups.close()
    await this.#hub.close()
  }

  async #publish (project: string, draft: EventDraft): Promise<Published> {
    const waiting = this.#hub.reached(project, draft)
    const appended = await this.#bus.append(project, draft)
    this.#count(appended)
    const { event, duplicate } = appended
    if (duplicate) return { event, subscribers_notified: [], replayed: true }
    const subscribed = this.#options.subscribedAgents(project, event.topic)
    const notified = waiting.length === 0 && subscribed.length === 0 ? [] : [...new Set([...waiting, ...subscribed])].sort()
    return { event, subscribers_notified: notified, replayed: false }
  }

  async #append (project: string, draft: EventDraft): Promise<Appended> {
    const appended = await this.#bus.append(project, draft)
    this.#count(appended)
    return appended
  }

  #count ({ event, duplicate }: Appended): void {
    if (duplicate) return
    this.#published++
    const topic = STANDARD.has(event.topic) ? event.topic : 'custom'
    this.#byTopic.set(topic, (this.#byTopic.get(topic) ?? 0) + 1)
  }
}

/** What a draft has where its publication says it, and says in the same way. */
const AS_PUBLISHED = namesIn<Exclude<keyof Publication, 'event_type' | 'topic' | 'data' | 'ttl_seconds' | 'idempotency_key'>>({
  correlation_id: true, round: true, references: true, priority: true, traceparent: true, replay_of: true, extensions: true, event_id: true
})

function draftOf (publisher: Publisher, publication: Publication): EventDraft {
  const { event_type, topic, data = {}, ttl_seconds = DEFAULT_TTL_SECONDS, idempotency_key: key } = publication
  const draft: EventDraft = { event_type, publisher: publisher.agent_id, publisher_type: publisher.agent_type, topic, data, ttl_seconds }
  copyMembers(AS_PUBLISHED, publication, draft)
  if (key !== undefined) draft.idempotency_key = keyOf(publisher.agent_id, key)
  return draft
}
