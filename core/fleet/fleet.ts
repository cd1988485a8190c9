import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Telemetry } from '../telemetry.js'
import { makeDirectory } from '../durable-file.js'
import { apiError, codeOf, messageOf } from '../errors.js'
import { createIds } from '../ids.js'
import type { AgentHandle, ResultRecord } from '../contracts/index.js'
import { outputFile } from './agent-files.js'
import { AgentRecords, FINAL_STATES, type AgentRecord } from './agent-record.js'
import { announce } from './announce.js'
import { Conclusion } from './conclusion.js'
import type { FleetOptions, FleetProject } from './fleet-options.js'
import { launch } from './launch.js'
import { tailOf } from './log-tail.js'
import { SpawnQueue } from './queue.js'
import { createRecord, type SpawnBody } from './spawn-request.js'
import { STOP_GRACE_MS, Supervision } from './supervision.js'

/** Ended agents that are kept in memory for `GET /api/agents`; older ones stay on disk. */
const MAX_ENDED = 5000
const SHUT_DOWN = 'the sidecar was shut down'

export interface Spawned {
  record: AgentRecord
  /** Place in the queue, from 1; `undefined` when it was started. */
  position?: number
  token?: string
  context_injected: boolean
}

/** Starts agents, queues those that find no place, and keeps what is known of each. */
export class Fleet {
  readonly #options: FleetOptions
  readonly #records: AgentRecords
  readonly #conclusion: Conclusion
  readonly #supervision: Supervision
  readonly #known = new Map<string, AgentRecord>()
  readonly #starting = new Map<string, Promise<unknown>>()
  /** Agents that were stopped while they were being started. */
  readonly #recalled = new Set<string>()
  readonly #queue = new SpawnQueue<AgentRecord>()
  readonly #nextId: () => string
  #spawned = 0
  #closing = false

