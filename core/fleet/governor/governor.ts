import type { Clock, Logger } from '../../contracts/common.js'
import { apiError } from '../../errors.js'
import type { AgentRecord } from '../agent-record.js'
import { Budgets, type BudgetLimits } from './budgets.js'
import { CircuitBreakers, type BreakerState } from '../../circuit-breakers.js'
import { Pauses } from './pauses.js'
import { Places, type PlaceLimits } from './places.js'
import { SpawnQueue } from './queue.js'
import { Ramp } from './ramp.js'
import type { Spending } from './spending.js'

export interface GovernorLimits extends PlaceLimits, BudgetLimits {
  max_queue: number
  starts_per_second: number
  breaker_failures: number
  breaker_seconds: number
}

/** What keeps an agent from starting. */
export interface Hold {
  waits_for: 'place' | 'ramp' | 'retry' | 'rate_limit' | 'circuit_breaker' | 'budget'
  /** Ms since the epoch; `Infinity` where another agent decides. */
  until: number
}

/** How an attempt went, as far as it says something about its type and its spawner. */
export type Outcome = 'good' | 'bad' | 'neither'

export interface GovernorFigures {
  /** Paused spawners with the end of the pause, RFC 3339. */
  paused: Record<string, string>
  /** Circuit breakers that are not closed, `type:<agent type>` or `spawner:<name>`. */
  breakers: Record<string, BreakerState>
  /** By project, within the time of the budget. */
  spent: Record<string, Spending>
}

/** A timer that is looked at again is better than one that the platform cannot hold. */
const LONGEST_TIMER_MS = 3_600_000
const SHORTEST_TIMER_MS = 5

/** Decides who may start, and when. One place for it all, and without a wait inside, so that it is exact whatever comes at once. */
export class Governor {
  readonly #limits: GovernorLimits
  readonly #clock: Clock
  readonly #log: Logger
  readonly #queue = new SpawnQueue<AgentRecord>()
  readonly #places: Places
  readonly #ramp: Ramp
  readonly #pauses: Pauses
  readonly #breakers: CircuitBreakers
  readonly budgets: Budgets
  readonly #onTime: () => void
  #timer: NodeJS.Timeout | undefined

