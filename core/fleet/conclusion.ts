import { rm } from 'node:fs/promises'
import { messageOf } from '../errors.js'
import { contextFile, outputFile } from './agent-files.js'
import { FINAL_STATES, type AgentRecord, type AgentRecords, type AgentState } from './agent-record.js'
import { announce } from './announce.js'
import type { FleetOptions } from './fleet-options.js'
import { tailOf } from './log-tail.js'

const LAST_OUTPUT_LINES = 40

/** Brings agents to their end: a result, no token, no context, a record. A step that fails does not keep the others from being done. */
export class Conclusion {
  readonly #options: FleetOptions
  readonly #records: AgentRecords
  readonly #pending = new Map<string, Promise<void>>()
  readonly totals = { completed: 0, failed: 0, durationMs: 0, ended: 0 }

  constructor (options: FleetOptions, records: AgentRecords) {
    this.#options = options
    this.#records = records
  }

  /** The conclusion of an agent that is under way. */
  pending (agentId: string): Promise<void> | undefined {
    return this.#pending.get(agentId)
  }

  /** Never rejects. Who sees the final state finds everything done; concluding twice does nothing. */
  async conclude (record: AgentRecord, state: AgentState, reason: string | undefined): Promise<void> {
    if (FINAL_STATES.has(record.state)) return
    const pending = this.#pending.get(record.agent_id) ?? this.#conclude(record, state, reason).finally(() => this.#pending.delete(record.agent_id))
    this.#pending.set(record.agent_id, pending)
    await pending
  }

  async #conclude (record: AgentRecord, state: AgentState, reason: string | undefined): Promise<void> {
    const { auth, clock, log } = this.#options
    const attempt = async (step: () => Promise<unknown>, failure: string): Promise<void> => {
      try {
        await step()
      } catch (error) {
        log.error({ agent: record.agent_id, reason: messageOf(error) }, failure)
      }
    }
    record.ended_at = new Date(clock()).toISOString()
    if (reason !== undefined) record.reason = reason
    await attempt(async () => await auth.revoke({ project_id: record.project_id, agent_id: record.agent_id }), 'the token of an agent that has ended could not be revoked')
    await attempt(async () => await rm(contextFile(this.#records.directoryOf(record.agent_id)), { force: true }), 'the context of an agent that has ended could not be removed')
    await attempt(async () => await this.#options.workspaces.prove(record), 'what an agent has changed could not be found out')
    if (record.result_id === undefined) {
      await attempt(async () => await this.#storeResult(record, state), 'no result could be stored for an agent that left none')
    }
    await attempt(async () => await this.#records.save({ ...record, state }), 'the end of an agent could not be recorded')
    record.state = state
    this.#count(record)
    announce(this.#options, record, 'agent_ended')
  }

  #count (record: AgentRecord): void {
    if (record.state === 'completed') this.totals.completed++
    else if (record.state !== 'stopped') this.totals.failed++
    if (record.started_at === undefined) return
    this.totals.durationMs += this.#options.clock() - Date.parse(record.started_at)
    this.totals.ended++
  }

  /** An agent that ends without a result gets one made from its exit and its last output. */
  async #storeResult (record: AgentRecord, state: AgentState): Promise<void> {
    const lastOutput = await tailOf(outputFile(this.#records.directoryOf(record.agent_id)), LAST_OUTPUT_LINES)
    const failed = state !== 'completed'
    const why = record.reason ?? (record.exit?.signal != null ? `ended by ${record.exit.signal}` : `exit code ${record.exit?.code ?? 'unknown'}`)
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
        artifacts: { state, exit_code: record.exit?.code ?? null, signal: record.exit?.signal ?? null, last_output: lastOutput },
        made_by: 'sidecar'
      },
      ...(record.correlation_id === undefined ? {} : { correlation_id: record.correlation_id }),
      ...(record.round === undefined ? {} : { round: record.round })
    })
    record.result_id = stored.id
  }
}
