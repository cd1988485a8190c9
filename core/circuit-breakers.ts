import type { Clock } from './contracts/common.js'

interface Breaker {
  /** In a row. */
  failures: number
  /** By the clock, ms; `undefined` while it is closed. */
  openUntil?: number
  /** Who is tried after the pause. */
  trial?: string
}

export type BreakerState = 'open' | 'half_open'

export interface BreakerOptions {
  /** So many failures in a row open it. */
  failures: number
  pauseMs: number
  clock: Clock
  /** Told when one opens, and when it closes again. */
  onChange (name: string, state: 'open' | 'closed'): void
}

/**
 * Circuit breakers by name: after some failures in a row nothing passes for a while, then one is tried after the
 * other, each when the one before has shown that it is alive, until an end decides. Those that have nothing to tell are not kept.
 */
export class CircuitBreakers {
  readonly #options: BreakerOptions
  readonly #breakers = new Map<string, Breaker>()

  constructor (options: BreakerOptions) {
    this.#options = options
  }

  /** By the clock until when nobody passes, ms; `Infinity` while the end of a trial decides; `undefined`: whoever asks passes. */
  blockedUntil (name: string): number | undefined {
    const { openUntil, trial } = this.#breakers.get(name) ?? {}
    if (openUntil === undefined) return undefined
    if (trial !== undefined) return Infinity
    return openUntil > this.#options.clock() ? openUntil : undefined
  }

  /** Somebody passes; after the pause it is the trial. */
  pass (name: string, who: string): void {
    const breaker = this.#breakers.get(name)
    if (breaker?.openUntil !== undefined) breaker.trial = who
  }

  succeeded (name: string): void {
    if (this.#breakers.get(name)?.openUntil !== undefined) this.#options.onChange(name, 'closed')
    this.#breakers.delete(name)
  }

  failed (name: string, who: string): void {
    const breaker = this.#breakers.get(name) ?? { failures: 0 }
    this.#breakers.set(name, breaker)
    breaker.failures++
    const now = this.#options.clock()
    const wasTrial = breaker.trial === who
    // Who began before it opened says nothing new about it.
    if (!wasTrial && (breaker.openUntil ?? 0) > now) return
    if (!wasTrial && breaker.failures < this.#options.failures) return
    delete breaker.trial
    breaker.openUntil = now + this.#options.pauseMs
    this.#options.onChange(name, 'open')
  }

  /** Shows that it is alive, or ended in a way that says nothing: another may be tried. */
  passedOver (name: string, who: string): void {
    const breaker = this.#breakers.get(name)
    if (breaker?.trial === who) delete breaker.trial
  }

  /** Those that are not closed. */
  get all (): Record<string, BreakerState> {
    const now = this.#options.clock()
    return Object.fromEntries([...this.#breakers].flatMap(([name, { openUntil }]) =>
      (openUntil === undefined ? [] : [[name, openUntil > now ? 'open' : 'half_open']])))
  }
}