  constructor (options: FleetOptions) {
    this.#options = options
    this.#records = new AgentRecords(join(options.storage, 'agents'))
    this.#nextId = createIds('', options.clock)
    this.#conclusion = new Conclusion(options, this.#records)
    this.#supervision = new Supervision({
      log: options.log,
      outputOf: (agentId) => outputFile(this.#records.directoryOf(agentId)),
      conclude: async (record, state, reason) => await this.#conclusion.conclude(record, state, reason),
      onFree: () => {
        this.#forgetOldest()
        this.#startQueued()
      }
    })
  }

  /** Takes over what an earlier run of the sidecar left: adopts what is alive, marks the rest lost, queues what had not begun. */
  async open (): Promise<void> {
    await makeDirectory(join(this.#options.storage, 'agents'))
    const records = await this.#records.load(this.#options.log)
    for (const record of records.slice(-MAX_ENDED)) this.#known.set(record.agent_id, record)
    for (const record of records) {
      if (FINAL_STATES.has(record.state)) continue
      this.#known.set(record.agent_id, record)
      if (record.state === 'queued') this.#queue.add(record)
      else await this.#takeOver(record)
    }
    this.#supervision.open()
  }

  /** Starts queued agents of an earlier run; to be called when the server listens. */
  resume (): void {
    this.#startQueued()
  }

  async spawn (project: FleetProject, body: SpawnBody): Promise<Spawned> {
    const record = createRecord(this.#options, project, body, this.#nextId().toLowerCase())
    if (this.#closing) throw apiError('SRV_002', 'The sidecar is shutting down.')
    if (!this.#hasPlace(record)) return await this.#enqueue(record)
    this.#known.set(record.agent_id, record)
    return await this.#launch(record)
  }

  async #enqueue (record: AgentRecord): Promise<Spawned> {
    const { max_queue: bound, max_concurrent: places, max_per_type: perType } = this.#options.limits
    if (this.#queue.length >= bound) {
      throw apiError('AGT_003', `${places} agents, ${perType} of a type, may be at work at once, and ${bound} wait already; try again when one has ended.`, { headers: { 'retry-after': '5' } })
    }
    record.state = 'queued'
    this.#known.set(record.agent_id, record)
    const position = this.#queue.add(record)
    try {
      await this.#records.save(record)
    } catch (error) {
      // Nothing starts later that its caller was told is not there; one that started in the meantime is.
      if (this.#queue.remove(record.agent_id)) this.#known.delete(record.agent_id)
      throw apiError('STR_001', `The agent could not be queued: ${messageOf(error)}.`, { cause: error })
    }
    // A place may have come free while the record was written.
    this.#startQueued()
    return { record, position, context_injected: false }
  }

  #hasPlace (record: AgentRecord): boolean {
    const active = new Set([...this.#starting.keys(), ...this.#supervision.records.map(({ agent_id: id }) => id)])
    const ofType = [...active].filter((id) => this.#known.get(id)?.agent_type === record.agent_type).length
    return active.size < this.#options.limits.max_concurrent && ofType < this.#options.limits.max_per_type
  }

  #startQueued (): void {
    if (this.#closing || this.#options.address() === undefined) return
    for (let record = this.#queue.take((item) => this.#hasPlace(item)); record !== undefined; record = this.#queue.take((item) => this.#hasPlace(item))) {
      const { agent_id: id } = record
      record.state = 'starting'
      this.#launch(record).catch((error: unknown) => this.#options.log.warn({ agent: id, reason: messageOf(error) }, 'a queued agent could not be started'))
    }
  }

  async #launch (record: AgentRecord): Promise<Spawned> {
    const { agent_id: id } = record
    const starting = this.#start(record)
    this.#starting.set(id, starting)
    try {
      return await starting
    } catch (error) {
      const reason = messageOf(error)
      await this.#conclusion.conclude(record, this.#closing || this.#recalled.has(id) ? 'stopped' : 'failed', reason)
      throw codeOf(error) === 'AGT_001' ? error : apiError('AGT_001', `The agent could not be started: ${reason}`, { cause: error })
    } finally {
      this.#starting.delete(id)
      this.#recalled.delete(id)
      // It may have left its place at once.
      this.#startQueued()
    }
  }

  async #start (record: AgentRecord): Promise<Spawned> {
    const { handle, token, contextInjected } = await launch(this.#options, this.#records, record, () => {
      if (this.#closing) throw apiError('SRV_002', 'The sidecar is shutting down.')
      if (this.#recalled.has(record.agent_id)) throw apiError('AGT_001', 'The agent was not started: it was stopped on request.')
    })
    this.#spawned++
    record.started_at = this.#now()
    record.process_id = handle.process_id
    record.reference = handle.reference
    record.state = 'running'
    this.#supervision.add(record, handle, record.timeout_seconds * 1000)
    try {
      await this.#records.save(record)
    } catch (error) {
      // An agent that no record leads to would be forgotten by the next start.
      await this.#supervision.end(record.agent_id, 'failed', `its record could not be written: ${messageOf(error)}`, 0)
      throw error
    }
    // The shutdown has not seen this one.
    if (this.#closing) this.#supervision.end(record.agent_id, 'stopped', SHUT_DOWN).catch(() => {})
    announce(this.#options, record, 'agent_started')
    return { record, token, context_injected: contextInjected }
  }

  async #takeOver (record: AgentRecord): Promise<void> {
    const handle = await this.#adopt(record)
    if (handle !== undefined) {
      const age = this.#options.clock() - Date.parse(record.started_at ?? record.created_at)
      record.state = 'running'
      this.#supervision.add(record, handle, record.timeout_seconds * 1000 - age)
      this.#options.log.info({ agent: record.agent_id, pid: handle.process_id }, 'an agent of an earlier run was adopted')
      return
    }
    this.#options.log.warn({ agent: record.agent_id }, 'an agent of an earlier run is gone')
    await this.#conclusion.conclude(record, 'lost', 'the sidecar was restarted and the agent was gone')
  }

  /** The agent of an earlier run, or `undefined`: then what it left is ended. */
  async #adopt (record: AgentRecord): Promise<AgentHandle | undefined> {
    const spawner = this.#options.spawners.get(record.spawner)
    try {
      // What it stored while nobody watched counts as well.
      const stored = await this.#options.findResult(record)
      if (stored !== undefined) {
        record.result_id = stored.id
        record.result_status = stored.status
      }
      if (record.reference === null) return undefined
      const handle = await spawner?.adopt?.(record.reference)
      if (handle === undefined) await spawner?.clean?.(record.reference)
      return handle
    } catch (error) {
      this.#options.log.error({ agent: record.agent_id, reason: messageOf(error) }, 'an agent of an earlier run could not be taken over')
      return undefined
    }
  }

  /** A result was stored: by an agent of ours it is a sign of life, and the last one counts. */
  noteResult (result: ResultRecord): void {
    const record = this.#known.get(result.agent_id)
    if (record === undefined || record.project_id !== result.project_id) return
    if (FINAL_STATES.has(record.state) || this.#conclusion.pending(record.agent_id) !== undefined) return
    record.result_id = result.id
    record.last_sign_at = this.#now()
    record.result_status = result.status
  }

  async heartbeat (project: string, agentId: string, sign: { state?: string, progress?: number, message?: string }): Promise<AgentRecord> {
    const record = this.get(project, agentId)
    record.last_sign_at = this.#now()
    if (sign.progress !== undefined) record.progress = sign.progress
    if (sign.message !== undefined) record.message = sign.message
    else if (sign.state !== undefined) record.message = sign.state
    return record
  }

  /** Throws `NOT_001`, for an agent of another project too. Without a project, here and below, those of all are meant. */
  get (project: string | undefined, agentId: string): AgentRecord {
    const record = this.#known.get(agentId)
    if (record === undefined || (project !== undefined && record.project_id !== project)) throw apiError('NOT_001', `There is no agent '${agentId}'.`)
    return record
  }

  /** Newest first. */
  list (project: string | undefined, filter: { status?: string, agent_type?: string, issue_id?: string }): AgentRecord[] {
    return [...this.#known.values()].reverse().filter((record) => (project === undefined || record.project_id === project) &&
      (filter.status === undefined || record.state === filter.status) &&
      (filter.agent_type === undefined || record.agent_type === filter.agent_type) &&
      (filter.issue_id === undefined || record.issue_id === filter.issue_id))
  }

  async logs (project: string | undefined, agentId: string, lines: number): Promise<string> {
    return await tailOf(outputFile(this.#records.directoryOf(this.get(project, agentId).agent_id)), lines)
  }

  /** TERM, then KILL after the grace; one that has not begun does not begin. Resolves when it is gone. */
  async stop (project: string | undefined, agentId: string, graceMs: number): Promise<AgentRecord> {
    const record = this.get(project, agentId)
    if (this.#queue.remove(agentId)) {
      await this.#conclusion.conclude(record, 'stopped', 'it was taken out of the queue')
    } else if (this.#starting.has(agentId)) {
      this.#recalled.add(agentId)
      await Promise.allSettled([this.#starting.get(agentId)])
    }
    await this.#supervision.end(agentId, 'stopped', 'it was stopped on request', graceMs)
    await this.#conclusion.pending(agentId)
    return record
  }

  subscribedTypes (project: string, topic: string): string[] {
    return this.#supervision.records
      .filter((record) => record.project_id === project && this.#options.project(project).findProfile(record.agent_type)?.subscribes.includes(topic) === true)
      .map((record) => record.agent_type)
  }

  statistics (): Telemetry['agents'] {
    const { records } = this.#supervision
    const { completed, failed, ended, durationMs } = this.#conclusion.totals
    const byType: Record<string, number> = {}
    for (const { agent_type: type } of records) byType[type] = (byType[type] ?? 0) + 1
    return {
      active: records.length,
      queued: this.#queue.length,
      completed,
      failed,
      spawned_total: this.#spawned,
      by_type: byType,
      avg_execution_time_ms: ended === 0 ? null : Math.round(durationMs / ended)
    }
  }

  /** Ends all agents; those in the queue stay there for the next start. */
  async close (graceMs = STOP_GRACE_MS): Promise<void> {
    this.#closing = true
    // Those whose process is being made are waited for; one that is still gathering its context will not begin.
    const waited = new AbortController()
    await Promise.race([Promise.allSettled(this.#starting.values()), delay(graceMs, undefined, waited).catch(() => {})])
    waited.abort()
    await this.#supervision.close(SHUT_DOWN, graceMs)
  }

  #forgetOldest (): void {
    for (const [id, record] of this.#known) {
      if (this.#known.size <= MAX_ENDED) return
      if (FINAL_STATES.has(record.state)) this.#known.delete(id)
    }
  }

  #now (): string {
    return new Date(this.#options.clock()).toISOString()
  }
}
