import { join } from 'node:path'
import type { Telemetry } from '../telemetry.js'
import { makeDirectory } from '../durable-file.js'
import { apiError, messageOf } from '../errors.js'
import { createIds } from '../ids.js'
import type { Permission, ResultRecord } from '../contracts/index.js'
import type { ResultSubmission, Witness } from '../results/results.js'
import { outputFile } from './agent-files.js'
import { FINAL_STATES, type AgentRecord } from './agent-record.js'
import { AgentRecords } from './agent-records.js'
import { Conclusion } from './conclusion.js'
import type { FleetOptions, FleetProject } from './fleet-options.js'
import { Governor, type Hold } from './governor/governor.js'
import { Lifecycle } from './lifecycle.js'
import { tailOf } from './log-tail.js'
import { Roster } from './roster.js'
import { createRecord, type SpawnBody } from './spawn-request.js'
import { Starter, type Started } from './starter.js'
import { SHUT_DOWN, STOP_GRACE_MS, Supervision } from './supervision/supervision.js'
import { takeOver } from './take-over.js'

export interface Spawned {
  record: AgentRecord
  /** Place in the queue, from 1; `undefined` when it was started. */
  position?: number
  token?: string
  context_injected: boolean
}

/** Where an agent stands in the queue. */
export interface Waiting {
  /** From 1. */
  position: number
  waits_for: Hold['waits_for'] | null
}

/** Starts agents, queues those that may not start yet, watches them to their end, and keeps what is known of each. */
export class Fleet {
  readonly #options: FleetOptions
  readonly #records: AgentRecords
  readonly #lifecycle: Lifecycle
  readonly #governor: Governor
  readonly #conclusion: Conclusion
  readonly #supervision: Supervision
  readonly #starter: Starter
  readonly #roster = new Roster()
  /** Agents that somebody is stopping. */
  readonly #stopping = new Set<string>()
  readonly #nextId: () => string
  #closing = false