  /** `onTime` is called when an agent that waits for a time may start; `now` is monotonic, in ms. */
  constructor ({ limits, clock, log, onTime, now = () => performance.now() }: { limits: GovernorLimits, clock: Clock, log: Logger, onTime: () => void, now?: () => number }) {
    this.#limits = limits
    this.#clock = clock
    this.#log = log
    this.#onTime = onTime
    this.#places = new Places(limits)
    this.#ramp = new Ramp(limits.starts_per_second, now)
    this.#pauses = new Pauses(clock)
    this.budgets = new Budgets(limits, clock)
    this.#breakers = new CircuitBreakers({
      failures: limits.breaker_failures,
      pauseMs: limits.breaker_seconds * 1000,
      clock,
      onChange: (name, state) => {
        if (state === 'open') log.warn({ breaker: name, seconds: limits.breaker_seconds }, 'agents fail one after the other: none is started for a while')
        else log.info({ breaker: name }, 'an agent came through: others are started again')
      }
    })
  }

  get queued (): number {
    return this.#queue.length
  }

  /** Throws `AGT_003` when the budget of the project is used up. */
  checkBudget (project: string): void {
    const reason = this.budgets.usedUp(project)
    if (reason === undefined) return
    const freed = this.budgets.freedAt(project)
    const seconds = Number.isFinite(freed) ? Math.max(1, Math.ceil((freed - this.#clock()) / 1000)) : 60
    throw apiError('AGT_003', `The agent is not started: ${reason}.`, { headers: { 'retry-after': String(seconds) } })
  }

  /** Puts an agent into the queue; gives its position, from 1. */
  add (record: AgentRecord): number {
    this.budgets.open(record)
    return this.#queue.add(record)
  }

  /** Why an agent that was put into the queue cannot wait there: more wait than may. Then it is not among them. */
  refuse (record: AgentRecord): Error | undefined {
    const { max_queue: bound, max_concurrent: places, max_per_type: perType } = this.#limits
    if (this.#queue.length <= bound) return undefined
    this.withdraw(record)
    return apiError('AGT_003', `${places} agents, ${perType} of a type, may be at work at once, and ${bound} wait already; try again when one has ended.`, { headers: { 'retry-after': '5' } })
  }

  /** Takes an agent out of the queue that is to be forgotten; whether it was there. */
  withdraw (record: AgentRecord): boolean {
    const waited = this.#queue.remove(record.agent_id)
    if (waited) this.budgets.close(record)
    return waited
  }

  /** Takes an agent out of the queue whose end is recorded next; whether it was there. */
  remove (agentId: string): boolean {
    return this.#queue.remove(agentId)
  }

  positionOf (agentId: string): number | undefined {
    return this.#queue.positionOf(agentId)
  }

  /** The next that may start, its place taken; `undefined` when none may now. */
  next (): AgentRecord | undefined {
    clearTimeout(this.#timer)
    if (this.#queue.length === 0) return undefined
    let wake = Infinity
    const record = this.#queue.take((item) => {
      const hold = this.hold(item)
      if (hold !== undefined) wake = Math.min(wake, hold.until)
      return hold === undefined
    })
    if (record !== undefined) {
      this.#places.take(record)
      this.#ramp.take()
      for (const name of breakersOf(record)) this.#breakers.pass(name, record.agent_id)
      return record
    }
    if (Number.isFinite(wake)) this.#timer = setTimeout(this.#onTime, Math.min(LONGEST_TIMER_MS, Math.max(SHORTEST_TIMER_MS, wake - this.#clock()))).unref()
    return undefined
  }

  /** What keeps an agent of the queue from starting now. */
  hold (record: AgentRecord): Hold | undefined {
    const now = this.#clock()
    const notBefore = record.not_before === undefined ? 0 : Date.parse(record.not_before)
    if (notBefore > now) return { waits_for: 'retry', until: notBefore }
    const paused = this.#pauses.until(record.spawner)
    if (paused !== undefined) return { waits_for: 'rate_limit', until: paused }
    for (const name of breakersOf(record)) {
      const until = this.#breakers.blockedUntil(name)
      if (until !== undefined) return { waits_for: 'circuit_breaker', until }
    }
    if (!this.#places.isFree(record)) return { waits_for: 'place', until: Infinity }
    if (this.budgets.usedUp(record.project_id) !== undefined) return { waits_for: 'budget', until: this.budgets.freedAt(record.project_id) }
    const ramp = this.#ramp.waitMs
    return ramp === 0 ? undefined : { waits_for: 'ramp', until: now + ramp }
  }

  /** An agent of an earlier run works already. */
  adopt (record: AgentRecord): void {
    this.budgets.open(record)
    this.#places.take(record)
  }

  /** It shows that it is alive: behind a circuit breaker that tries, the next one may be tried. */
  showsLife (record: AgentRecord): void {
    for (const name of breakersOf(record)) this.#breakers.passedOver(name, record.agent_id)
  }

  /** An attempt is over: its place is free, and how it went is noted. */
  release (record: AgentRecord, outcome: Outcome): void {
    this.#places.free(record.agent_id)
    for (const name of breakersOf(record)) {
      if (outcome === 'good') this.#breakers.succeeded(name)
      else if (outcome === 'bad') this.#breakers.failed(name, record.agent_id)
      else this.#breakers.passedOver(name, record.agent_id)
    }
    if (outcome === 'good') this.#pauses.recover(record.spawner)
  }

  /** An agent met the rate limit of its model. */
  rateLimited (spawner: string, until: number | null): void {
    const before = this.#pauses.until(spawner)
    const end = this.#pauses.begin(spawner, until)
    if (end === undefined || end === before) return
    this.#log.warn({ spawner, until: new Date(end).toISOString() }, 'a rate limit was met: no agent of this spawner is started until then')
  }

  get figures (): GovernorFigures {
    return {
      paused: Object.fromEntries(Object.entries(this.#pauses.all).map(([spawner, until]) => [spawner, new Date(until).toISOString()])),
      breakers: this.#breakers.all,
      spent: Object.fromEntries(this.budgets.projects.map((project) => [project, this.budgets.ofProject(project)]))
    }
  }

  close (): void {
    clearTimeout(this.#timer)
  }
}

function breakersOf ({ agent_type: type, spawner }: AgentRecord): string[] {
  return [`type:${type}`, `spawner:${spawner}`]
}
