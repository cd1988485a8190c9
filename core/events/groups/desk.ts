import type { Clock, Delivery, EventBus, GroupClaim, Logger } from '../../contracts/index.js'
import { codeOf, messageOf } from '../../errors.js'
import type { Hub, Listener } from '../hub.js'
import type { Subscription } from '../subscription.js'
import { holdMs, type GroupRules } from './definition.js'

/** Who wants events of the group. */
export interface Taker {
  member: string
  agentType: string
  limit: number
  /** An empty answer is given after so long; 0 at once. */
  withinMs: number
  /** Aborted when the answer is not wanted any more. */
  signal: AbortSignal
}

export interface Taken {
  deliveries: Delivery[]
  missed: number
}

interface Waiting extends Taker {
  resolve (taken: Taken): void
  reject (error: Error): void
}

export interface DeskOptions {
  bus: EventBus
  hub: Hub
  clock: Clock
  log: Logger
  project: string
  group: string
  rules: GroupRules
  subscription: Subscription
}

const SWEEPER = 'sidecar'
/** Another process on the same bus may give events back without this one hearing of it. */
const LOOK_AGAIN_MS = 5000
/** A clock that was moved must not let an event lie for longer. */
const LONGEST_SLEEP_MS = 60_000

/**
 * Hands the events of one group to those of its members that ask in this process: who has waited longest is served
 * first, and one claim at a time is made for all of them. What nobody could handle becomes a dead letter.
 */
export class GroupDesk {
  readonly #options: DeskOptions
  readonly #watchers = new Set<() => void>()
  #waiting: Waiting[] = []
  /** While somebody waits. */
  #listening: { listener: Listener, added: Promise<() => void> } | undefined
  #serving: Promise<void> | undefined
  #isAsked = false
  #timer: NodeJS.Timeout | undefined
  #missed = 0
  #isClosed = false

  constructor (options: DeskOptions) {
    this.#options = options
  }

  /** Those who wait here, longest first. */
  get waiting (): { member: string }[] {
    return this.#waiting
  }

