import type { SidecarEvent } from '../../core/plugin-api.js'
import type { EventName, Part, Row } from './part.js'

// Cutting in large pieces keeps an append at constant cost.
const LEAST_CUT = 1024

/** The newest events, in memory. */
export class OpenPart implements Part {
  readonly segment: number
  #rows: Row[] = []
  readonly #byId = new Map<string, Row>()
  readonly #byKey = new Map<string, Row>()

  constructor (segment: number) {
    this.segment = segment
  }

  get length (): number {
    return this.#rows.length
  }

  get rows (): readonly Row[] {
    return this.#rows
  }

  sequence (row: number): number {
    return this.#rows[row]!.sequence
  }

  time (row: number): number {
    return this.#rows[row]!.time
  }

  bytes (row: number): number {
    return this.#rows[row]!.bytes
  }

  events (from: number, to: number): SidecarEvent[] {
    const events: SidecarEvent[] = []
    for (let row = from; row < to; row++) events.push(this.#rows[row]!.event)
    return events
  }

  find ({ by, value }: EventName, from: number): number | undefined {
    const found = (by === 'id' ? this.#byId : this.#byKey).get(value)
    if (found === undefined) return undefined
    let low = from
    let high = this.#rows.length - 1
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#rows[middle]!.sequence < found.sequence) low = middle + 1
      else high = middle
    }
    return this.#rows[low] === found ? low : undefined
  }

  add (row: Row): void {
    this.#rows.push(row)
    this.#byId.set(row.event.event_id, row)
    if (row.key !== undefined) this.#byKey.set(row.key, row)
  }

  drop (index: number): void {
    const row = this.#rows[index]!
    // Names may by now belong to a later event.
    if (this.#byId.get(row.event.event_id) === row) this.#byId.delete(row.event.event_id)
    if (row.key !== undefined && this.#byKey.get(row.key) === row) this.#byKey.delete(row.key)
  }

  /** Lets go of rows that were dropped; says how many. */
  cut (dropped: number): number {
    if (dropped < LEAST_CUT || dropped * 2 < this.#rows.length) return 0
    this.#rows = this.#rows.slice(dropped)
    return dropped
  }
}
