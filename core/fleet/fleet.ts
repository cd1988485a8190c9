import { join } from 'node:path'
import type { Telemetry } from '../telemetry.js'
import { makeDirectory } from '../durable-file.js'
import { apiError, messageOf } from '../errors.js'
import { createIds } from '../ids.js'
import type { ResultRecord } from '../contracts/index.js'
import type { ResultSubmission, Witness } from '../results/results.js'
import { outputFile } from './agent-files.js'
import { AgentRecords, FINAL_STATES, type AgentRecord } from './agent-record.js'
import { Conclusion } from './conclusion.js'
import type { FleetOptions, FleetProject } from './fleet-options.js'
import { tailOf } from './log-tail.js'
import { SpawnQueue } from './queue.js'
import { Roster } from './roster.js'
import { createRecord, type SpawnBody } from './spawn-request.js'
import { Starter } from './starter.js'
import { SHUT_DOWN, STOP_GRACE_MS, Supervision } from './supervision.js'
import { takeOver } from './take-over.js'

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
  readonly #starter: Starter
  readonly #roster = new Roster()
  readonly #queue = new SpawnQueue<AgentRecord>()
  readonly #nextId: () => string
  #closing = false

  constructor (options: FleetOptions) {
    this.#options = options
    const records = this.#records = new AgentRecords(join(options.storage, 'agents'))
    this.#nextId = createIds('', options.clock)
    const conclusion = this.#conclusion = new Conclusion(options, records)
    const supervision = this.#supervision = new Supervision({
      log: options.log,
      outputOf: (agentId) => outputFile(records.directoryOf(agentId)),
      conclude: async (record, state, reason) => await conclusion.conclude(record, state, reason),
      onFree: () => {
        this.#roster.forgetOldest()
        this.#startQueued()
      }
    })
    this.#starter = new Starter({
      options,
      records,
      conclusion,
      supervision,
      // It may have left its place at once.
      onOver: () => this.#startQueued()
    })
  }

  /** Takes over what an earlier run of the sidecar left: adopts what is alive, marks the rest lost, queues what had not begun. */
  async open (): Promise<void> {
    await makeDirectory(join(this.#options.storage, 'agents'))
    const records = await this.#records.load(this.#options.log)
    this.#roster.fill(records)
    for (const record of records) {
      if (FINAL_STATES.has(record.state)) continue
      if (record.state === 'queued') this.#queue.add(record)
      else await takeOver(this.#options, this.#supervision, this.#conclusion, record)
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
    this.#roster.add(record)
    return await this.#starter.start(record)
  }

  async #enqueue (record: AgentRecord): Promise<Spawned> {
    const { max_queue: bound, max_concurrent: places, max_per_type: perType } = this.#options.limits
    if (this.#queue.length >= bound) {
      throw apiError('AGT_003', `${places} agents, ${perType} of a type, may be at work at once, and ${bound} wait already; try again when one has ended.`, { headers: { 'retry-after': '5' } })
    }
    record.state = 'queued'
    this.#roster.add(record)
    const position = this.#queue.add(record)
    try {
      await this.#records.save(record)
    } catch (error) {
      // Nothing starts later that its caller was told is not there; one that started in the meantime is.
      if (this.#queue.remove(record.agent_id)) this.#roster.remove(record.agent_id)
      throw apiError('STR_001', `The agent could not be queued: ${messageOf(error)}.`, { cause: error })
    }
    // A place may have come free while the record was written.
    this.#startQueued()
    return { record, position, context_injected: false }
  }

  #hasPlace (record: AgentRecord): boolean {
    const active = new Set([...this.#starter.ids, ...this.#supervision.records.map(({ agent_id: id }) => id)])
    const ofType = [...active].filter((id) => this.#roster.find(id)?.agent_type === record.agent_type).length
    return active.size < this.#options.limits.max_concurrent && ofType < this.#options.limits.max_per_type
  }

  #startQueued (): void {
    if (this.#closing || this.#options.address() === undefined) return
    for (let record = this.#queue.take((item) => this.#hasPlace(item)); record !== undefined; record = this.#queue.take((item) => this.#hasPlace(item))) {
      const { agent_id: id } = record
      record.state = 'starting'
      this.#starter.start(record).catch((error: unknown) => this.#options.log.warn({ agent: id, reason: messageOf(error) }, 'a queued agent could not be started'))
    }
  }

  /** A result was stored: by an agent of ours it is a sign of life, and the last one counts. */
  noteResult (result: ResultRecord): void {
    const record = this.#roster.find(result.agent_id)
    if (record === undefined || record.project_id !== result.project_id) return
    if (FINAL_STATES.has(record.state) || this.#conclusion.pending(record.agent_id) !== undefined) return
    record.result_id = result.id
    record.last_sign_at = this.#now()
    record.result_status = result.status
  }

  /** What the sidecar itself finds where an agent of ours works, as its result comes. */
  async witness (project: string, submission: ResultSubmission): Promise<Witness | undefined> {
    const record = this.#roster.find(submission.agent_id)
    if (record === undefined || record.project_id !== project || FINAL_STATES.has(record.state)) return undefined
    return await this.#options.workspaces.witness(record, submission)
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
    return this.#roster.get(project, agentId)
  }

  /** Newest first. */
  list (project: string | undefined, filter: { status?: string, agent_type?: string, issue_id?: string }): AgentRecord[] {
    return this.#roster.list(project, filter)
  }

  async logs (project: string | undefined, agentId: string, lines: number): Promise<string> {
    return await tailOf(outputFile(this.#records.directoryOf(this.get(project, agentId).agent_id)), lines)
  }

  /** TERM, then KILL after the grace; one that has not begun does not begin. Resolves when it is gone. */
  async stop (project: string | undefined, agentId: string, graceMs: number): Promise<AgentRecord> {
    const record = this.get(project, agentId)
    if (this.#queue.remove(agentId)) await this.#conclusion.conclude(record, 'stopped', 'it was taken out of the queue')
    else await this.#starter.recall(agentId)
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
      spawned_total: this.#starter.started,
      by_type: byType,
      avg_execution_time_ms: ended === 0 ? null : Math.round(durationMs / ended)
    }
  }

  /** Ends all agents; those in the queue stay there for the next start. */
  async close (graceMs = STOP_GRACE_MS): Promise<void> {
    this.#closing = true
    await this.#starter.close(graceMs)
    await this.#supervision.close(SHUT_DOWN, graceMs)
  }

  #now (): string {
    return new Date(this.#options.clock()).toISOString()
  }
}
