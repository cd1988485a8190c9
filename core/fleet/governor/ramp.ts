/** So many starts a second, as a bucket of tokens: after a pause a second's worth may start at once. `now` is monotonic, in ms. */
export class Ramp {
  readonly #perSecond: number
  readonly #depth: number
  readonly #now: () => number
  #tokens: number
  #filledAt: number

  constructor (perSecond: number, now: () => number) {
    this.#perSecond = perSecond
    // Less than one start a second still needs room for that one.
    this.#depth = this.#tokens = Math.max(1, perSecond)
    this.#now = now
    this.#filledAt = now()
  }

  /** How long until the next may start, ms; 0 is now. */
  get waitMs (): number {
    this.#fill()
    return this.#tokens >= 1 ? 0 : (1 - this.#tokens) / this.#perSecond * 1000
  }

  take (): void {
    this.#fill()
    this.#tokens--
  }

  #fill (): void {
    const now = this.#now()
    this.#tokens = Math.min(this.#depth, this.#tokens + (now - this.#filledAt) / 1000 * this.#perSecond)
    this.#filledAt = now
  }
}
