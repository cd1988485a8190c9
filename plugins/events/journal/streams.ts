import { createIds, type Clock, type Logger, type PlacedEvent, type SidecarEvent } from '../../../core/plugin-api.js'
import type { AgeClock } from '../age-clock.js'
import type { Retention } from '../retention.js'
import { EventStream } from '../stream.js'
import { ClosedPart } from './closed-part.js'
import { isOwnId, type EventRecord, type Heads } from './record.js'
import { buildIndex, type SegmentIndex } from './segment-index.js'
import type { LogTaker, Segments } from './segments.js'

interface ProjectStream {
  events: EventStream
  /** The last identifier that the bus itself gave; new ones sort behind it. */
  lastId: string | undefined
  nextId: (() => string) | undefined
}

export interface StreamsOptions {
  segments: Segments
  retention: Retention
  ages: AgeClock
  clock: Clock
  log: Logger
}

/** The streams of all projects of one log, and what each of its segments means to them. */
export class Streams implements LogTaker {
  readonly #options: StreamsOptions
  readonly #streams = new Map<string, ProjectStream>()
  #generation = ''
  #skipped = 0
  /** Parts of the segment that was closed last: their events are in memory still, because readers are mostly near the end. */
  #warm: ClosedPart[] = []

  constructor (options: StreamsOptions) {
    this.#options = options
  }

  /** To be called once, before there are streams. */
  name (generation: string): void {
    this.#generation = generation
  }

  /** What hashes of names begin with: nobody outside can prepare names of one hash. */
  get seed (): number {
    return parseInt(this.#generation.slice(0, 8), 16)
  }

  of (project: string): EventStream {
    return this.#of(project).events
  }

  get all (): EventStream[] {
    return [...this.#streams.values()].map(({ events }) => events)
  }

  /** An identifier behind all that the bus gave in the project. */
  nextId (project: string): string {
    const stream = this.#of(project)
    stream.nextId ??= createIds('evt_', this.#options.clock, stream.lastId)
    stream.lastId = stream.nextId()
    return stream.lastId
  }

  /** Takes in an event that is durable in the current segment, and tells who listens. */
  committed (project: string, event: SidecarEvent, record: { key: string | undefined, offset: number, bytes: number }): void {
    const { events } = this.#of(project)
    const placed: PlacedEvent = events.add(event, record)
    events.announce(placed, (error) => this.#options.log.error({ err: error }, 'an event listener failed'))
  }

  /** Closes what lies in a segment that was the current one until now, of so many bytes. */
  closeSegment (segment: number, size: number): void {
    const { segments } = this.#options
    const rows = new Map([...this.#streams].map(([project, { events }]) => [project, events.openRows()]))
    const index = buildIndex(rows, { seed: this.seed, size, heads: this.numbering() })
    const warm: ClosedPart[] = []
    for (const [project, { events }] of this.#streams) {
      const place = index.parts.get(project)
      const part = place && new ClosedPart({ segment, project, index, place }, segments.reader, rows.get(project))
      events.closeOpen(part, segments.current)
      if (part === undefined) continue
      segments.gained(segment)
      warm.push(part)
    }
    for (const part of this.#warm) part.cool()
    this.#warm = warm
    segments.keepIndex(segment, index)
  }

  numbering (): Heads {
    return Object.fromEntries([...this.#streams].map(([project, { events, lastId }]) => [project, { next: events.nextSequence, last_id: lastId ?? null }]))
  }

  lastTime (project: string): number {
    return this.#of(project).events.lastTime
  }

  heads (heads: Heads): void {
    for (const [project, head] of Object.entries(heads)) {
      const stream = this.#of(project)
      stream.events.continueAt(head.next)
      stream.lastId = head.last_id ?? undefined
    }
  }

  closed (segment: number, index: SegmentIndex): void {
    const { segments } = this.#options
    for (const [project, place] of index.parts) {
      segments.gained(segment)
      this.#of(project).events.addClosed(new ClosedPart({ segment, project, index, place }, segments.reader), place.bytes)
    }
  }

  current ({ project_id: project, seq, key, event }: EventRecord, offset: number, bytes: number): void {
    const stream = this.#of(project)
    stream.events.add(event, { key, bytes, offset, sequence: seq })
    if (isOwnId(event.event_id)) stream.lastId = event.event_id
  }

  /** A number that a damaged record may have had is not given again: somebody may have read up to it. */
  skip (): void {
    this.#skipped++
    for (const { events } of this.#streams.values()) events.continueAt(events.nextSequence + 1)
  }

  #of (project: string): ProjectStream {
    const known = this.#streams.get(project)
    if (known !== undefined) return known
    const { segments, retention, ages } = this.#options
    const events = new EventStream({
      project, generation: this.#generation, retention, ages, segment: segments.current, onDrop: (segment) => segments.lost(segment)
    })
    const created: ProjectStream = { events, lastId: undefined, nextId: undefined }
    if (this.#skipped > 0) events.continueAt(1 + this.#skipped)
    this.#streams.set(project, created)
    return created
  }
}
