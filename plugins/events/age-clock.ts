import { performance } from 'node:perf_hooks'
import type { Clock } from '../../core/plugin-api.js'

// More than what a clock is corrected by in good order, and little beside any retention.
const JUMP_MS = 300_000

/**
 * The time by which events grow old. It follows the clock, but not where somebody set that by more than five minutes:
 * then `offset` is what the clock is ahead of it, and ages go on by the time that really passed.
 */
export class AgeClock {
  readonly #clock: Clock
  readonly #elapsed: Clock
  #offset = 0
  #lastTime: number
  #lastElapsed: number

  /** `elapsed` is a clock in milliseconds that nobody can set. */
  constructor (clock: Clock, elapsed: Clock = () => performance.now()) {
    this.#clock = clock
    this.#elapsed = elapsed
    this.#lastTime = clock()
    this.#lastElapsed = elapsed()
  }

  /** Milliseconds by which the clock was set since the start; positive when it is ahead. */
  get offset (): number {
    this.now()
    return this.#offset
  }

  now (): number {
    const time = this.#clock()
    const elapsed = this.#elapsed()
    const jump = (time - this.#lastTime) - (elapsed - this.#lastElapsed)
    if (Math.abs(jump) > JUMP_MS) this.#offset += jump
    this.#lastTime = time
    this.#lastElapsed = elapsed
    return time - this.#offset
  }
}
