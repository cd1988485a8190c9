import { setMaxListeners } from 'node:events'
import type { Clock, Delivery, EventBus, Logger, SidecarEvent } from '../../contracts/index.js'
import { codeOf, messageOf } from '../../errors.js'
import { createBell } from '../bell.js'
import { groupOf, matcherOf, type WebhookDefinition } from './definition.js'
import { pushEvent } from './message.js'
import type { PushAnswer, Pusher } from './push.js'
import { parseRetryAfter, retryDelay } from './retry.js'
import type { Slots } from './slots.js'

/** What became of a push. */
export const OUTCOMES = ['delivered', 'retried', 'dead_letter', 'disabled', 'returned'] as const
export type Outcome = (typeof OUTCOMES)[number]

export interface RunnerOptions {
  project: string
  id: string
  definition: WebhookDefinition
  bus: EventBus
  pusher: Pusher
  slots: Slots
  /** Who claims: this process. */
  member: string
  retrySeconds: readonly number[]
  /** How long the bus keeps an event, milliseconds. */
  retentionMs: number
  clock: Clock
  log: Logger
  count (outcome: Outcome): void
  /** Keeps the webhook from being pushed to, durably; resolves when the runner was told. */
  disable (reason: string): Promise<void>
  /** The group is there no more. */
  gone (): void
}

export interface RunnerFacts {
  last_success_at: string | null
  last_error: string | null
  last_error_at: string | null
  /** Events that retention took before they were pushed. */
  missed: number
}

/** Longer than a push may take: then another process, or the next life of this one, takes the event over. */
const HOLD_MS = 30_000
/** Where order does not count, events that wait for another attempt let so many others pass for each push at once. */
const HELD_PER_PUSH = 16
/** After an error of the bus, and where an event that should be free is not. */
const ERROR_MS = 5000
const GIVE_BACK_MS = 2000
const MAX_TIMER_MS = 2 ** 31 - 1
const THROTTLING = new Set([429, 503])

/** Pushes the events of one webhook, from its start to its end: claim, push, settle or give back. */
export class WebhookRunner {
  readonly #options: RunnerOptions
  readonly #log: { webhook_id: string, project: string, host: string }
  readonly #bell = createBell()
  readonly #stopped = new AbortController()
  readonly #cut = new AbortController()
  readonly #inFlight = new Set<Promise<void>>()
  readonly #facts: RunnerFacts = { last_success_at: null, last_error: null, last_error_at: null, missed: 0 }
  #definition: WebhookDefinition
  #matches: (event: SidecarEvent) => boolean
  /** The receiver asked not to be disturbed until then, ms since the epoch. */
  #pausedUntil = 0
  #isEarly = false
  #ended: Promise<void> = Promise.resolve()

