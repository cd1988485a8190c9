/** What a request took from its bucket. */
export interface Draw {
  allowed: boolean
  /** Whole requests that may follow at once. */
  remaining: number
  /** Milliseconds until the next request is possible; 0 when it is now. */
  waitMs: number
}

interface Bucket {
  tokens: number
  at: number
}

const SWEEP_EVERY = 4096

/** Token buckets by key: the burst is there at once and refills at the rate. */
export class TokenBuckets {
  readonly #buckets = new Map<string, Bucket>()
  readonly #now: () => number
  #draws = 0

  /** `now` in milliseconds, from a clock that never goes back. */
  constructor (now: () => number = () => performance.now()) {
    this.#now = now
  }

  get size (): number {
    return this.#buckets.size
  }

  draw (key: string, perMinute: number, burst: number): Draw {
    const now = this.#now()
    const perMs = perMinute / 60_000
    const bucket = this.#buckets.get(key) ?? { tokens: burst, at: now }
    bucket.tokens = Math.min(burst, bucket.tokens + (now - bucket.at) * perMs)
    bucket.at = now
    this.#buckets.set(key, bucket)
    if (++this.#draws % SWEEP_EVERY === 0) this.#sweep(now)
    if (bucket.tokens < 1) return { allowed: false, remaining: 0, waitMs: Math.ceil((1 - bucket.tokens) / perMs) }
    bucket.tokens--
    return { allowed: true, remaining: Math.floor(bucket.tokens), waitMs: bucket.tokens >= 1 ? 0 : Math.ceil((1 - bucket.tokens) / perMs) }
  }

  /** Buckets that nobody drew from for ten minutes are full again: forgetting them changes nothing. */
  #sweep (now: number): void {
    for (const [key, bucket] of this.#buckets) if (now - bucket.at > 600_000) this.#buckets.delete(key)
  }
}
