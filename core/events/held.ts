import { apiError } from '../errors.js'

/** Something that is held open for a client: a wait, a stream. */
export interface Holder {
  /** Is called when the server shuts down. */
  end (): void
}

/** A place among what is held. */
export interface Place {
  /** Aborted when the client is gone and when the server shuts down; whoever holds the place may abort it, too. */
  end: AbortController
  /** Gives the place back; idempotent. */
  release (): void
}

/** The waits and streams that are held open, at most so many at a time. */
export class Held {
  readonly #max: number
  readonly #holders = new Set<Holder>()
  #isDraining = false

  constructor (max: number) {
    this.#max = max
  }

  get size (): number {
    return this.#holders.size
  }

  /** Throws `SRV_002` when there is no place. During a shutdown it is ended at once. */
  add (holder: Holder): void {
    if (this.#holders.size >= this.#max) {
      throw apiError('SRV_002', `The sidecar holds ${this.#holders.size} waits, which is its bound; try again in a moment.`, { headers: { 'retry-after': '1' } })
    }
    this.#holders.add(holder)
    if (this.#isDraining) holder.end()
  }

  delete (holder: Holder): void {
    this.#holders.delete(holder)
  }

  /**
   * Takes a place that ends by a signal.
   * Not with `AbortSignal.any`: while one of its sources lives, Node 20 keeps all that was ever made of it and listened to.
   */
  take (gone: AbortSignal): Place {
    const end = new AbortController()
    const abort = (): void => end.abort()
    const holder = { end: abort }
    this.add(holder)
    if (gone.aborted) abort()
    gone.addEventListener('abort', abort, { once: true })
    return {
      end,
      release: () => {
        gone.removeEventListener('abort', abort)
        this.delete(holder)
      }
    }
  }

  /** Ends all that is held; what comes later ends at once. */
  drain (): void {
    this.#isDraining = true
    for (const holder of this.#holders) holder.end()
  }
}
