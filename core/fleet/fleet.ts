import { chmod, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeDirectory, FILE_MODE } from '../durable-file.js'
import { apiError, codeOf, messageOf } from '../errors.js'
import { createIds } from '../ids.js'
import type {
  AgentHandle, AgentProfile, Auth, Claims, Clock, JsonObject, Logger, Permission, Priority, ResultRecord, Spawner
} from '../contracts/index.js'
import type { Events } from '../events/events.js'
import type { ResultSubmission } from '../results/results.js'
import { AgentRecords, FINAL_STATES, type AgentRecord, type AgentState } from './agent-record.js'
import { agentEnvironment, checkEnvironment } from './environment.js'
import { tailOf } from './log-tail.js'
import { SpawnQueue } from './queue.js'

const STOP_GRACE_MS = 5000
const WATCH_MS = 1000
const MAX_LOG_BYTES = 64 * 1024 * 1024
const LAST_OUTPUT_LINES = 40
/** Ended agents that are kept in memory for `GET /api/agents`; older ones stay on disk. */
const MAX_ENDED = 5000
const OUTPUT = 'output.log'
const CONTEXT = 'context.json'

export interface SpawnBody {
  agent_type: string
  issue_id: string
  task: string
  context_requirements?: string[]
  environment?: Record<string, string>
  priority?: Priority
  spawner?: string
  timeout_seconds?: number
  correlation_id?: string
  round?: number
}

export interface Spawned {
  record: AgentRecord
  /** Place in the queue, from 1; `undefined` when it was started. */
  position?: number
  token?: string
  context_injected: boolean
}

export interface FleetProject {
  id: string
  root: string
  profile (agentType: string): AgentProfile
  findProfile (agentType: string): AgentProfile | undefined
}

export interface FleetOptions {
  storage: string
  spawners: ReadonlyMap<string, Spawner>
  auth: Auth
  events: Events
  clock: Clock
  log: Logger
  limits: { max_concurrent: number, max_per_type: number, max_queue: number, timeout_seconds: number, environment: readonly string[] }
  tokenSeconds: number
  /** The sidecar's own environment, of which agents get what the allow-list names. */
  inherited: Record<string, string | undefined>
  project (id: string): FleetProject
  /** Base address of the API, or `undefined` while nothing listens. */
  address (): string | undefined
  context (agent: AgentRecord): Promise<Buffer>
  storeResult (project: string, submission: ResultSubmission): Promise<ResultRecord>
  /** The newest result that an agent has stored itself. */
  findResult (agent: AgentRecord): Promise<ResultRecord | undefined>
}

interface Live {
  record: AgentRecord
  handle: AgentHandle
  timer: NodeJS.Timeout | undefined
  /** Why it is being ended, when the sidecar ends it. */
  ending: { state: 'stopped' | 'failed', reason: string } | undefined
  ended: Promise<void>
}

export interface FleetStatistics {
  active: number
  queued: number
  completed: number
  failed: number
  spawned_total: number
  by_type: Record<string, number>
  avg_execution_time_ms: number | null
}

/** Starts agents, watches them to their end, and keeps what is known of each. */
export class Fleet {
  readonly #options: FleetOptions
  readonly #records: AgentRecords
  readonly #known = new Map<string, AgentRecord>()
  readonly #live = new Map<string, Live>()
  readonly #starting = new Set<string>()
  readonly #queue = new SpawnQueue<AgentRecord>()
  readonly #nextId: () => string
  readonly #totals = { completed: 0, failed: 0, spawned: 0, durationMs: 0, ended: 0 }
  #watch: NodeJS.Timeout | undefined
  #closing = false

  constructor (options: FleetOptions) {
    this.#options = options
    this.#records = new AgentRecords(join(options.storage, 'agents'))
    this.#nextId = createIds('', options.clock)
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
    this.#watch = setInterval(() => { this.#watchLogs().catch((error: unknown) => this.#options.log.warn({ reason: messageOf(error) }, 'the logs of agents could not be watched')) }, WATCH_MS).unref()
  }

  /** Starts queued agents of an earlier run; to be called when the server listens. */
  resume (): void {
    this.#startQueued()
  }