  constructor (options: FleetOptions) {
    const { clock, log, limits } = options
    this.#options = options
    this.#nextId = createIds('', clock)
    const records = this.#records = new AgentRecords(join(options.storage, 'agents'))
    const lifecycle = this.#lifecycle = new Lifecycle(options)
    const governor = this.#governor = new Governor({ limits, clock, log, onTime: () => this.#startQueued() })
    const conclusion = this.#conclusion = new Conclusion({ options, records, lifecycle, governor, isOver: (agentId) => this.#stopping.has(agentId) })
    const supervision = this.#supervision = new Supervision({
      clock,
      log,
      limits,
      directoryOf: (agentId) => records.directoryOf(agentId),
      outputOf: (agentId) => outputFile(records.directoryOf(agentId)),
      save: async (record) => await records.save(record),
      exceeded: (record) => governor.budgets.exceeded(record),
      onRateLimit: (record, until) => governor.rateLimited(record.spawner, until),
      onAlive: (record) => this.#alive(record),
      conclude: async (record, ending) => await conclusion.conclude(record, ending),
      onFree: () => {
        this.#roster.forgetOldest()
        this.#startQueued()
      }
    })
    this.#starter = new Starter({
      options,
      records,
      lifecycle,
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
    const ended = records.filter(({ state }) => FINAL_STATES.has(state))
    for (const record of ended.sort((a, b) => ((a.ended_at ?? '') < (b.ended_at ?? '') ? -1 : 1))) this.#governor.budgets.close(record)
    const parts = { options: this.#options, records: this.#records, governor: this.#governor, supervision: this.#supervision, conclusion: this.#conclusion }
    const open = records.filter(({ state }) => !FINAL_STATES.has(state))
    for (const record of open) if (record.state === 'queued') this.#governor.add(record)
    await Promise.all(open.filter(({ state }) => state !== 'queued').map(async (record) => await takeOver(parts, record)))
    this.#supervision.open()
  }

  /** Starts queued agents of an earlier run; to be called when the server listens. */
  resume (): void {
    this.#startQueued()
  }

  /** `retryOf`: the agent that this one does the work of again. */
  async spawn (project: FleetProject, body: SpawnBody, retryOf?: string): Promise<Spawned> {
    const record = createRecord(this.#options, project, body, this.#nextId().toLowerCase())
    if (retryOf !== undefined) record.retry_of = retryOf
    await this.#options.workspaces.check(record, project.root)
    if (this.#closing) throw apiError('SRV_002', 'The sidecar is shutting down.')
    this.#governor.checkBudget(project.id)
    this.#roster.add(record)
    if (this.#options.address() === undefined) return await this.#starter.start(record, true)
    this.#governor.add(record)
    const starting = this.#startQueued().get(record.agent_id)
    if (starting !== undefined) return await starting
    const { position } = await this.#enqueue(record)
    return { record, position, context_injected: false }
  }

  /** The work of an agent that has ended, once more: a new agent of the same type and task. Throws `VAL_001` for one that has not ended. */
  async retry (project: FleetProject, agentId: string, mayHave?: readonly Permission[]): Promise<Spawned> {
    const record = this.get(project.id, agentId)
    if (!FINAL_STATES.has(record.state)) throw apiError('VAL_001', `The agent '${agentId}' has not ended: it is ${record.state}.`)
    const { agent_type, issue_id, task, context_requirements, environment, priority, spawner, timeout_seconds, workspace, workspace_base, correlation_id, round, depth } = record
    const permissions = mayHave === undefined ? record.permissions : record.permissions?.filter((permission) => mayHave.includes(permission)) ?? mayHave
    return await this.spawn(project, {
      agent_type,
      issue_id,
      task,
      context_requirements,
      environment,
      priority,
      spawner,
      timeout_seconds,
      ...(workspace === undefined ? {} : { workspace }),
      ...(workspace_base === undefined ? {} : { workspace_base }),
      ...(correlation_id === undefined ? {} : { correlation_id }),
      ...(round === undefined ? {} : { round }),
      ...(permissions === undefined ? {} : { permissions }),
      ...(depth === undefined ? {} : { depth })
    }, agentId)
  }

  /**
   * Starts an agent that nobody waits for. It is recorded when this resolves, and begins as soon as it may; what fails from then
   * on is tried again as an agent that waited. Rejects when it cannot wait, or cannot be recorded; then nothing of it goes on.
   */
  async enqueue (project: FleetProject, body: SpawnBody): Promise<AgentRecord> {
    const record = createRecord(this.#options, project, body, this.#nextId().toLowerCase())
    await this.#options.workspaces.check(record, project.root)
    if (this.#closing) throw apiError('SRV_002', 'The sidecar is shutting down.')
    this.#governor.checkBudget(project.id)
    this.#roster.add(record)
    this.#governor.add(record)
    record.state = 'queued'
    this.#startQueued()
    if (this.#governor.positionOf(record.agent_id) !== undefined) {
      const { isRecorded } = await this.#enqueue(record)
      if (isRecorded) return record
    }
    try {
      await this.#records.save(record)
    } catch (error) {
      // Whoever is told that it is not there asks again, and would have it twice.
      await this.stop(record.project_id, record.agent_id, STOP_GRACE_MS)
      throw apiError('STR_001', `The agent could not be recorded: ${messageOf(error)}.`, { cause: error })
    }
    return record
  }

  /** How many triggers lie behind an agent of the project; 0 for whoever else publishes. */
  depthOf (project: string, agentId: string): number {
    const record = this.#roster.find(agentId)
    return record?.project_id === project ? record.depth ?? 0 : 0
  }

  /** `isRecorded` is false for one that could not be recorded and has begun in the meantime: its start records it. */
  async #enqueue (record: AgentRecord): Promise<{ position: number, isRecorded: boolean }> {
    const refusal = this.#governor.refuse(record)
    if (refusal !== undefined) {
      this.#roster.remove(record.agent_id)
      throw refusal
    }
    this.#lifecycle.enter(record, 'queued')
    const position = this.#governor.positionOf(record.agent_id)!
    try {
      await this.#records.save(record)
    } catch (error) {
      // Nothing starts later that its caller was told is not there.
      if (!this.#governor.withdraw(record)) return { position, isRecorded: false }
      this.#roster.remove(record.agent_id)
      throw apiError('STR_001', `The agent could not be queued: ${messageOf(error)}.`, { cause: error })
    }
    // A place may have come free while the record was written.
    this.#startQueued()
    return { position, isRecorded: true }
  }

  /** Starts all that may start now; gives those that were started. */
  #startQueued (): Map<string, Promise<Started>> {
    const begun = new Map<string, Promise<Started>>()
    if (this.#closing || this.#options.address() === undefined) return begun
    for (let record = this.#governor.next(); record !== undefined; record = this.#governor.next()) {
      const { agent_id: id } = record
      // Who did not wait is told by the answer to its caller.
      const waited = record.state === 'queued'
      const starting = this.#starter.start(record, !waited)
      begun.set(id, starting)
      starting.catch((error: unknown) => { if (waited) this.#options.log.warn({ agent: id, reason: messageOf(error) }, 'a queued agent could not be started') })
    }
    return begun
  }

  #alive (record: AgentRecord): void {
    this.#lifecycle.enter(record, 'running')
    this.#governor.showsLife(record)
    this.#records.save(record).catch((error: unknown) => this.#options.log.warn({ agent: record.agent_id, reason: messageOf(error) }, 'the first sign of an agent could not be recorded'))
    this.#startQueued()
  }

  /** A call with the token of an agent: a sign of life. */
  noteCall (project: string, agentId: string): void {
    if (this.#roster.find(agentId)?.project_id === project) this.#supervision.sign(agentId, { kind: 'alive' })
  }

  /** A result was stored: by an agent of ours it is a sign of life, and the last one counts. */
  noteResult (result: ResultRecord): void {
    const record = this.#roster.find(result.agent_id)
    if (record === undefined || record.project_id !== result.project_id) return
    if (FINAL_STATES.has(record.state) || this.#conclusion.pending(record.agent_id) !== undefined) return
    record.result_id = result.id
    record.result_status = result.status
    this.#supervision.sign(record.agent_id, { kind: 'alive' })
  }

  /** Whether there is such an agent and it has not ended. */
  isLive (agentId: string): boolean {
    const record = this.#roster.find(agentId)
    return record !== undefined && !FINAL_STATES.has(record.state)
  }

  /** What the sidecar itself finds where an agent of ours works, as its result comes. */
  async witness (project: string, submission: ResultSubmission): Promise<Witness | undefined> {
    const record = this.#roster.find(submission.agent_id)
    if (record === undefined || record.project_id !== project || FINAL_STATES.has(record.state)) return undefined
    return await this.#options.workspaces.witness(record, submission)
  }

  async heartbeat (project: string, agentId: string, sign: { state?: string, progress?: number, message?: string }): Promise<AgentRecord> {
    const record = this.get(project, agentId)
    if (sign.progress !== undefined) record.progress = sign.progress
    const message = sign.message ?? sign.state
    this.#supervision.sign(agentId, message === undefined ? { kind: 'alive' } : { kind: 'progress', message })
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

  /** `undefined` for an agent that does not wait. */
  waiting (record: AgentRecord): Waiting | undefined {
    const position = this.#governor.positionOf(record.agent_id)
    return position === undefined ? undefined : { position, waits_for: this.#governor.hold(record)?.waits_for ?? null }
  }

  async logs (project: string | undefined, agentId: string, lines: number): Promise<string> {
    return await tailOf(outputFile(this.#records.directoryOf(this.get(project, agentId).agent_id)), lines)
  }

  /** TERM, then KILL after the grace; one that has not begun does not begin, and none is tried again. Resolves when it is gone. */
  async stop (project: string | undefined, agentId: string, graceMs: number): Promise<AgentRecord> {
    const record = this.get(project, agentId)
    this.#stopping.add(agentId)
    try {
      await this.#conclusion.pending(agentId)
      if (this.#governor.remove(agentId)) await this.#conclusion.conclude(record, { state: 'stopped', reason: 'it was taken out of the queue' })
      else await this.#starter.recall(agentId)
      await this.#supervision.end(agentId, { state: 'stopped', reason: 'it was stopped on request' }, graceMs)
      await this.#conclusion.pending(agentId)
      return record
    } finally {
      this.#stopping.delete(agentId)
    }
  }

  subscribedTypes (project: string, topic: string): string[] {
    return this.#supervision.records
      .filter((record) => record.project_id === project && this.#options.project(project).findProfile(record.agent_type)?.subscribes.includes(topic) === true)
      .map((record) => record.agent_type)
  }

  statistics (): Telemetry['agents'] {
    const { records } = this.#supervision
    const { completed, failed, retried, ended, durationMs } = this.#conclusion.totals
    const byType: Record<string, number> = {}
    for (const { agent_type: type } of records) byType[type] = (byType[type] ?? 0) + 1
    return {
      active: records.length,
      queued: this.#governor.queued,
      completed,
      failed,
      retried,
      spawned_total: this.#starter.started,
      by_type: byType,
      transitions: this.#lifecycle.transitions,
      avg_execution_time_ms: ended === 0 ? null : Math.round(durationMs / ended),
      ...this.#governor.figures
    }
  }

  /** Ends all agents; those in the queue stay there for the next start. */
  async close (graceMs = STOP_GRACE_MS): Promise<void> {
    this.#closing = true
    this.#governor.close()
    await this.#starter.close(graceMs)
    await this.#supervision.close(SHUT_DOWN, graceMs)
  }

  /** Lets go of all agents without ending any: the start of the sidecar failed, and the next one takes them over. */
  async release (): Promise<void> {
    this.#closing = true
    this.#governor.close()
    this.#supervision.release()
  }
}
