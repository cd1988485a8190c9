import type { Identity } from '../contracts/auth.js'
import { apiError, rateLimited } from '../errors.js'

/** Whose waits are counted together. */
export type Owner = Pick<Identity, 'project_id' | 'agent_id'>

export interface HeldBounds {
  maxWaits: number
  /** As many as in all where it is left out. */
  maxWaitsPerAgent?: number
}

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

/** The waits and streams that are held open, at most so many at a time, in all and of one agent. */
export class Held {
  readonly #max: number
  readonly #maxOfOne: number
  readonly #holders = new Set<Holder>()
  /** How many each agent has. */
  readonly #counts = new Map<string, number>()
  #isDraining = false

  constructor ({ maxWaits, maxWaitsPerAgent = maxWaits }: HeldBounds) {
    this.#max = maxWaits
    this.#maxOfOne = maxWaitsPerAgent
  }

  get size (): number {
    return this.#holders.size
  }

  /** Throws `SRV_002` when there is no place, and `RATE_001` when the agent has as many as one may have. During a shutdown it is ended at once. */
  add (holder: Holder, owner: Owner): void {
    if (this.#holders.size >= this.#max) {
      throw apiError('SRV_002', `The sidecar holds ${this.#holders.size} waits, which is its bound; try again in a moment.`, { headers: { 'retry-after': '1' } })
    }
    const name = nameOf(owner)
    const count = this.#counts.get(name) ?? 0
    if (count >= this.#maxOfOne) throw rateLimited(`Agent '${owner.agent_id}' holds ${count} long polls and streams, which is its bound`, this.#maxOfOne, 1000)
    this.#counts.set(name, count + 1)
    this.#holders.add(holder)
    if (this.#isDraining) holder.end()
  }

  /** Gives the place back; idempotent. */
  delete (holder: Holder, owner: Owner): void {
    if (!this.#holders.delete(holder)) return
    const name = nameOf(owner)
    const count = this.#counts.get(name)! - 1
    if (count === 0) this.#counts.delete(name)
    else this.#counts.set(name, count)
  }

  /**
   * Takes a place that ends by a signal.
   * Not with `AbortSignal.any`: while one of its sources lives, Node 20 keeps all that was ever made of it and listened to.
   */
  take (gone: AbortSignal, owner: Owner): Place {
    const end = new AbortController()
    const abort = (): void => end.abort()
    const holder = { end: abort }
    this.add(holder, owner)
    if (gone.aborted) abort()
    gone.addEventListener('abort', abort, { once: true })
    return {
      end,
      release: () => {
        gone.removeEventListener('abort', abort)
        this.delete(holder, owner)
      }
    }
  }

  /** Ends all that is held; what comes later ends at once. */
  drain (): void {
    this.#isDraining = true
    for (const holder of this.#holders) holder.end()
  }
}

/** Identifiers hold no `/`. */
function nameOf ({ project_id: project, agent_id: agent }: Owner): string {
  return `${project}/${agent}`
}