  async spawn (project: FleetProject, body: SpawnBody): Promise<Spawned> {
    const profile = project.profile(body.agent_type)
    const spawner = body.spawner ?? profile.spawn.spawner ?? 'process'
    if (!this.#options.spawners.has(spawner)) {
      throw apiError('VAL_001', `There is no spawner '${spawner}'. Known: ${[...this.#options.spawners.keys()].map((name) => `'${name}'`).join(', ')}.`, { details: { issues: [{ path: 'spawner', message: 'is not known' }] } })
    }
    checkEnvironment(body.environment ?? {})
    if (this.#closing) throw apiError('SRV_002', 'The sidecar is shutting down.')
    const record: AgentRecord = {
      agent_id: `${body.agent_type.slice(0, 100)}-${this.#nextId().toLowerCase()}`,
      agent_type: body.agent_type,
      project_id: project.id,
      issue_id: body.issue_id,
      task: body.task,
      state: 'starting',
      priority: body.priority ?? 'normal',
      spawner,
      timeout_seconds: body.timeout_seconds ?? profile.spawn.timeout_seconds ?? this.#options.limits.timeout_seconds,
      environment: body.environment ?? {},
      context_requirements: body.context_requirements ?? [],
      ...(body.correlation_id === undefined ? {} : { correlation_id: body.correlation_id }),
      ...(body.round === undefined ? {} : { round: body.round }),
      created_at: this.#now(),
      process_id: null,
      reference: null
    }
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
    await this.#records.save(record)
    // A place may have come free while the record was written.
    this.#startQueued()
    return { record, position, context_injected: false }
  }

  #hasPlace (record: AgentRecord): boolean {
    const active = [...this.#starting, ...this.#live.keys()]
    const ofType = active.filter((id) => this.#known.get(id)?.agent_type === record.agent_type).length
    return active.length < this.#options.limits.max_concurrent && ofType < this.#options.limits.max_per_type
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
    this.#starting.add(record.agent_id)
    try {
      const { token, contextInjected } = await this.#start(record)
      return { record, token, context_injected: contextInjected }
    } catch (error) {
      const reason = messageOf(error)
      await this.#finish(record, 'failed', reason)
      throw codeOf(error) === 'AGT_001' ? error : apiError('AGT_001', `The agent could not be started: ${reason}`, { cause: error })
    } finally {
      this.#starting.delete(record.agent_id)
    }
  }

  async #start (record: AgentRecord): Promise<{ token: string, contextInjected: boolean }> {
    const { auth, spawners } = this.#options
    const address = this.#options.address()
    if (address === undefined) throw apiError('AGT_001', 'The agent could not be started: the sidecar does not listen on any address.')
    const project = this.#options.project(record.project_id)
    const profile = project.profile(record.agent_type)
    const directory = this.#records.directoryOf(record.agent_id)
    await makeDirectory(directory)
    await this.#records.save(record)
    const permissions: Permission[] = [...profile.permissions]
    const { token } = await auth.issue(
      { agent_id: record.agent_id, agent_type: record.agent_type, project_id: record.project_id, permissions },
      { ttlSeconds: this.#options.tokenSeconds }
    )
    const contextFile = join(directory, CONTEXT)
    const contextInjected = await this.#writeContext(record, contextFile)
    const handle = await spawners.get(record.spawner)!.start({
      agent_id: record.agent_id,
      agent_type: record.agent_type,
      project_id: record.project_id,
      issue_id: record.issue_id,
      project_root: project.root,
      directory,
      environment: agentEnvironment(this.#options.inherited, this.#options.limits.environment, record.environment, {
        AGENT_ID: record.agent_id,
        AGENT_TYPE: record.agent_type,
        ISSUE_ID: record.issue_id,
        PROJECT_ID: record.project_id,
        SIDECAR_URL: `${address}/api`,
        JWT_TOKEN: token,
        CONTEXT_FILE: contextFile,
        TASK: record.task,
        ...(record.correlation_id === undefined ? {} : { CORRELATION_ID: record.correlation_id })
      }),
      prompt: profile.spawn.prompt,
      task: record.task,
      tools: profile.spawn.tools ?? [],
      model: profile.model.tier,
      log_file: join(directory, OUTPUT)
    })
    this.#totals.spawned++
    record.started_at = this.#now()
    record.process_id = handle.process_id
    record.reference = handle.reference
    record.state = 'running'
    this.#supervise(record, handle, record.timeout_seconds * 1000)
    await this.#records.save(record)
    this.#announce(record, 'agent_started')
    return { token, contextInjected }
  }

  /** A context that cannot be gathered does not keep the agent from starting: it can ask for it itself. */
  async #writeContext (record: AgentRecord, path: string): Promise<boolean> {
    try {
      await writeFile(path, await this.#options.context(record), { mode: FILE_MODE })
      await chmod(path, FILE_MODE)
      return true
    } catch (error) {
      this.#options.log.warn({ agent: record.agent_id, reason: messageOf(error) }, 'the context of a new agent could not be written')
      return false
    }
  }

  #supervise (record: AgentRecord, handle: AgentHandle, timeoutMs: number): void {
    const live: Live = { record, handle, timer: undefined, ending: undefined, ended: Promise.resolve() }
    live.timer = setTimeout(() => this.#end(live, 'failed', `it ran longer than ${record.timeout_seconds} seconds`), Math.max(0, timeoutMs)).unref()
    live.ended = handle.exited.then(async (exit) => {
      clearTimeout(live.timer)
      record.exit = exit
      const state = live.ending?.state ?? this.#judge(record)
      await this.#finish(record, state, live.ending?.reason)
    }).catch((error: unknown) => {
      this.#options.log.error({ agent: record.agent_id, reason: messageOf(error) }, 'the end of an agent could not be recorded')
    }).finally(() => {
      this.#live.delete(record.agent_id)
      this.#startQueued()
    })
    this.#live.set(record.agent_id, live)
  }

  #end (live: Live, state: 'stopped' | 'failed', reason: string, graceMs = STOP_GRACE_MS): void {
    live.ending ??= { state, reason }
    live.handle.stop({ graceMs }).catch((error: unknown) => {
      this.#options.log.error({ agent: live.record.agent_id, reason: messageOf(error) }, 'an agent could not be stopped')
    })
  }

