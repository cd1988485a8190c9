import type { AgentExit, AgentHandle, AgentSign, Clock, Logger, Spawner } from '../../contracts/index.js'
import { messageOf } from '../../errors.js'
import type { AgentRecord } from '../agent-record.js'
import { judge, type Ending } from '../ending.js'
import { EarlySigns } from './early-signs.js'
import { Leftovers } from './leftovers.js'
import { applySign } from './signs.js'
import { summarise } from './summary.js'
import { Watch, type WatchLimits } from './watch.js'

/** Why agents end with the sidecar. */
export const SHUT_DOWN = 'the sidecar was shut down'
/** How long an agent that is asked to end may take. */
export const STOP_GRACE_MS = 5000

/** An agent whose process is there. */
export interface Live {
  record: AgentRecord
  handle: AgentHandle
  timers: { timeout: NodeJS.Timeout, firstSign?: NodeJS.Timeout, final?: NodeJS.Timeout }
  /** When it showed something last, in ms of the monotonic clock. */
  signAt: number
  /** How long it may show nothing; 0 is no limit. */
  silenceSeconds: number
  /** The record on disk lacks what it has shown. */
  isDirty: boolean
  /** Why it is being ended, when the sidecar ends it. */
  ending: Ending | undefined
  /** Nothing of it is left; what comes now, such as a call by whoever has its token, would be written over its end. */
  isOver: boolean
  ended: Promise<void>
}

export interface SupervisionLimits extends WatchLimits {
  first_sign_seconds: number
  result_grace_seconds: number
}

export interface SupervisionOptions {
  clock: Clock
  log: Logger
  limits: SupervisionLimits
  directoryOf (agentId: string): string
  /** The file that takes the output of an agent. */
  outputOf (agentId: string): string
  save (record: AgentRecord): Promise<void>
  /** Which budget an agent exceeds, in words. */
  exceeded (record: AgentRecord): string | undefined
  onRateLimit (record: AgentRecord, until: number | null): void
  /** Called with the first sign of an agent. */
  onAlive (record: AgentRecord): void
  /** Called when nothing of an agent is left; must not reject. */
  conclude (record: AgentRecord, ending: Ending): Promise<void>
  /** Called when the end of an agent is recorded. */
  onFree (): void
}

/** Watches agents to their end, and ends those that exceed a limit. */
export class Supervision {
  readonly #options: SupervisionOptions
  readonly #live = new Map<string, Live>()
  readonly #early = new EarlySigns()
  readonly #watch: Watch
  readonly #leftovers: Leftovers
  #released = false

