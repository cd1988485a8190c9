/** What is measured; a source that reaches 1 is at its limit. */
export interface Sources {
  /** Of the event loop. */
  delay: number
  heap: number
  /** Requests that wait for their turn. */
  queue: number
}

/** Sheddable classes, in the order in which they go. */
export const CLASSES = ['low', 'normal', 'high'] as const
export type RequestClass = typeof CLASSES[number]

/** How far beyond its limit a source must be before a class is touched. */
const BEYOND = [1, 2, 4] as const
/** Below it nothing more is shed, and above it nothing is taken back: between the two all stays as it is. */
const CALM = 0.5
const RISE = 0.25
const FALL = 0.2
// Some of each class always pass: what is refused whole cannot show that it would do no harm any more.
const MOST = CLASSES.length - 0.1
// A single long turn of the loop is no load yet.
const SMOOTHING = 0.4

/**
 * How much is shed: 0 is nothing, 1 all of the first class, 2 of the second as well. It grows by how far a source is above its limit and falls
 * when all are calm, so that load which does not change meets an answer that does not change.
 */
export class Pressure {
  readonly #owed = new Float64Array(CLASSES.length)
  #shedding = 0
  #delay = 0

  get shedding (): number {
    return this.#shedding
  }

  /** Takes a measurement; ten a second are what the figures above are made for. `busy` says whether so much is done that to refuse would help. */
  sample ({ delay, heap, queue }: Sources, busy: boolean): void {
    this.#delay += (delay - this.#delay) * SMOOTHING
    const highest = Math.max(this.#delay, heap, queue)
    const reach = Math.min(MOST, BEYOND.filter((beyond) => highest > beyond).length)
    if (busy && this.#shedding < reach) this.#shedding = Math.min(reach, this.#shedding + RISE * Math.min(1, highest - 1))
    else if (highest < CALM || !busy) this.#shedding = Math.max(0, this.#shedding - FALL * (busy ? 1 - highest / CALM : 1))
  }

  /** Whether the next request of a class is refused; of a class that is shed in part, evenly so many of them. */
  refuses (place: number): boolean {
    const share = Math.min(1, this.#shedding - place)
    if (share <= 0) return false
    const owed = this.#owed[place]! + share
    this.#owed[place] = owed >= 1 ? owed - 1 : owed
    return owed >= 1
  }
}