  /** Exit code and stored result both decide; the exit of an adopted agent is not known, so its result alone does. */
  #judge (record: AgentRecord): AgentState {
    const { code, signal } = record.exit!
    const clean = code === 0 || (code === null && signal === null && record.result_id !== undefined)
    return clean && record.result_status !== 'failed' ? 'completed' : 'failed'
  }

  async #finish (record: AgentRecord, state: AgentState, reason: string | undefined): Promise<void> {
    const { auth, clock } = this.#options
    record.state = state
    record.ended_at = this.#now()
    if (reason !== undefined) record.reason = reason
    if (state === 'completed') this.#totals.completed++
    else if (state !== 'stopped') this.#totals.failed++
    if (record.started_at !== undefined) {
      this.#totals.durationMs += clock() - Date.parse(record.started_at)
      this.#totals.ended++
    }
    await this.#storeMissingResult(record)
    await this.#records.save(record)
    await auth.revoke({ project_id: record.project_id, agent_id: record.agent_id })
    await rm(join(this.#records.directoryOf(record.agent_id), CONTEXT), { force: true })
    this.#announce(record, 'agent_ended')
    this.#forgetOldest()
  }

  /** An agent that ends without a result gets one made from its exit and its last output. */
  async #storeMissingResult (record: AgentRecord): Promise<void> {
    if (record.result_id !== undefined) return
    const lastOutput = await tailOf(join(this.#records.directoryOf(record.agent_id), OUTPUT), LAST_OUTPUT_LINES)
    const failed = record.state !== 'completed'
    const why = record.reason ?? (record.exit?.signal != null ? `ended by ${record.exit.signal}` : `exit code ${record.exit?.code ?? 'unknown'}`)
    try {
      const stored = await this.#options.storeResult(record.project_id, {
        agent_id: record.agent_id,
        agent_type: record.agent_type,
        issue_id: record.issue_id,
        result: {
          status: failed ? 'failed' : 'success',
          files_created: [],
          files_modified: [],
          decisions: [],
          errors: failed ? [`The agent stored no result: ${why}.`] : [],
          warnings: failed ? [] : ['The agent stored no result; this one was made from its exit and its last output.'],
          artifacts: { state: record.state, exit_code: record.exit?.code ?? null, signal: record.exit?.signal ?? null, last_output: lastOutput },
          made_by: 'sidecar'
        },
        ...(record.correlation_id === undefined ? {} : { correlation_id: record.correlation_id }),
        ...(record.round === undefined ? {} : { round: record.round })
      })
      record.result_id = stored.id
    } catch (error) {
      this.#options.log.error({ agent: record.agent_id, reason: messageOf(error) }, 'no result could be stored for an agent that left none')
    }
  }

  async #takeOver (record: AgentRecord): Promise<void> {
    const spawner = this.#options.spawners.get(record.spawner)
    const handle = record.reference === null ? undefined : await spawner?.adopt?.(record.reference)
    // What it stored while nobody watched counts as well.
    const stored = await this.#options.findResult(record)
    if (stored !== undefined) {
      record.result_id = stored.id
      record.result_status = stored.status
    }
    if (handle !== undefined) {
      const age = this.#options.clock() - Date.parse(record.started_at ?? record.created_at)
      record.state = 'running'
      this.#supervise(record, handle, record.timeout_seconds * 1000 - age)
      this.#options.log.info({ agent: record.agent_id, pid: handle.process_id }, 'an agent of an earlier run was adopted')
      return
    }
    if (record.reference !== null) await spawner?.clean?.(record.reference)
    this.#options.log.warn({ agent: record.agent_id }, 'an agent of an earlier run is gone')
    await this.#finish(record, 'lost', 'the sidecar was restarted and the agent was gone')
  }

  /** A result was stored: by an agent of ours it is a sign of life, and the last one counts. */
  noteResult (result: ResultRecord): void {
    const record = this.#known.get(result.agent_id)
    if (record === undefined || record.project_id !== result.project_id || FINAL_STATES.has(record.state)) return
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

  /** Throws `NOT_001`, for an agent of another project too. */
  get (project: string, agentId: string): AgentRecord {
    const record = this.#known.get(agentId)
    if (record === undefined || record.project_id !== project) throw apiError('NOT_001', `There is no agent '${agentId}'.`)
    return record
  }

  /** Newest first. */
  list (project: string, filter: { status?: string, agent_type?: string, issue_id?: string }): AgentRecord[] {
    return [...this.#known.values()].reverse().filter((record) => record.project_id === project &&
      (filter.status === undefined || record.state === filter.status) &&
      (filter.agent_type === undefined || record.agent_type === filter.agent_type) &&
      (filter.issue_id === undefined || record.issue_id === filter.issue_id))
  }

  async logs (project: string, agentId: string, lines: number): Promise<string> {
    return await tailOf(join(this.#records.directoryOf(this.get(project, agentId).agent_id), OUTPUT), lines)
  }

  /** TERM, then KILL after the grace; a queued agent is taken out of the queue. Resolves when it is gone. */
  async stop (project: string, agentId: string, graceMs: number): Promise<AgentRecord> {
    const record = this.get(project, agentId)
    if (this.#queue.remove(agentId)) {
      await this.#finish(record, 'stopped', 'it was taken out of the queue')
      return record
    }
    const live = this.#live.get(agentId)
    if (live !== undefined) {
      this.#end(live, 'stopped', 'it was stopped on request', graceMs)
      await live.ended
    }
    return record
  }

  subscribedTypes (project: string, topic: string): string[] {
    return [...this.#live.values()]
      .filter(({ record }) => record.project_id === project && this.#options.project(project).findProfile(record.agent_type)?.subscribes.includes(topic) === true)
      .map(({ record }) => record.agent_type)
  }

  statistics (): FleetStatistics {
    const byType: Record<string, number> = {}
    for (const { record } of this.#live.values()) byType[record.agent_type] = (byType[record.agent_type] ?? 0) + 1
    return {
      active: this.#live.size,
      queued: this.#queue.length,
      completed: this.#totals.completed,
      failed: this.#totals.failed,
      spawned_total: this.#totals.spawned,
      by_type: byType,
      avg_execution_time_ms: this.#totals.ended === 0 ? null : Math.round(this.#totals.durationMs / this.#totals.ended)
    }
  }

  /** Ends all agents; those in the queue stay there for the next start. */
  async close (graceMs = STOP_GRACE_MS): Promise<void> {
    this.#closing = true
    clearInterval(this.#watch)
    const live = [...this.#live.values()]
    if (live.length > 0) this.#options.log.info({ agents: live.length }, 'stopping the agents')
    for (const agent of live) this.#end(agent, 'stopped', 'the sidecar was shut down', graceMs)
    await Promise.all(live.map(async (agent) => await agent.ended))
  }

  async #watchLogs (): Promise<void> {
    await Promise.all([...this.#live.values()].map(async (live) => {
      const facts = await stat(join(this.#records.directoryOf(live.record.agent_id), OUTPUT)).catch(() => undefined)
      if ((facts?.size ?? 0) > MAX_LOG_BYTES) this.#end(live, 'failed', `it wrote more than ${MAX_LOG_BYTES} bytes of output`)
    }))
  }

  #announce (record: AgentRecord, eventType: string): void {
    const data: JsonObject = {
      issue_id: record.issue_id,
      agent_id: record.agent_id,
      agent_type: record.agent_type,
      state: record.state,
      exit_code: record.exit?.code ?? null,
      reason: record.reason ?? null
    }
    const caller: Pick<Claims, 'agent_id' | 'agent_type'> = record
    this.#options.events.publish(record.project_id, caller, {
      event_type: eventType,
      topic: 'coordination',
      data,
      ...(record.correlation_id === undefined ? {} : { correlation_id: record.correlation_id })
    }).catch((error: unknown) => {
      this.#options.log.warn({ agent: record.agent_id, reason: messageOf(error) }, 'a change of an agent could not be announced')
    })
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
