import type { JsonObject, Lifecycle } from './common.js'

export type Priority = 'low' | 'normal' | 'high'

export interface SidecarEvent {
  /** `evt_` and 26 characters that sort by time; strictly increasing within a project. */
  event_id: string
  event_type: string
  publisher: string
  publisher_type: string
  topic: string
  data: JsonObject
  correlation_id?: string
  round?: number
  references?: string
  priority?: Priority
  /** RFC 3339, UTC. */
  timestamp: string
  ttl_seconds: number
  /** W3C trace context of the request that published it. */
  traceparent?: string
  /** The event that this one repeats, where it was emitted again by a replay. */
  replay_of?: string
  /** Further attributes that a publisher of CloudEvents gave it. */
  extensions?: Record<string, string | number | boolean>
}

export type EventDraft = Omit<SidecarEvent, 'event_id' | 'timestamp'> & {
  event_id?: string
  /**
   * What the publisher gave so that a publish that is tried again does not publish twice; unique per project.
   * Not part of the event that readers see.
   */
  idempotency_key?: string
}

/** A place in one project's stream. Opaque: only the bus that issued it can order or read it. */
export type Position = string

export interface PlacedEvent {
  event: SidecarEvent
  /** Reading after this position continues behind the event. */
  position: Position
}

export interface Appended extends PlacedEvent {
  /** Whether the event was there already, by `event_id` or `idempotency_key`, and nothing was appended. */
  duplicate: boolean
}

/** An event as it is handed to those who listen for what is appended. */
export interface LiveEvent extends PlacedEvent {
  /** The position right in front of the event, where the bus knows it: nothing lies between. Who is there need not read. */
  after?: Position
}

export type Anchor =
  | { at: 'earliest' }
  | { at: 'latest' }
  | { at: 'event', event_id: string }
  | { at: 'key', idempotency_key: string }
  | { at: 'time', time: number }

export interface ReadPage {
  items: PlacedEvent[]
  /** Where the next read goes on: behind everything that was looked at. */
  next: Position
  /** Whether nothing lay behind `next` at the time of reading. */
  end: boolean
  /** Events between `after` and the first item that retention took before this read. */
  missed: number
}

export interface DeadLetter {
  event: SidecarEvent
  reason: string
  attempts: number
  last_error: string
  /** RFC 3339, UTC. */
  timestamp: string
  /** Whom it could not be handed to: `group:<name>`, `webhook:<id>`; absent when that was nobody in particular. */
  target?: string
}

/** One event in the hands of one member of a group. */
export interface Delivery extends PlacedEvent {
  /** How often it was handed out, this time included. */
  attempt: number
  /** When it is handed to another member unless it was settled, milliseconds since the epoch. */
  deadline: number
  /** Why the attempt before this one was given back, as its member said; absent when its time ran out. */
  last_error?: string
}

export interface ClaimQuery {
  /** Who takes the events, for example an agent's id. */
  member: string
  /** At most so many deliveries; with 0 only spent ones are looked for. */
  limit: number
  /** How long an attempt may take, milliseconds. */
  holdMs (attempt: number): number
  /** An event that came free after so many attempts is spent. */
  maxAttempts: number
  /** What is not wanted is passed over for good. */
  wanted (event: SidecarEvent): boolean
  /** Nothing new is handed out while the group has so many events that are not settled, given back ones included: with 1 one comes after the other. */
  maxHeld?: number
  /** Events that were given back come before their time. */
  early?: boolean
}

export interface GroupClaim {
  /** Events that came free again, then new ones; oldest first within each. */
  deliveries: Delivery[]
  /** Events whose attempts are used up, held by the member for as long as another attempt would take: to be settled by it. `attempt` is that of the last one. */
  spent: Delivery[]
  /** Events that retention took before the group came to them, or while nobody had settled them. */
  missed: number
  /** When the next event in anybody's hands comes free, milliseconds since the epoch. */
  next_free_at: number | null
}

export interface HoldChange {
  member: string
  event_ids: readonly string[]
  /** When the events come free, milliseconds since the epoch. */
  until (attempt: number): number
  /**
   * Absent: the member goes on holding them. Else they are given back: `failed` says that the attempt counts,
   * `unseen` that the member never got them.
   */
  release?: 'failed' | 'unseen'
  error?: string
}

