import { apiError } from '../errors.js'

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
  /** What ends each of them. */
  readonly #ends = new Set<AbortController>()
  #isDraining = false

  constructor (max: number) {
    this.#max = max
  }

  get size (): number {
    return this.#ends.size
  }

  /**
   * Takes a place; throws `SRV_002` when there is none.
   * Not with `AbortSignal.any`: while one of its sources lives, Node 20 keeps all that was ever made of it and listened to.
   */
  take (gone: AbortSignal): Place {
    if (this.#ends.size >= this.#max) {
      throw apiError('SRV_002', `The sidecar holds ${this.#ends.size} waits, which is its bound; try again in a moment.`, { headers: { 'retry-after': '1' } })
    }
    const end = new AbortController()
    const abort = (): void => end.abort()
    if (gone.aborted || this.#isDraining) abort()
    gone.addEventListener('abort', abort, { once: true })
    this.#ends.add(end)
    return {
      end,
      release: () => {
        gone.removeEventListener('abort', abort)
        this.#ends.delete(end)
      }
    }
  }

  /** Ends all that is held; what comes later ends at once. */
  drain (): void {
    this.#isDraining = true
    for (const end of this.#ends) end.abort()
  }
}