  /** Resolves with events, or with none when the time is up or the taker is gone. */
  async take (taker: Taker): Promise<Taken> {
    const nothing: Taken = { deliveries: [], missed: 0 }
    if (taker.signal.aborted || this.#isClosed) return nothing
    return await new Promise<Taken>((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined
      const leave = (): void => {
        this.#leave(waiting)
        waiting.resolve(nothing)
      }
      const done = (): void => {
        clearTimeout(timer)
        taker.signal.removeEventListener('abort', leave)
      }
      const waiting: Waiting = {
        ...taker,
        resolve (taken) {
          done()
          resolve(taken)
        },
        reject (error) {
          done()
          reject(error)
        }
      }
      taker.signal.addEventListener('abort', leave)
      if (taker.withinMs > 0) timer = setTimeout(leave, taker.withinMs)
      this.#waiting.push(waiting)
      // Heard of before it is looked for, so that nothing slips between.
      this.#listen().then(() => this.serve(), (error: Error) => {
        this.#leave(waiting)
        waiting.reject(error)
      })
    })
  }

  /** Calls `changed` whenever events of the group were settled, given back or held for longer in this process. */
  watch (changed: () => void): () => void {
    this.#watchers.add(changed)
    return () => { this.#watchers.delete(changed) }
  }

  /** To be called when events were settled, given back or held for longer. */
  noteChange (): void {
    for (const changed of this.#watchers) changed()
    this.serve()
  }

  /** Looks for events, for those who wait and for those whose attempts are used up. */
  serve (): void {
    this.#isAsked = true
    this.#serving ??= this.#serveAll().finally(() => { this.#serving = undefined })
  }

  async close (): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#timer)
    for (const waiting of [...this.#waiting]) this.#answer(waiting, [])
    await this.#serving
  }

  async #serveAll (): Promise<void> {
    while (this.#isAsked && !this.#isClosed) {
      this.#isAsked = false
      try {
        await this.#serveWaiting()
      } catch (error) {
        this.#fail(error as Error)
      }
    }
  }

  async #serveWaiting (): Promise<void> {
    const { bus, project, group, rules, subscription } = this.#options
    for (;;) {
      const first = this.#waiting[0]
      const member = first?.member ?? SWEEPER
      const claim = await bus.claim(project, group, {
        member,
        limit: first?.limit ?? 0,
        holdMs: (attempt) => holdMs(rules, attempt),
        maxAttempts: rules.maxDeliveries,
        wanted: subscription.matches
      })
      this.#missed += claim.missed
      if (claim.spent.length > 0) await this.#bury(claim.spent)
      this.#sleep(claim)
      if (first === undefined) return
      if (!this.#waiting.includes(first)) {
        // Gone while the claim was on its way: the next one gets them.
        await this.giveBack(member, claim.deliveries)
        continue
      }
      if (claim.deliveries.length === 0) {
        for (const waiting of this.#waiting.filter(({ withinMs }) => withinMs === 0)) this.#answer(waiting, [])
        return
      }
      this.#answer(first, claim.deliveries)
    }
  }

  /** What a member never got is handed out again at once, and the attempt does not count. */
  async giveBack (member: string, deliveries: readonly Delivery[]): Promise<void> {
    if (deliveries.length === 0) return
    const { bus, project, group, clock } = this.#options
    await bus.hold(project, group, { member, event_ids: deliveries.map(({ event }) => event.event_id), until: () => clock(), release: 'unseen' })
  }

  #answer (waiting: Waiting, deliveries: Delivery[]): void {
    this.#leave(waiting)
    waiting.resolve({ deliveries, missed: this.#missed })
    this.#missed = 0
  }

  async #bury (spent: readonly Delivery[]): Promise<void> {
    const { bus, project, group, clock, rules, log } = this.#options
    for (const { event, attempt, last_error: error } of spent) {
      await bus.addDeadLetter(project, {
        event,
        target: `group:${group}`,
        reason: `The group '${group}' did not acknowledge it.`,
        attempts: attempt,
        last_error: error ?? `No member acknowledged it within ${holdMs(rules, attempt) / 1000} s.`,
        timestamp: new Date(clock()).toISOString()
      })
      log.warn({ project, group, event_id: event.event_id, attempts: attempt }, 'an event that nobody acknowledged became a dead letter')
    }
    await bus.settle(project, group, spent.map(({ event }) => event.event_id))
  }

  #sleep ({ next_free_at: next }: Pick<GroupClaim, 'next_free_at'>): void {
    clearTimeout(this.#timer)
    const longest = this.#waiting.length > 0 ? LOOK_AGAIN_MS : LONGEST_SLEEP_MS
    if (this.#isClosed || (next === null && this.#waiting.length === 0)) return
    const left = next === null ? longest : Math.max(1, next - this.#options.clock())
    this.#timer = setTimeout(() => this.serve(), Math.min(left, longest)).unref()
  }

  /** Whoever waits is told; where nobody does, it is tried again later. */
  #fail (error: Error): void {
    const { log, project, group } = this.#options
    const waiting = [...this.#waiting]
    for (const each of waiting) {
      this.#leave(each)
      each.reject(error)
    }
    if (codeOf(error) === 'NOT_001') return
    if (waiting.length === 0) log.warn({ project, group, reason: messageOf(error) }, 'the events of a group could not be looked through')
    this.#sleep({ next_free_at: this.#options.clock() + LOOK_AGAIN_MS })
  }

  async #listen (): Promise<void> {
    const { hub, project, subscription } = this.#options
    if (this.#listening === undefined) {
      const listener: Listener = { agentType: '', subscription, wake: () => this.serve() }
      this.#listening = { listener, added: hub.add(project, listener) }
    }
    const { listener, added } = this.#listening
    // An event reaches whoever has waited longest.
    listener.agentType = this.#waiting[0]?.agentType ?? ''
    await added
  }

  #leave (waiting: Waiting): void {
    this.#waiting = this.#waiting.filter((each) => each !== waiting)
    const [first] = this.#waiting
    if (this.#listening === undefined) return
    this.#listening.listener.agentType = first?.agentType ?? ''
    if (first !== undefined) return
    this.#listening.added.then((remove) => remove(), () => {})
    this.#listening = undefined
  }
}