  constructor (options: SupervisionOptions) {
    this.#options = options
    this.#leftovers = new Leftovers(options.log, options.directoryOf)
    this.#watch = new Watch(options, {
      live: () => this.#live.values(),
      end: (live, ending) => this.#end(live, ending, STOP_GRACE_MS)
    })
  }

  /** Of agents that are at work: not of one whose end is only being written down. */
  get records (): AgentRecord[] {
    return [...this.#live.values()].map(({ record }) => record).filter(({ state }) => state === 'starting' || state === 'running')
  }

  open (): void {
    this.#watch.open()
  }

  /** `elapsedMs`: how long it has been running already. Its spawner may know better than the settings how long it may show nothing. */
  add (record: AgentRecord, handle: AgentHandle, { elapsedMs = 0, spawner }: { elapsedMs?: number, spawner: Pick<Spawner, 'first_sign_seconds' | 'silence_seconds'> }): void {
    const { first_sign_seconds: longest, silence_seconds: silence } = this.#options.limits
    const firstSignSeconds = Math.min(longest, spawner.first_sign_seconds ?? longest)
    const after = (seconds: number, ending: Ending): NodeJS.Timeout =>
      setTimeout(() => this.#end(live, ending, STOP_GRACE_MS), Math.max(0, seconds * 1000 - elapsedMs)).unref()
    const live: Live = {
      record,
      handle,
      timers: { timeout: after(record.timeout_seconds, { state: 'failed', failure: 'timeout', reason: `it ran longer than ${record.timeout_seconds} seconds` }) },
      signAt: performance.now(),
      silenceSeconds: silence === 0 ? spawner.silence_seconds ?? 0 : silence,
      isDirty: false,
      ending: undefined,
      isOver: false,
      ended: Promise.resolve()
    }
    if (record.state === 'starting' && firstSignSeconds > 0) {
      live.timers.firstSign = after(firstSignSeconds, { state: 'failed', failure: 'first_sign', reason: `it showed no sign of life within ${firstSignSeconds} seconds` })
    }
    live.ended = this.#follow(live)
    this.#live.set(record.agent_id, live)
    for (const sign of this.#early.take(record.agent_id)) this.sign(record.agent_id, sign)
  }

  /** An agent shows something. */
  sign (agentId: string, sign: AgentSign): void {
    const live = this.#live.get(agentId)
    if (live === undefined) return this.#early.keep(agentId, sign)
    if (live.isOver) return
    live.signAt = performance.now()
    const { record } = live
    if (applySign(record, sign, this.#options.clock())) live.isDirty = true
    clearTimeout(live.timers.firstSign)
    if (record.state === 'starting' && live.ending === undefined) this.#options.onAlive(record)
    if (sign.kind === 'rate_limited') this.#options.onRateLimit(record, sign.until)
    if (sign.kind === 'usage') this.#watch.checkBudget(live)
    if (sign.kind === 'result') this.#expectEnd(live)
  }

  /** Signs of this agent that come before its process is known are kept from now on. */
  expect (agentId: string): void {
    this.#early.expect(agentId)
  }

  /** No process came of it. */
  forget (agentId: string): void {
    this.#early.take(agentId)
  }

  /** TERM, then KILL after the grace. Resolves when the end is recorded; at once for an agent that does not run. */
  async end (agentId: string, ending: Ending, graceMs = STOP_GRACE_MS): Promise<void> {
    const live = this.#live.get(agentId)
    if (live === undefined) return
    this.#end(live, ending, graceMs)
    await live.ended
  }

  /** Ends the processes that an agent has left behind; never rejects. */
  async endLeftovers (agentId: string): Promise<void> {
    try {
      const ended = await this.#leftovers.end(agentId)
      if (ended > 0) this.#options.log.warn({ agent: agentId, processes: ended }, 'processes that an agent had left behind were ended')
    } catch (error) {
      this.#options.log.error({ agent: agentId, reason: messageOf(error) }, 'what an agent may have left behind could not be looked for')
    }
  }

  /** Ends all agents, says what came of it, and watches no more. */
  async close (reason: string, graceMs: number): Promise<void> {
    this.#watch.close()
    const all = [...this.#live.values()]
    if (all.length === 0) return
    const begin = performance.now()
    this.#options.log.info({ agents: all.length }, 'stopping the agents')
    await Promise.all(all.map(async ({ record }) => await this.end(record.agent_id, { state: 'stopped', reason }, graceMs)))
    this.#options.log.info({ ...summarise(all.map(({ record }) => record)), took_ms: Math.round(performance.now() - begin) }, 'the agents are stopped')
  }

  /** Watches no more and leaves the agents at work, for the next sidecar to take over. */
  release (): void {
    this.#released = true
    this.#watch.close()
    for (const { timers } of this.#live.values()) clearTimers(timers)
  }

  async #follow (live: Live): Promise<void> {
    const { record, handle, timers } = live
    let exit: AgentExit
    try {
      exit = await handle.exited
    } catch (error) {
      this.#options.log.error({ agent: record.agent_id, reason: messageOf(error) }, 'the end of an agent is not known')
      exit = { code: null, signal: null }
    }
    if (this.#released) return
    clearTimers(timers)
    await this.endLeftovers(record.agent_id)
    live.isOver = true
    record.exit = exit
    const ending = live.ending ?? judge(record)
    // Its place stays its own until the end is recorded, and no sign comes after it.
    await this.#options.conclude(record, ending)
    this.#live.delete(record.agent_id)
    this.#options.onFree()
  }

  /** It has had its final word. */
  #expectEnd (live: Live): void {
    live.timers.final ??= setTimeout(() => {
      const { final, result_status: stored } = live.record
      const reason = `it went on for ${this.#options.limits.result_grace_seconds} seconds after its final word`
      const failed = final?.status === 'failed' || stored === 'failed'
      this.#end(live, failed ? { state: 'failed', failure: 'own_result', reason } : { state: 'completed', reason }, STOP_GRACE_MS)
    }, this.#options.limits.result_grace_seconds * 1000).unref()
  }

  #end (live: Live, ending: Ending, graceMs: number): void {
    live.ending ??= ending
    live.handle.stop({ graceMs }).catch((error: unknown) => {
      this.#options.log.error({ agent: live.record.agent_id, reason: messageOf(error) }, 'an agent could not be stopped')
    })
  }
}

function clearTimers ({ timeout, firstSign, final }: Live['timers']): void {
  for (const timer of [timeout, firstSign, final]) clearTimeout(timer)
}
