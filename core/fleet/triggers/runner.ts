import type { Clock, Delivery, EventBus, Logger, SidecarEvent } from '../../contracts/index.js'
import { codeOf, messageOf } from '../../errors.js'
import { createBell } from '../../events/bell.js'

export interface RunnerOptions {
  project: string
  /** Of the rule. */
  name: string
  bus: EventBus
  /** Who claims: this process. */
  member: string
  retrySeconds: readonly number[]
  clock: Clock
  log: Logger
  wanted (event: SidecarEvent): boolean
  /** Does what the rule says about an event. Where it rejects it is tried again. */
  handle (event: SidecarEvent): Promise<void>
  /** The event is among the dead letters. */
  buried (event: SidecarEvent, reason: string): void
}

const GROUP_PREFIX = 'trigger:'
/** After it another process, or the next life of this one, takes an event over. */
const HOLD_MS = 30_000
/** Held for longer as often, while its agents are being recorded. */
const HOLD_AGAIN_MS = 10_000
/** Events that wait for another attempt let so many others pass. */
const MOST_HELD = 64
/** After an error of the bus, and where an event that should be free is not. */
const ERROR_MS = 5000
const STOP_MS = 5000
const MAX_TIMER_MS = 2 ** 31 - 1

/** The consumer group of a rule, which is also the target of its dead letters. No client can name one with a colon. */
export function groupOf (rule: string): string {
  return GROUP_PREFIX + rule
}

/** The rule that a group is of, or `undefined` for another group. */
export function ruleOf (group: string): string | undefined {
  return group.startsWith(GROUP_PREFIX) ? group.slice(GROUP_PREFIX.length) : undefined
}

/** Takes the events of one rule one after the other, from its start to its end: claim, handle, settle or give back. */
export class RuleRunner {
  readonly #options: RunnerOptions
  readonly #group: string
  readonly #bell = createBell()
  readonly #stopped = new AbortController()
  #ended: Promise<void> = Promise.resolve()

  constructor (options: RunnerOptions) {
    this.#options = options
    this.#group = groupOf(options.name)
  }

  start (): void {
    this.#ended = this.#run()
  }

  /** Looks for events now. */
  wake (): void {
    this.#bell.ring()
  }

  /** Told of each event of the project. */
  hear (event: SidecarEvent): void {
    if (this.#options.wanted(event)) this.#bell.ring()
  }

  /** Begins nothing more; resolves when what is under way has come to its end. A bus that does not answer is not waited for. */
  async stop (): Promise<void> {
    this.#stopped.abort()
    let bound: NodeJS.Timeout | undefined
    const isUp = new Promise<void>((resolve) => { bound = setTimeout(resolve, STOP_MS) })
    await Promise.race([isUp, this.#ended])
    clearTimeout(bound)
  }

  async #run (): Promise<void> {
    const { log, project, name } = this.#options
    const { signal } = this.#stopped
    while (!signal.aborted) {
      const waitMs = await this.#step().catch((error: unknown) => {
        log.warn({ project, rule: name, reason: messageOf(error) }, 'the events of a trigger could not be taken; they stay where they are')
        // Somebody has taken its group away: it has no events any more.
        if (codeOf(error) === 'NOT_001') this.#stopped.abort()
        return ERROR_MS
      })
      if (waitMs !== 0) await this.#bell.rung(signal, waitMs)
    }
  }

  /** Resolves to how long to wait then unless woken, `undefined` until woken. */
  async #step (): Promise<number | undefined> {
    const { project, name, bus, member, clock, retrySeconds, wanted, log } = this.#options
    const claim = await bus.claim(project, this.#group, {
      member, limit: 1, holdMs: () => HOLD_MS, maxAttempts: retrySeconds.length + 1, wanted, maxHeld: MOST_HELD
    })
    if (claim.missed > 0) log.warn({ project, rule: name, missed: claim.missed }, 'retention took events before a trigger came to them')
    for (const spent of claim.spent) await this.#bury(spent, spent.last_error ?? 'the last attempt did not come to an end')
    for (const delivery of claim.deliveries) await this.#deliver(delivery)
    if (claim.deliveries.length + claim.spent.length > 0) return 0
    if (claim.next_free_at === null) return undefined
    return claim.next_free_at > clock() ? Math.min(claim.next_free_at - clock(), MAX_TIMER_MS) : ERROR_MS
  }

  async #deliver (delivery: Delivery): Promise<void> {
    const { project, name, bus, member, clock, retrySeconds, handle, log } = this.#options
    const { event, attempt } = delivery
    const held = { member, event_ids: [event.event_id] }
    const keeping = setInterval(() => {
      bus.hold(project, this.#group, { ...held, until: () => clock() + HOLD_MS }).catch((error: unknown) => {
        log.warn({ project, rule: name, reason: messageOf(error) }, 'an event of a trigger could not be held for longer')
      })
    }, HOLD_AGAIN_MS).unref()
    try {
      await handle(event)
    } catch (error) {
      const reason = messageOf(error)
      const seconds = retrySeconds[attempt - 1]
      log.warn({ project, rule: name, event_id: event.event_id, attempt, reason }, 'a trigger could not start its agents')
      if (seconds === undefined) await this.#bury(delivery, reason)
      else await bus.hold(project, this.#group, { ...held, until: () => clock() + seconds * 1000, release: 'failed', error: reason })
      return
    } finally {
      clearInterval(keeping)
    }
    await bus.settle(project, this.#group, [event.event_id])
  }

  async #bury ({ event, attempt }: Delivery, lastError: string): Promise<void> {
    const { project, name, bus, clock, log, buried } = this.#options
    await bus.addDeadLetter(project, {
      event,
      target: this.#group,
      reason: `The trigger '${name}' could not start its agents.`,
      attempts: attempt,
      last_error: lastError,
      timestamp: new Date(clock()).toISOString()
    })
    await bus.settle(project, this.#group, [event.event_id])
    log.warn({ project, rule: name, event_id: event.event_id, attempts: attempt }, 'a trigger could not start its agents; the event is among the dead letters')
    buried(event, lastError)
  }
}
