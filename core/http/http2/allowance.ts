/** How often something may happen: so many times at once, and so many times a second in the long run. */
export class Allowance {
  #left: number
  #at: number

  constructor (readonly burst: number, readonly perSecond: number, readonly now: () => number = () => performance.now()) {
    this.#left = burst
    this.#at = now()
  }

  /** Whether it may happen once more. */
  take (): boolean {
    const at = this.now()
    this.#left = Math.min(this.burst, this.#left + (at - this.#at) / 1000 * this.perSecond)
    this.#at = at
    if (this.#left < 1) return false
    this.#left--
    return true
  }
}
