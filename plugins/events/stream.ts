import { createHash } from 'node:crypto'
import { apiError, type Anchor, type Clock, type EventDraft, type LiveEvent, type PlacedEvent, type Position, type ReadPage, type SidecarEvent } from '../../core/plugin-api.js'
import type { Retention } from './retention.js'

interface Entry {
  sequence: number
  event: SidecarEvent
  /** Milliseconds since the epoch; never less than its predecessor's, also where the clock was set back. */
  time: number
  /** Segment of the log that holds it; 0 where there is no log. */
  segment: number
  /** The publisher's idempotency key. */
  key: string | undefined
}

/**
 * One project's retained events in memory, numbered from 1. Numbers rise by one, but for those of damaged records.
 * A position names the stream and the number of the last event behind the reader.
 */
export class EventStream {
  readonly #prefix: string
  readonly #retention: Retention
  readonly #clock: Clock
  readonly #onDrop: (segment: number) => void
  #entries: Entry[] = []
  /** Index in `#entries` of the first retained one; the rest is cut off now and then. */
  #start = 0
  #next = 1
  readonly #byId = new Map<string, Entry>()
  readonly #byKey = new Map<string, Entry>()
  readonly #listeners = new Set<(live: LiveEvent) => void>()

  constructor (generation: string, project: string, retention: Retention, clock: Clock, onDrop: (segment: number) => void = () => {}) {
    // Tells a position of this stream from those of other projects and of other logs.
    this.#prefix = createHash('sha256').update(`${generation}/${project}`).digest('hex').slice(0, 16)
    this.#retention = retention
    this.#clock = clock
    this.#onDrop = onDrop
  }

  get retained (): number {
    this.expire()
    return this.#entries.length - this.#start
  }

  get nextSequence (): number {
    return this.#next
  }

  /** Lets go of what retention takes by now; every other method does so first. */
  expire (): void {
    const oldest = this.#clock() - this.#retention.age
    while (this.#start < this.#entries.length) {
      const entry = this.#entries[this.#start]!
      if (this.#entries.length - this.#start <= this.#retention.count && entry.time >= oldest) break
      // Both may by now belong to a later event.
      if (this.#byId.get(entry.event.event_id) === entry) this.#byId.delete(entry.event.event_id)
      if (entry.key !== undefined && this.#byKey.get(entry.key) === entry) this.#byKey.delete(entry.key)
      this.#onDrop(entry.segment)
      this.#start++
    }
    // Cutting in large pieces keeps an append at constant cost.
    if (this.#start > 1024 && this.#start * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#start)
      this.#start = 0
    }
  }

  position (sequence: number): Position {
    return `${this.#prefix}-${sequence}`
  }

  /** The retained event that a draft repeats. */
  find ({ event_id: id, idempotency_key: key }: EventDraft): PlacedEvent | undefined {
    this.expire()
    const entry = (id === undefined ? undefined : this.#byId.get(id)) ?? (key === undefined ? undefined : this.#byKey.get(key))
    return entry === undefined ? undefined : this.#place(entry)
  }

  /** Whether a position is of this stream. */
  holds (position: Position): boolean {
    return this.#sequenceOf(position) !== undefined
  }

  /** Gives the next event a number, behind events that are no longer there. */
  continueAt (sequence: number): void {
    this.#next = Math.max((this.#entries.at(-1)?.sequence ?? 0) + 1, sequence)
  }

  /** Takes an event in; `sequence` is given when it comes from a log that retention may have cut. */
  add (event: SidecarEvent, key: string | undefined, segment = 0, sequence = this.#next): PlacedEvent {
    const time = Math.max(Date.parse(event.timestamp), this.#entries.at(-1)?.time ?? 0)
    const entry = { sequence, event, time, segment, key }
    this.#next = sequence + 1
    this.#entries.push(entry)
    this.#byId.set(event.event_id, entry)
    if (key !== undefined) this.#byKey.set(key, entry)
    this.expire()
    return this.#place(entry)
  }

  /** Hands an event to all who listen; one that throws harms nobody else. */
  announce (placed: PlacedEvent, onError: (error: unknown) => void): void {
    const live: LiveEvent = { ...placed, after: this.position(this.#sequenceOf(placed.position)! - 1) }
    for (const listener of this.#listeners) {
      try {
        listener(live)
      } catch (error) {
        onError(error)
      }
    }
  }

  listen (listener: (live: LiveEvent) => void): () => void {
    const own = (live: LiveEvent): void => listener(live)
    this.#listeners.add(own)
    return () => { this.#listeners.delete(own) }
  }

  read (after: Position, limit: number): ReadPage {
    this.expire()
    const last = this.#parse(after)
    const first = this.#entries[this.#start]?.sequence ?? this.#next
    const from = this.#firstWhere((entry) => entry.sequence > last)
    const items: PlacedEvent[] = []
    const now = this.#clock()
    let index = from
    for (; index < this.#entries.length && items.length < limit; index++) {
      const entry = this.#entries[index]!
      if (Date.parse(entry.event.timestamp) + entry.event.ttl_seconds * 1000 > now) items.push(this.#place(entry))
    }
    const next = index > from ? this.#entries[index - 1]!.sequence : Math.max(last, first - 1)
    return { items, next: this.position(next), end: index >= this.#entries.length, missed: Math.max(0, first - 1 - last) }
  }

  locate (anchor: Anchor): Position | undefined {
    this.expire()
    switch (anchor.at) {
      case 'earliest':
        return this.position((this.#entries[this.#start]?.sequence ?? this.#next) - 1)
      case 'latest':
        return this.position(this.#next - 1)
      case 'event':
      case 'key': {
        const entry = anchor.at === 'event' ? this.#byId.get(anchor.event_id) : this.#byKey.get(anchor.idempotency_key)
        return entry === undefined ? undefined : this.position(entry.sequence - 1)
      }
      case 'time': {
        const first = this.#entries[this.#firstWhere((entry) => entry.time >= anchor.time)]
        return this.position((first?.sequence ?? this.#next) - 1)
      }
    }
  }

  #place (entry: Entry): PlacedEvent {
    return { event: entry.event, position: this.position(entry.sequence) }
  }

  /** Index of the first retained entry for which a condition holds that holds for all behind it. */
  #firstWhere (holds: (entry: Entry) => boolean): number {
    let low = this.#start
    let high = this.#entries.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (holds(this.#entries[middle]!)) high = middle
      else low = middle + 1
    }
    return low
  }

  #parse (position: Position): number {
    const sequence = this.#sequenceOf(position)
    if (sequence === undefined) throw apiError('VAL_001', 'The cursor is not one of this event log: start again from an event id, a time, earliest or latest.')
    return sequence
  }

  #sequenceOf (position: Position): number | undefined {
    const match = /^([0-9a-f]{16})-(\d{1,15})$/.exec(position)
    const sequence = Number(match?.[2])
    return match?.[1] === this.#prefix && sequence < this.#next ? sequence : undefined
  }
}
