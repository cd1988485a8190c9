/** What is measured; a source that reaches 1 is at its limit. */
export interface Sources {
  /** Of the event loop. */
  delay: number
  heap: number
  /** Requests that are being answered. */
  requests: number
}

/** Sheddable classes, in the order in which they go. */
export const CLASSES = ['low', 'normal', 'high'] as const
export type RequestClass = typeof CLASSES[number]

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
  #highest = 0

  get shedding (): number {
    return this.#shedding
  }

  /** Of the sources the one that is nearest to its limit, or furthest beyond it. */
  get highest (): number {
    return this.#highest
  }

  /** Takes a measurement; ten a second are what the figures above are made for. `busy` says whether so much is done that to refuse would help. */
  sample ({ delay, heap, requests }: Sources, busy: boolean): void {
    this.#delay += (delay - this.#delay) * SMOOTHING
    this.#highest = Math.max(this.#delay, heap, requests)
    if (this.#highest > 1 && busy) this.#shedding = Math.min(MOST, this.#shedding + RISE * Math.min(1, this.#highest - 1))
    else if (this.#highest < CALM || !busy) this.#shedding = Math.max(0, this.#shedding - FALL * (busy ? 1 - this.#highest / CALM : 1))
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
