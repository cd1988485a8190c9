import { setTimeout as delay } from 'node:timers/promises'
import { apiError, codeOf, messageOf } from '../errors.js'
import type { AgentRecord, AgentRecords } from './agent-record.js'
import { announce } from './announce.js'
import type { Conclusion } from './conclusion.js'
import type { FleetOptions } from './fleet-options.js'
import { launch } from './launch.js'
import { SHUT_DOWN, type Supervision } from './supervision.js'

/** An agent whose process is there. */
export interface Started {
  record: AgentRecord
  token: string
  context_injected: boolean
}

interface Parts {
  options: FleetOptions
  records: AgentRecords
  conclusion: Conclusion
  supervision: Supervision
  /** Called when a start is over, whatever came of it. */
  onOver (): void
}

/** Makes the processes of agents; who is stopped on the way, or by a shutdown, does not come to life. */
export class Starter {
  readonly #parts: Parts
  readonly #starting = new Map<string, Promise<Started>>()
  /** Agents that were stopped while they were being started. */
  readonly #recalled = new Set<string>()
  #closing = false
  started = 0

  constructor (parts: Parts) {
    this.#parts = parts
  }

  get ids (): string[] {
    return [...this.#starting.keys()]
  }

  /** Throws `AGT_001`; then the end of the agent is recorded. */
  async start (record: AgentRecord): Promise<Started> {
    const { agent_id: id } = record
    const starting = this.#start(record)
    this.#starting.set(id, starting)
    try {
      return await starting
    } catch (error) {
      const reason = messageOf(error)
      await this.#parts.conclusion.conclude(record, this.#closing || this.#recalled.has(id) ? 'stopped' : 'failed', reason)
      throw codeOf(error) === 'AGT_001' ? error : apiError('AGT_001', `The agent could not be started: ${reason}`, { cause: error })
    } finally {
      this.#starting.delete(id)
      this.#recalled.delete(id)
      this.#parts.onOver()
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
    const { options, records, supervision } = this.#parts
    const { handle, token, contextInjected } = await launch(options, records, record, () => {
      if (this.#closing) throw apiError('SRV_002', 'The sidecar is shutting down.')
      if (this.#recalled.has(record.agent_id)) throw apiError('AGT_001', 'The agent was not started: it was stopped on request.')
    })
    this.started++
    record.started_at = new Date(options.clock()).toISOString()
    record.process_id = handle.process_id
    record.reference = handle.reference
    record.state = 'running'
    supervision.add(record, handle, record.timeout_seconds * 1000)
    try {
      await records.save(record)
    } catch (error) {
      // An agent that no record leads to would be forgotten by the next start.
      await supervision.end(record.agent_id, 'failed', `its record could not be written: ${messageOf(error)}`, 0)
      throw error
    }
    // The shutdown has not seen this one.
    if (this.#closing) supervision.end(record.agent_id, 'stopped', SHUT_DOWN).catch(() => {})
    announce(options, record, 'agent_started')
    return { record, token, context_injected: contextInjected }
  }
}