  constructor (options: RunnerOptions) {
    this.#options = options
    this.#definition = options.definition
    this.#matches = matcherOf(options.definition)
    // Each push under way listens to it.
    setMaxListeners(0, this.#cut.signal)
    this.#log = { webhook_id: options.id, project: options.project, host: new URL(options.definition.url).host }
  }

  start (): void {
    this.#ended = this.#run()
  }

  get definition (): WebhookDefinition {
    return this.#definition
  }

  get facts (): RunnerFacts {
    return { ...this.#facts }
  }

  /** Looks for events, now or as soon as that is possible. */
  wake (): void {
    this.#bell.ring()
  }

  /** Told of each event of the project. */
  hear (event: SidecarEvent): void {
    if (this.#matches(event)) this.#bell.ring()
  }

  /** Goes on by another definition. */
  replace (definition: WebhookDefinition): void {
    this.#definition = definition
    this.#matches = matcherOf(definition)
    this.#bell.ring()
  }

  /** Tries at once what waits for another attempt. */
  hurry (): void {
    this.#pausedUntil = 0
    this.#isEarly = true
    this.#bell.ring()
  }

  /** Begins nothing more; what is under way may take `graceMs` and is given back then. A bus that does not answer to that is not waited for. */
  async stop (graceMs: number): Promise<void> {
    this.#stopped.abort()
    const cut = setTimeout(() => this.#cut.abort(), graceMs).unref()
    let bound: NodeJS.Timeout | undefined
    const isUp = new Promise<void>((resolve) => { bound = setTimeout(resolve, graceMs + GIVE_BACK_MS).unref() })
    await Promise.race([isUp, this.#ended.then(async () => { await Promise.all(this.#inFlight) })])
    clearTimeout(cut)
    clearTimeout(bound)
  }

  async #run (): Promise<void> {
    const { signal } = this.#stopped
    while (!signal.aborted) {
      const waitMs = await this.#step().catch((error: unknown) => {
        if (codeOf(error) === 'NOT_001') {
          this.#stopped.abort()
          this.#options.gone()
        } else {
          this.#options.log.warn({ ...this.#log, reason: messageOf(error) }, 'the events of a webhook could not be taken; they stay where they are')
          this.#pausedUntil = this.#options.clock() + ERROR_MS
        }
        return ERROR_MS
      })
      if (waitMs !== 0) await this.#bell.rung(signal, waitMs)
    }
  }

  /** Begins one push where there is one to begin; resolves to how long to wait then unless woken, `undefined` until woken. */
  async #step (): Promise<number | undefined> {
    const { project, id, bus, member, clock, retrySeconds } = this.#options
    const { max_in_flight: max, disabled } = this.#definition
    if (disabled !== null || this.#inFlight.size >= max) return undefined
    const pause = this.#pausedUntil - clock()
    if (pause > 0) return Math.min(pause, MAX_TIMER_MS)
    // Taken first, so that the time to push does not begin before the push.
    const places = await this.#places(max - this.#inFlight.size)
    if (places.length === 0) return undefined
    const claim = await bus.claim(project, groupOf(id), {
      member,
      limit: places.length,
      holdMs: () => HOLD_MS,
      maxAttempts: retrySeconds.length + 1,
      wanted: this.#matches,
      maxHeld: max === 1 ? 1 : max * HELD_PER_PUSH,
      early: this.#isEarly
    }).catch((error: unknown) => {
      for (const release of places) release()
      throw error
    })
    this.#note(claim.missed)
    // The process ended during the last attempt of those that are spent.
    const works = [
      ...claim.deliveries.map((delivery) => async () => await this.#deliver(delivery)),
      ...claim.spent.map((spent) => async () => await this.#bury(spent, 'its attempts are used up', spent.last_error ?? 'the last attempt did not come to an end'))
    ]
    for (const work of works) this.#begin(work, places.pop())
    for (const release of places) release()
    if (works.length > 0) return 0
    this.#isEarly = false
    return waitFor(claim.next_free_at, clock())
  }

  /** At least one, unless it is over, and as many as are free. */
  async #places (count: number): Promise<(() => void)[]> {
    const { project, slots } = this.#options
    const places: (() => void)[] = []
    for (let place = await slots.take(project, this.#stopped.signal); place !== undefined; place = places.length < count ? slots.tryTake(project) : undefined) places.push(place)
    return places
  }

  #begin (work: () => Promise<void>, release: (() => void) | undefined): void {
    const begun = work().catch((error: unknown) => {
      // Nothing is lost by it: the event comes free when its time is over. Without its group it is wanted no more.
      if (codeOf(error) !== 'NOT_001') this.#options.log.warn({ ...this.#log, reason: messageOf(error) }, 'what became of a push could not be kept; it will be pushed again')
    }).finally(() => {
      release?.()
      this.#inFlight.delete(begun)
      this.#bell.ring()
    })
    this.#inFlight.add(begun)
  }

  async #deliver (delivery: Delivery): Promise<void> {
    const { project, id, bus, member, clock, log, count, pusher, retrySeconds } = this.#options
    const { event, attempt } = delivery
    const answer = await pushEvent(pusher, this.#definition, event, clock(), this.#cut.signal)
    const now = clock()
    if (answer.error === null) {
      await bus.settle(project, groupOf(id), [event.event_id])
      this.#facts.last_success_at = new Date(now).toISOString()
      count('delivered')
      return
    }
    const giveBack = async (): Promise<void> => {
      await bus.hold(project, groupOf(id), { member, event_ids: [event.event_id], until: () => clock(), release: 'unseen' })
    }
    if (answer.status === null && this.#cut.signal.aborted) {
      await giveBack()
      count('returned')
      return
    }
    // The receiver is not back: what waits for another attempt goes on waiting.
    this.#isEarly = false
    this.#facts.last_error = answer.error
    this.#facts.last_error_at = new Date(now).toISOString()
    log.info({ ...this.#log, event_id: event.event_id, attempt, status: answer.status, duration_ms: answer.duration_ms }, 'a webhook could not be pushed')
    if (answer.status === 410) {
      await this.#options.disable('the receiver answered 410 Gone')
      await giveBack()
      count('disabled')
      return
    }
    const delay = retryDelay(retrySeconds, attempt, this.#throttle(answer, now))
    if (delay === undefined) await this.#bury(delivery, 'its attempts are used up', answer.error)
    else if (this.#endsWithin(event, now, delay)) await this.#bury(delivery, 'it expires before another attempt', answer.error)
    else {
      await bus.hold(project, groupOf(id), { member, event_ids: [event.event_id], until: () => now + delay, release: 'failed', error: answer.error })
      count('retried')
    }
  }

  /** What the receiver asked for, milliseconds; where that is for all messages, none is pushed before. */
  #throttle ({ status, retry_after: header }: PushAnswer, now: number): number | undefined {
    if (status === null || !THROTTLING.has(status)) return undefined
    const wanted = parseRetryAfter(header, now)
    this.#pausedUntil = now + (wanted ?? 0)
    return wanted
  }

  /** Whether an event is taken by its ttl or by retention before a delay is over. One that was put before the group again stays. */
  #endsWithin ({ timestamp, ttl_seconds: ttl }: SidecarEvent, now: number, delay: number): boolean {
    const end = Date.parse(timestamp) + Math.min(ttl * 1000, this.#options.retentionMs)
    return end > now && end <= now + delay
  }

  async #bury ({ event, attempt }: Delivery, reason: string, lastError: string): Promise<void> {
    const { project, id, bus, clock, log, count } = this.#options
    await bus.addDeadLetter(project, {
      event, reason: `it could not be pushed to the webhook: ${reason}`, attempts: attempt, last_error: lastError, timestamp: new Date(clock()).toISOString(), target: groupOf(id)
    })
    await bus.settle(project, groupOf(id), [event.event_id])
    count('dead_letter')
    log.warn({ ...this.#log, event_id: event.event_id, attempts: attempt, reason }, 'a webhook could not be pushed; the event is among the dead letters')
  }

  #note (missed: number): void {
    if (missed === 0) return
    this.#facts.missed += missed
    this.#options.log.warn({ ...this.#log, missed }, 'retention took events before they were pushed to a webhook')
  }
}

function waitFor (freeAt: number | null, now: number): number | undefined {
  if (freeAt === null) return undefined
  return freeAt > now ? Math.min(freeAt - now, MAX_TIMER_MS) : ERROR_MS
}
