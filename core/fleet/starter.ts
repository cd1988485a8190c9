import { setTimeout as delay } from 'node:timers/promises'
import { apiError, codeOf, messageOf } from '../errors.js'
import type { AgentRecord } from './agent-record.js'
import type { AgentRecords } from './agent-records.js'
import type { Conclusion } from './conclusion.js'
import type { FleetOptions } from './fleet-options.js'
import { launch } from './launch.js'
import type { Lifecycle } from './lifecycle.js'
import { ResourceLimiter } from './supervision/resource-limits.js'
import { SHUT_DOWN, type Supervision } from './supervision/supervision.js'

/** An agent whose process is there. */
export interface Started {
  record: AgentRecord
  token: string
  context_injected: boolean
}

interface Parts {
  options: FleetOptions
  records: AgentRecords
  lifecycle: Lifecycle
  conclusion: Conclusion
  supervision: Supervision
  /** Called when a start is over, whatever came of it. */
  onOver (): void
}

/** Makes the processes of agents; who is stopped on the way, or by a shutdown, does not come to life. */
export class Starter {
  readonly #parts: Parts
  readonly #limiter: ResourceLimiter
  readonly #starting = new Map<string, Promise<Started>>()
  /** Agents that were stopped while they were being started. */
  readonly #recalled = new Set<string>()
  #closing = false
  /** Processes made since the start of the sidecar. */
  started = 0

  constructor (parts: Parts) {
    this.#parts = parts
    this.#limiter = new ResourceLimiter(parts.options.limits, parts.options.log, parts.options.inherited.PATH ?? '/usr/bin:/bin')
  }

  /** Throws `AGT_001`; then the attempt is concluded. `isAnswered`: somebody waits for it and hears of a failure, so that it is not tried again. */
  async start (record: AgentRecord, isAnswered: boolean): Promise<Started> {
    this.#parts.lifecycle.enter(record, 'starting')
    delete record.not_before
    this.#parts.supervision.expect(record.agent_id)
    const starting = this.#startOrConclude(record, isAnswered)
    this.#starting.set(record.agent_id, starting)
    try {
      return await starting
    } finally {
      // Its next attempt may have begun already.
      if (this.#starting.get(record.agent_id) === starting) this.#starting.delete(record.agent_id)
    }
  }

  async #startOrConclude (record: AgentRecord, isAnswered: boolean): Promise<Started> {
    const { agent_id: id } = record
    const { supervision, conclusion, onOver } = this.#parts
    try {
      return await this.#start(record)
    } catch (error) {
      const reason = messageOf(error)
      supervision.forget(id)
      // A spawner that could not say that there is a process may have made one all the same.
      await supervision.endLeftovers(id)
      await conclusion.conclude(record, this.#closing || this.#recalled.has(id)
        ? { state: 'stopped', reason }
        : { state: 'failed', failure: 'start', reason, isFinal: isAnswered })
      throw codeOf(error) === 'AGT_001' ? error : apiError('AGT_001', `The agent could not be started: ${reason}`, { cause: error })
    } finally {
      this.#recalled.delete(id)
      onOver()
    }
  }

  /** Waits for an agent that is being started, and keeps its process from being made if that has not been done. */
  async recall (agentId: string): Promise<void> {
    const starting = this.#starting.get(agentId)
    if (starting === undefined) return
    this.#recalled.add(agentId)
    await Promise.allSettled([starting])
  }

  /** Waits for those whose process is being made; one that is still gathering its context will not begin. */
  async close (graceMs: number): Promise<void> {
    this.#closing = true
    const waited = new AbortController()
    await Promise.race([Promise.allSettled(this.#starting.values()), delay(graceMs, undefined, waited).catch(() => {})])
    waited.abort()
  }

  async #start (record: AgentRecord): Promise<Started> {
    const { options, records, supervision, lifecycle } = this.#parts
    const { agent_id: id } = record
    const { handle, token, contextInjected, spawner } = await launch(options, records, record, {
      mayStart: () => {
        if (this.#closing) throw apiError('SRV_002', 'The sidecar is shutting down.')
        if (this.#recalled.has(id)) throw apiError('AGT_001', 'The agent was not started: it was stopped on request.')
      },
      onSign: (sign) => supervision.sign(id, sign)
    })
    this.started++
    record.started_at = new Date(options.clock()).toISOString()
    record.process_id = handle.process_id
    record.reference = handle.reference
    lifecycle.started(record)
    supervision.add(record, handle, { spawner })
    try {
      await Promise.all([records.save(record), this.#limiter.limit(handle.process_id)])
    } catch (error) {
      // An agent that no record leads to would be forgotten by the next start.
      await supervision.end(id, { state: 'failed', failure: 'record', reason: `its record could not be written: ${messageOf(error)}` }, 0)
      throw error
    }
    // The shutdown has not seen this one.
    if (this.#closing) supervision.end(id, { state: 'stopped', reason: SHUT_DOWN }).catch(() => {})
    return { record, token, context_injected: contextInjected }
  }
}
