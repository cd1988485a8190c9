import { createHash } from 'node:crypto'
import { apiError, messageOf, type Anchor, type LiveEvent, type PlacedEvent, type Position, type ReadPage, type SidecarEvent } from '../../core/plugin-api.js'
import type { AgeClock } from './age-clock.js'
import { OpenPart } from './open-part.js'
import type { EventName, Part, Row } from './part.js'
import type { Retention } from './retention.js'

export interface StreamOptions {
  project: string
  /** Name of the log: tells positions of this stream from those of another log's. */
  generation: string
  retention: Retention
  ages: AgeClock
  /** Segment that events which are added lie in; 0 where there is no log. */
  segment?: number
  /** Retention has taken all that the stream had in a closed segment. */
  onDrop? (segment: number): void
}

interface Place { part: Part, row: number }

/**
 * One project's retained events, numbered from 1. Numbers rise by one, but for those of damaged records.
 * A position names the stream and the number of the last event behind the reader.
 */
export class EventStream {
  readonly #prefix: string
  readonly #retention: Retention
  readonly #ages: AgeClock
  readonly #onDrop: (segment: number) => void
  /** Oldest first; the last one is open, and the others hold at least one retained row. */
  readonly #closed: Part[] = []
  #open: OpenPart
  /** The first retained row of the first part. */
  #start = 0
  #count = 0
  #bytes = 0
  #next = 1
  #lastTime = 0
  /** What the clock was ahead of the ages from a number on, where that changed. */
  #offsets: { from: number, offset: number }[] = []
  readonly #listeners = new Set<(live: LiveEvent) => void>()

  constructor ({ project, generation, retention, ages, segment = 0, onDrop = () => {} }: StreamOptions) {
    this.#prefix = createHash('sha256').update(`${generation}/${project}`).digest('hex').slice(0, 16)
    this.#retention = retention
    this.#ages = ages
    this.#onDrop = onDrop
    this.#open = new OpenPart(segment)
  }

  get retained (): number {
    this.expire()
    return this.#count
  }

  get nextSequence (): number {
    return this.#next
  }

  /** Time of the newest event, also where the clock was set back since. */
  get lastTime (): number {
    return this.#lastTime
  }

