import type { LiveEvent, PlacedEvent, Position } from '../contracts/event-bus.js'
import type { Holder } from './held.js'
import type { Heard, Listener } from './hub.js'
import type { Scan } from './scan.js'
import type { Subscription } from './subscription.js'

/** Tells that a client is gone; an `AbortSignal` does. */
export interface GoneSignal {
  readonly aborted: boolean
  addEventListener (type: 'abort', listener: { handleEvent (): void }): void
  removeEventListener (type: 'abort', listener: { handleEvent (): void }): void
}

/**
 * A wait that nothing happens to, as one object, because there may be thousands: it is the bell that events ring, the end that clients and the
 * shutdown make, and the place where events gather that are known to lie right behind the wait.
 */
export class Parked implements Listener, Holder {
  readonly agentType: string
  readonly subscription: Subscription
  readonly #limit: number
  #isOver = false
  /** Remembers a ring from before the wait. */
  #isRung = false
  #resolve: (() => void) | undefined
  /** While events are gathered: what is heard, and how often that had broken off when it began. */
  #heard: Readonly<Heard> | undefined
  #breaks = 0
  #gathered: PlacedEvent[] | undefined

  constructor (agentType: string, subscription: Subscription, limit: number) {
    this.agentType = agentType
    this.subscription = subscription
    this.#limit = limit
  }

  get isOver (): boolean {
    return this.#isOver
  }

  wake (live: LiveEvent): void {
    this.#isRung = true
    if (this.#heard !== undefined && (this.#gathered?.length ?? 0) <= this.#limit) (this.#gathered ??= []).push(live)
    this.#resolve?.()
  }

  end (): void {
    this.#isOver = true
    this.#resolve?.()
  }

  /** The client is gone. */
  handleEvent (): void {
    this.end()
  }

  /** Gathers what comes from now on, where nothing lies between the position and what will be heard next. To be called in the turn in which the position was read. */
  gatherFrom (position: Position, heard: Readonly<Heard>): void {
    if (heard.head !== position || this.#isRung) return
    this.#heard = heard
    this.#breaks = heard.breaks
  }

  /** Resolves when it was rung since the last time, or is over. */
  rung (): Promise<void> {
    return new Promise<void>((resolve) => {
      if (this.#isRung || this.#isOver) resolve()
      else this.#resolve = resolve
    })
  }

  /** Ends the gathering and says what came; `undefined` where it is not certain that this is all: then the bus must be read. */
  handed (): Scan | undefined {
    this.#isRung = false
    this.#resolve = undefined
    const heard = this.#heard
    const gathered = this.#gathered ?? []
    this.#heard = this.#gathered = undefined
    if (heard === undefined || heard.breaks !== this.#breaks) return undefined
    const more = gathered.length > this.#limit
    const placed = more ? gathered.slice(0, this.#limit) : gathered
    return { placed, next: more ? placed.at(-1)!.position : heard.head!, more, missed: 0 }
  }
}
