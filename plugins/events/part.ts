import type { SidecarEvent } from '../../core/plugin-api.js'

/** What an event can be looked up by: its identifier or its publisher's idempotency key. */
export interface EventName {
  by: 'id' | 'key'
  value: string
}

/** One event as a stream holds it. */
export interface Row {
  sequence: number
  /** Milliseconds since the epoch; never less than that of the row before, also where the clock was set back. */
  time: number
  /** What retention counts it as. */
  bytes: number
  /** Where its record begins in the segment of the log; 0 where there is no log. */
  offset: number
  key: string | undefined
  event: SidecarEvent
}

/** A run of one project's events. Rows count from 0. */
export interface Part {
  /** The segment of the log that holds it; 0 where there is no log. */
  readonly segment: number
  readonly length: number
  sequence (row: number): number
  time (row: number): number
  bytes (row: number): number
  /**
   * The events of rows `from` to `to`, exclusive, or at least the first of them; `undefined` for one that is damaged.
   * A promise where the disk has to be asked.
   */
  events (from: number, to: number): (SidecarEvent | undefined)[] | Promise<(SidecarEvent | undefined)[]>
  /** The first row not before `from` with such an event. */
  find (name: EventName, from: number): number | undefined | Promise<number | undefined>
  /** Retention has taken a row, always the first that was left. */
  drop (row: number): void
}

const NONE: readonly EventName[] = []

/** The names under which an event is found again, the leading one first. */
export function namesOf ({ event_id: id, idempotency_key: key }: { event_id?: string, idempotency_key?: string | undefined }): readonly EventName[] {
  if (id === undefined && key === undefined) return NONE
  const names: EventName[] = id === undefined ? [] : [{ by: 'id', value: id }]
  if (key !== undefined) names.push({ by: 'key', value: key })
  return names
}
