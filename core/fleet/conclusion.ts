import { rename, rm } from 'node:fs/promises'
import { codeOf, messageOf } from '../errors.js'
import { attemptOutputFile, contextFile, outputFile } from './agent-files.js'
import { FINAL_STATES, type AgentRecord } from './agent-record.js'
import type { AgentRecords } from './agent-records.js'
import type { Ending } from './ending.js'
import type { FleetOptions } from './fleet-options.js'
import type { Governor, Outcome } from './governor/governor.js'
import { lastWords } from './last-words.js'
import type { Lifecycle } from './lifecycle.js'
import { makeResult, whyOf } from './made-result.js'
import { backOffMs, beginNextAttempt, mayRetry } from './retries/retry-policy.js'
import { removeOlder } from './supervision/log-rotation.js'

const LAST_OUTPUT_LINES = 40
const MAX_OUTPUT_CHARACTERS = 65_536

interface Parts {
  options: FleetOptions
  records: AgentRecords
  lifecycle: Lifecycle
  governor: Governor
  /** Whether an agent is not to be tried again, because it was stopped on request or everything ends. */
  isOver (agentId: string): boolean
}

/**
 * Brings attempts to their end: no token, no context, no place. The agent is tried again, or has ended and has a result.
 * A step that fails does not keep the others from being done.
 */
export class Conclusion {
  readonly #parts: Parts
  readonly #pending = new Map<string, Promise<void>>()
  readonly totals = { completed: 0, failed: 0, retried: 0, durationMs: 0, ended: 0 }

  constructor (parts: Parts) {
    this.#parts = parts
  }

  /** The conclusion of an agent that is under way. */
  pending (agentId: string): Promise<void> | undefined {
    return this.#pending.get(agentId)
  }

  /** Never rejects. Who sees the final state finds everything done; concluding twice does nothing. */
  async conclude (record: AgentRecord, ending: Ending): Promise<void> {
    if (FINAL_STATES.has(record.state)) return
    const pending = this.#pending.get(record.agent_id) ?? this.#conclude(record, ending).then(() => {
      this.#pending.delete(record.agent_id)
      // Not before this attempt is over for everybody: the next one may begin at once.
      if (record.state === 'queued') this.#parts.governor.add(record)
    })
    this.#pending.set(record.agent_id, pending)
    await pending
  }

  async #conclude (record: AgentRecord, ending: Ending): Promise<void> {
    const { options: { auth, clock, limits, workspaces }, records, isOver } = this.#parts
    record.ended_at = new Date(clock()).toISOString()
    if (ending.reason !== undefined) record.reason = ending.reason
    if (ending.failure !== undefined) record.failure = ending.failure
    if (ending.failure === 'crash' || ending.failure === 'own_result') record.reason ??= whyOf(record)
    await this.#attempt(record, async () => await auth.revoke({ project_id: record.project_id, agent_id: record.agent_id }), 'the token of an agent that has ended could not be revoked')
    await this.#attempt(record, async () => await rm(contextFile(records.directoryOf(record.agent_id)), { force: true }), 'the context of an agent that has ended could not be removed')
    await this.#attempt(record, async () => await workspaces.prove(record), 'what an agent has changed could not be found out')
    const outcome = outcomeOf(ending)
    if (ending.state !== 'stopped' && ending.isFinal !== true && mayRetry(record, limits) && !isOver(record.agent_id)) await this.#retry(record, outcome)
    else await this.#end(record, ending, outcome)
  }

  async #retry (record: AgentRecord, outcome: Outcome): Promise<void> {
    const { options: { clock, limits, log }, records, lifecycle, governor } = this.#parts
    const directory = records.directoryOf(record.agent_id)
    await this.#attempt(record, async () => await moveOutput(directory, record.attempt, limits.log_files), 'the output of a failed attempt could not be kept')
    const waitMs = backOffMs(record.attempt, limits)
    this.totals.retried++
    log.warn({ agent: record.agent_id, attempt: record.attempt, failure: record.failure, reason: record.reason, seconds: Math.round(waitMs / 100) / 10 }, 'an agent failed and is tried again')
    beginNextAttempt(record, new Date(clock() + waitMs))
    await this.#attempt(record, async () => await records.save({ ...record, state: 'queued' }), 'the next attempt of an agent could not be recorded')
    governor.release(record, outcome)
    lifecycle.enter(record, 'queued')
  }

  async #end (record: AgentRecord, { state }: Ending, outcome: Outcome): Promise<void> {
    const { options: { workspaces }, records, lifecycle, governor } = this.#parts
    if (record.result_id === undefined) {
      await this.#attempt(record, async () => await this.#storeResult(record, state), 'no result could be stored for an agent that left none')
    }
    await this.#attempt(record, async () => await workspaces.leave(record), 'the workspace of an agent that has ended could not be looked at')
    await this.#attempt(record, async () => await records.save({ ...record, state }), 'the end of an agent could not be recorded')
    governor.release(record, outcome)
    governor.budgets.close(record)
    lifecycle.enter(record, state)
    this.#count(record)
  }

  async #attempt (record: AgentRecord, step: () => Promise<unknown>, failure: string): Promise<void> {
    try {
      await step()
    } catch (error) {
      this.#parts.options.log.error({ agent: record.agent_id, reason: messageOf(error) }, failure)
    }
  }

  #count (record: AgentRecord): void {
    if (record.state === 'completed') this.totals.completed++
    else if (record.state !== 'stopped') this.totals.failed++
    if (record.started_at === undefined) return
    this.totals.durationMs += this.#parts.options.clock() - Date.parse(record.started_at)
    this.totals.ended++
  }

  /** An agent that ends without a result gets one; of one that failed somebody has to hear. */
  async #storeResult (record: AgentRecord, state: Ending['state']): Promise<void> {
    const { options: { clock, storeResult }, records } = this.#parts
    const lastOutput = await lastWords(outputFile(records.directoryOf(record.agent_id)), LAST_OUTPUT_LINES, MAX_OUTPUT_CHARACTERS)
    const stored = await storeResult(record.project_id, {
      agent_id: record.agent_id,
      agent_type: record.agent_type,
      issue_id: record.issue_id,
      result: makeResult(record, state, lastOutput, clock()),
      ...(state === 'failed' || state === 'lost' ? { escalated: true as const } : {}),
      ...(record.correlation_id === undefined ? {} : { correlation_id: record.correlation_id }),
      ...(record.round === undefined ? {} : { round: record.round })
    })
    record.result_id = stored.id
  }
}

/** What an end says about the agent's type and its spawner: of limits and requests it says nothing, and who reports a failure works. */
function outcomeOf ({ state, failure }: Ending): Outcome {
  if (state === 'completed' || failure === 'own_result') return 'good'
  return failure === 'start' || failure === 'first_sign' || failure === 'crash' || failure === 'silence' ? 'bad' : 'neither'
}

/** The next attempt writes, and is read, from an empty file on. */
async function moveOutput (directory: string, attempt: number, olderFiles: number): Promise<void> {
  await removeOlder(outputFile(directory), olderFiles)
  try {
    await rename(outputFile(directory), attemptOutputFile(directory, attempt))
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
  }
}