  /** Lets go of what retention takes by now; every other method does so first. */
  expire (): void {
    const { count, bytes = Infinity, age } = this.#retention
    const oldest = this.#ages.now() - age
    while (this.#count > 0) {
      const part = this.#part(0)
      const time = part.time(this.#start) - this.#offsetAt(part.sequence(this.#start))
      if (this.#count <= count && (this.#bytes <= bytes || this.#count === 1) && time >= oldest) break
      this.#bytes -= part.bytes(this.#start)
      this.#count--
      part.drop(this.#start++)
      if (this.#start === part.length && this.#closed.length > 0) {
        this.#closed.shift()
        this.#start = 0
        this.#onDrop(part.segment)
      }
    }
    if (this.#closed.length === 0) this.#start -= this.#open.cut(this.#start)
  }

  position (sequence: number): Position {
    return `${this.#prefix}-${sequence}`
  }

  /** Whether a position is of this stream. */
  holds (position: Position): boolean {
    return this.#sequenceOf(position) !== undefined
  }

  /** The retained event that has one of the names, the first leading, as far as memory knows it: all where there is no log. */
  findOpen (names: readonly EventName[]): PlacedEvent | undefined {
    if (names.length > 0) this.expire()
    for (const name of names) {
      const row = this.#open.find(name, this.#closed.length === 0 ? this.#start : 0)
      if (row !== undefined) return this.#place(this.#open.events(row, row + 1)[0]!, this.#open.sequence(row))
    }
    return undefined
  }

  /** The retained event that has one of the names, the first leading. */
  async find (names: readonly EventName[]): Promise<PlacedEvent | undefined> {
    for (const name of names) {
      const found = await this.#find(name)
      if (found === undefined) continue
      const { part, row } = found
      const [event] = await this.#ask(part, part.events(row, row + 1)) ?? []
      if (event !== undefined) return this.#place(event, part.sequence(row))
    }
    return undefined
  }

  /** Gives the next event a number, behind events that are no longer there. */
  continueAt (sequence: number): void {
    this.#next = Math.max(this.#next, sequence)
  }

  /** Takes an event in; `sequence` is given when it comes from a log that retention may have cut. */
  add (event: SidecarEvent, { key, bytes, offset = 0, sequence = this.#next }: { key?: string | undefined, bytes: number, offset?: number, sequence?: number }): PlacedEvent {
    const time = this.#lastTime = Math.max(Date.parse(event.timestamp), this.#lastTime)
    const ahead = this.#ages.offset
    if (ahead !== (this.#offsets.at(-1)?.offset ?? 0)) this.#changeOffset(sequence, ahead)
    this.#next = sequence + 1
    this.#open.add({ sequence, event, time, bytes, offset, key })
    this.#count++
    this.#bytes += bytes
    this.expire()
    return this.#place(event, sequence)
  }

  /** Takes in the events of a closed segment, all behind those that are there. */
  addClosed (part: Part, bytes: number): void {
    this.#closed.push(part)
    this.#lastTime = Math.max(part.time(part.length - 1), this.#lastTime)
    this.#next = Math.max(part.sequence(part.length - 1) + 1, this.#next)
    this.#count += part.length
    this.#bytes += bytes
  }

  /** Rows that a segment which is about to be closed has to keep. */
  openRows (): readonly Row[] {
    this.expire()
    return this.#open.rows.slice(this.#closed.length === 0 ? this.#start : 0)
  }

  /** Puts a closed part with all the open rows in their place, or nothing where there are none; the next events lie in another segment. */
  closeOpen (part: Part | undefined, segment: number): void {
    if (this.#closed.length === 0) this.#start = 0
    if (part !== undefined) this.#closed.push(part)
    this.#open = new OpenPart(segment)
  }

  /** Hands an event to all who listen; one that throws harms nobody else. */
  announce (placed: PlacedEvent, onError: (error: unknown) => void): void {
    if (this.#listeners.size === 0) return
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

  /** What lies in memory is read at once, without giving way. */
  async read (after: Position, limit: number): Promise<ReadPage> {
    this.expire()
    const items: PlacedEvent[] = []
    let behind = this.#parse(after)
    let missed = 0
    for (;;) {
      const first = this.#firstSequence()
      if (behind < first - 1) {
        // Retention may also take what is about to be read; that is told by the next page.
        if (items.length > 0) break
        missed += first - 1 - behind
        behind = first - 1
      }
      if (items.length >= limit) break
      const { part, row } = this.#firstWhere((part, row) => part.sequence(row) > behind)
      if (row === part.length) break
      const read = part.events(row, Math.min(part.length, row + limit - items.length))
      const events = read instanceof Promise ? await this.#ask(part, read) ?? [] : read
      for (const [at, event] of events.entries()) {
        behind = part.sequence(row + at)
        if (event !== undefined && !this.#isExpired(event, behind)) items.push(this.#place(event, behind))
      }
    }
    return { items, next: this.position(behind), end: behind >= this.#lastSequence(), missed }
  }

  async locate (anchor: Anchor): Promise<Position | undefined> {
    this.expire()
    switch (anchor.at) {
      case 'earliest':
        return this.position(this.#firstSequence() - 1)
      case 'latest':
        return this.position(this.#next - 1)
      case 'event':
      case 'key': {
        const found = await this.#find(anchor.at === 'event' ? { by: 'id', value: anchor.event_id } : { by: 'key', value: anchor.idempotency_key })
        return found === undefined ? undefined : this.position(found.part.sequence(found.row) - 1)
      }
      case 'time': {
        const { part, row } = this.#firstWhere((part, row) => part.time(row) >= anchor.time)
        return this.position((row === part.length ? this.#next : part.sequence(row)) - 1)
      }
    }
  }

  async #find (name: EventName): Promise<Place | undefined> {
    this.expire()
    for (const part of [this.#open, ...this.#closed.slice().reverse()]) {
      const row = await this.#ask(part, part.find(name, part === this.#part(0) ? this.#start : 0))
      if (row !== undefined) return { part, row }
    }
    return undefined
  }

  /** What the disk says; a part that retention took meanwhile, and its file with it, has nothing to tell. */
  async #ask<Answer> (part: Part, answer: Answer | Promise<Answer>): Promise<Answer | undefined> {
    try {
      return await answer
    } catch (error) {
      if (part !== this.#open && !this.#closed.includes(part)) return undefined
      throw apiError('EVT_001', `The event log cannot be read: ${messageOf(error)}.`)
    } finally {
      this.expire()
    }
  }

  #changeOffset (from: number, offset: number): void {
    const first = this.#firstSequence()
    this.#offsets = [...this.#offsets.filter((_each, index) => (this.#offsets[index + 1]?.from ?? Infinity) > first), { from, offset }]
  }

  #part (index: number): Part {
    return this.#closed[index] ?? this.#open
  }

  #firstSequence (): number {
    const part = this.#part(0)
    return this.#start < part.length ? part.sequence(this.#start) : this.#next
  }

  #lastSequence (): number {
    const part = this.#open.length > 0 ? this.#open : this.#closed.at(-1)
    return this.#count === 0 || part === undefined ? 0 : part.sequence(part.length - 1)
  }

  #place (event: SidecarEvent, sequence: number): PlacedEvent {
    return { event, position: this.position(sequence) }
  }

  #isExpired (event: SidecarEvent, sequence: number): boolean {
    return Date.parse(event.timestamp) - this.#offsetAt(sequence) + event.ttl_seconds * 1000 <= this.#ages.now()
  }

  #offsetAt (sequence: number): number {
    for (let index = this.#offsets.length - 1; index >= 0; index--) {
      if (this.#offsets[index]!.from <= sequence) return this.#offsets[index]!.offset
    }
    return 0
  }

  /** The first retained row for which a condition holds that holds for all behind it; else the end of the open part. */
  #firstWhere (holds: (part: Part, row: number) => boolean): Place {
    let index = this.#closed.length
    // Readers are mostly near the end.
    while (index > 0 && (this.#part(index).length === 0 || holds(this.#part(index), 0))) index--
    const part = this.#part(index)
    let low = index === 0 ? this.#start : 0
    let high = part.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (holds(part, middle)) high = middle
      else low = middle + 1
    }
    return low === part.length && index < this.#closed.length ? { part: this.#part(index + 1), row: 0 } : { part, row: low }
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