export interface HeldEvent {
  event_id: string
  /** `null` when it was given back and waits for its time. */
  member: string | null
  attempt: number
  /** RFC 3339, UTC. */
  deadline: string
}

export interface GroupFacts {
  group: string
  purpose: string
  /** Retained events that nobody has looked at for the group yet, of any type; counted up to 10,000. */
  lag: number
  held: HeldEvent[]
}

export interface EventBusStats {
  /** Events retained, of all projects or the one asked for. */
  retained: number
  /** Events appended since the bus was opened. */
  published: number
  dead_letters: number
  /** Bytes on disk; 0 where the bus writes none. */
  bytes: number
}

/**
 * A durable, ordered stream of events per project. All calls are scoped by the project that is their
 * first argument: nothing of another project can be named.
 *
 * Errors: `EVT_001` when the bus cannot take or give events, `VAL_001` for a position that is not of
 * this bus and project (from the future, of another project, garbage).
 */
export interface EventBus extends Lifecycle {
  /** `durable`: what was acknowledged survives `kill -9`. */
  readonly supports: { durable: boolean }
  /**
   * Resolves when the event is durable. A draft whose `event_id`, or else whose `idempotency_key`, is that of a retained
   * event returns that event, whatever else it says, and appends nothing.
   */
  append (project: string, draft: EventDraft): Promise<Appended>
  /** Oldest first, at most `limit` items. Expired events are passed over, and are not `missed`. */
  read (project: string, query: { after: Position, limit: number }): Promise<ReadPage>
  /** Resolves an anchor to the position just before its events; `undefined` when the event (by its id or the key it was appended with) is not retained. */
  locate (project: string, anchor: Anchor): Promise<Position | undefined>
  /**
   * Calls `listener` for each event appended from now on, in order, without waiting for it.
   * Several processes on one backend each see every event. The returned function is idempotent.
   */
  subscribe (project: string, listener: (live: LiveEvent) => void): Promise<() => void>
  /** The position saved under `reader`, or `undefined`. */
  loadPosition (project: string, reader: string): Promise<Position | undefined>
  /** Saves where a reader is. May be written behind: after a crash an older position may come back, never a newer one. */
  savePosition (project: string, reader: string, position: Position): Promise<void>
  /** An event has at most one letter per target: a later one takes the place of the earlier. */
  addDeadLetter (project: string, letter: DeadLetter): Promise<void>
  /** Oldest first. */
  listDeadLetters (project: string): Promise<DeadLetter[]>
  /** Removes the letter of exactly that target, or the one without a target; `false` when there was none. */
  removeDeadLetter (project: string, eventId: string, target?: string): Promise<boolean>
  stats (project?: string): Promise<EventBusStats>
  /**
   * Consumer groups: each event goes to one member, and to another when the first has not settled it in time.
   * A call that names a group which is not there rejects with `NOT_001`.
   *
   * Makes a group that begins behind `after`, or finds it; two calls at once make one. `purpose` is a text of its maker (at most 16 kB)
   * that is kept with it.
   */
  openGroup (project: string, group: string, query: { after: Position, purpose: string }): Promise<{ created: boolean, purpose: string }>
  /** Gives a group another purpose. Durable when it resolves. */
  repurposeGroup (project: string, group: string, purpose: string): Promise<void>
  /** Hands out events that no other member holds. Atomic, also across processes on one backend. */
  claim (project: string, group: string, query: ClaimQuery): Promise<GroupClaim>
  /** Ends the group's business with events that it holds, whichever member does. Durable when it resolves to their ids. */
  settle (project: string, group: string, eventIds: readonly string[]): Promise<string[]>
  /** Changes when events come free that the member holds; resolves to their ids. */
  hold (project: string, group: string, change: HoldChange): Promise<string[]>
  /** Puts an event before a group once more, also one that retention has taken; its attempts are counted anew. */
  offer (project: string, group: string, event: SidecarEvent): Promise<void>
  /** Names of the groups, sorted. */
  groupNames (project: string): Promise<string[]>
  /** What is kept of a group, without counting how far it is behind; `undefined` when there is none. */
  findGroup (project: string, group: string): Promise<{ purpose: string, held: HeldEvent[] } | undefined>
  /** Sorted by name. */
  groups (project: string): Promise<GroupFacts[]>
  /** Forgets a group; `false` when there was none. */
  closeGroup (project: string, group: string): Promise<boolean>
}
