import type { Bucket, BucketStore, Drawn } from './bucket-store.js'

/** Sixty thousandths of a token flow in each millisecond at a rate of one a minute: in these parts all is counted in whole numbers, and exact. */
const TOKEN = 60_000
const SWEEP_EVERY = 4096

interface Level {
  parts: number
  /** Whole milliseconds. */
  at: number
  perMinute: number
  burst: number
}

/** Token buckets in memory: the burst is there at once and refills at the rate, never more and never less. */
export class TokenBuckets implements BucketStore {
  readonly #levels = new Map<string, Level>()
  readonly #most: number
  readonly #now: () => number
  #draws = 0

  /** Beyond `most` buckets the one that was made first is forgotten. `now` in milliseconds, from a clock that never goes back. */
  constructor ({ most = 100_000, now = () => performance.now() }: { most?: number, now?: () => number } = {}) {
    this.#most = most
    this.#now = now
  }

  get size (): number {
    return this.#levels.size
  }

  draw (buckets: readonly Bucket[]): Drawn {
    const now = Math.floor(this.#now())
    if (++this.#draws % SWEEP_EVERY === 0) this.#sweep(now)
    for (let place = 0; place < buckets.length; place++) {
      const level = this.#levelOf(buckets[place]!, now)
      if (level.parts < TOKEN) return drawn(false, place, level)
    }
    for (const { key } of buckets) this.#levels.get(key)!.parts -= TOKEN
    return drawn(true, 0, this.#levels.get(buckets[0]!.key)!)
  }

  /** Gives a token back that was drawn for nothing. */
  putBack ({ key, burst }: Bucket): void {
    const level = this.#levels.get(key)
    if (level === undefined) return
    level.parts = Math.min(burst * TOKEN, level.parts + TOKEN)
    // As good as none, and mostly of somebody who does not come again.
    if (level.parts === burst * TOKEN) this.#levels.delete(key)
  }

  #levelOf ({ key, perMinute, burst }: Bucket, now: number): Level {
    let level = this.#levels.get(key)
    if (level === undefined) {
      if (this.#levels.size >= this.#most) this.#makeRoom(now)
      this.#levels.set(key, level = { parts: burst * TOKEN, at: now, perMinute, burst })
      return level
    }
    fill(level, now)
    if (level.perMinute !== perMinute || level.burst !== burst) {
      level.perMinute = perMinute
      level.burst = burst
      level.parts = Math.min(level.parts, burst * TOKEN)
    }
    return level
  }

  /** A bucket that is full again is as good as none. */
  #sweep (now: number): void {
    for (const [key, level] of this.#levels) {
      fill(level, now)
      if (level.parts === level.burst * TOKEN) this.#levels.delete(key)
    }
  }

  #makeRoom (now: number): void {
    this.#sweep(now)
    if (this.#levels.size < this.#most) return
    this.#levels.delete(this.#levels.keys().next().value!)
  }
}

function fill (level: Level, now: number): void {
  level.parts = Math.min(level.burst * TOKEN, level.parts + (now - level.at) * level.perMinute)
  level.at = now
}

function waitOf ({ parts, burst, perMinute }: Level): number {
  return parts === burst * TOKEN ? 0 : Math.ceil((TOKEN - parts % TOKEN) / perMinute)
}

function drawn (allowed: boolean, place: number, level: Level): Drawn {
  return { allowed, place, remaining: Math.floor(level.parts / TOKEN), waitMs: waitOf(level) }
}
