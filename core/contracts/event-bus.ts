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

export type Anchor =
  | { at: 'earliest' }
  | { at: 'latest' }
  | { at: 'event', event_id: string }
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
  /** Resolves an anchor to the position just before its events; `undefined` when the event is not retained. */
  locate (project: string, anchor: Anchor): Promise<Position | undefined>
  /**
   * Calls `listener` for each event appended from now on, in order, without waiting for it.
   * Several processes on one backend each see every event. The returned function is idempotent.
   */
  subscribe (project: string, listener: (placed: PlacedEvent) => void): Promise<() => void>
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
}
