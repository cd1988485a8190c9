import type { Clock } from '../../contracts/common.js'

/** Where the agent does not say until when: this long at first, and twice as long each time until one comes through. */
const FIRST_MS = 30_000
const LONGEST_MS = 900_000
/** Limits of a week are the longest that are known; what is later is a mistake of the agent. */
const FURTHEST_MS = 7 * 86_400_000
const JITTER = 0.2

interface Pause { until: number, inRow: number }

/** Spawners whose agents meet the rate limit of their model: none of them is started until it is over. */
export class Pauses {
  readonly #clock: Clock
  readonly #random: () => number
  readonly #pauses = new Map<string, Pause>()

  constructor (clock: Clock, random: () => number = Math.random) {
    this.#clock = clock
    this.#random = random
  }

  /** `until`: ms since the epoch, `null` where it is not told. Gives the end of the pause; `undefined` when there is nothing to wait for. */
  begin (spawner: string, until: number | null): number | undefined {
    const now = this.#clock()
    if (until !== null && until <= now) return undefined
    const known = this.#pauses.get(spawner)
    // Of many agents that meet one limit the first has told it; a later word may only make it longer.
    const isPaused = known !== undefined && known.until > now
    if (until === null && isPaused) return known.until
    const inRow = (known?.inRow ?? 0) + (isPaused ? 0 : 1)
    const end = until === null ? now + this.#backOff(inRow) : Math.min(until, now + FURTHEST_MS)
    this.#pauses.set(spawner, { until: Math.max(end, known?.until ?? 0), inRow })
    return this.until(spawner)
  }

  /** An agent of it came through: the next limit is a new one. */
  recover (spawner: string): void {
    const pause = this.#pauses.get(spawner)
    if (pause !== undefined && pause.until <= this.#clock()) this.#pauses.delete(spawner)
  }

  /** Ms since the epoch; `undefined` when the spawner is not paused. */
  until (spawner: string): number | undefined {
    const pause = this.#pauses.get(spawner)
    return pause === undefined || pause.until <= this.#clock() ? undefined : pause.until
  }

  get all (): Record<string, number> {
    return Object.fromEntries([...this.#pauses.keys()].flatMap((spawner) => {
      const until = this.until(spawner)
      return until === undefined ? [] : [[spawner, until]]
    }))
  }

  #backOff (inRow: number): number {
    return Math.min(LONGEST_MS, FIRST_MS * 2 ** (inRow - 1)) * (1 + JITTER * this.#random())
  }
}
