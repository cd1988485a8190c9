import { isDeepStrictEqual } from 'node:util'
import { filesOf } from '../context/sections.js'
import type { AgentProfile, Clock, JsonObject, Logger, ResultRecord, ResultStatus, ResultStore } from '../contracts/index.js'
import { apiError, messageOf } from '../errors.js'
import type { Events } from '../events/events.js'
import { createIds } from '../ids.js'
import type { ProfileSet } from '../profiles/profiles.js'

export interface ResultSubmission {
  agent_id: string
  agent_type: string
  issue_id: string
  result: JsonObject & { status: ResultStatus }
  correlation_id?: string
  round?: number
  /** What the agent gave; the same again gives the first answer again. */
  idempotency_key?: string
  /** Nobody will try again: said in the announcement, not kept. */
  escalated?: true
}

/** What the sidecar itself finds where the agent works. */
export type Witness = Required<Pick<ResultRecord, 'proof' | 'sidecar_warnings'>>

export interface NextAgent {
  agent_type: string
  priority: 'high' | 'normal'
  reason: string
}

export interface StoredResult {
  record: ResultRecord
  storage_path: string
  next: NextAgent[]
  /** `null` when the result is stored and its announcement failed. */
  event_id: string | null
  /** Whether it had been stored before, under the same key. */
  replayed: boolean
}

export interface Results {
  /** Throws `VAL_001` when the key was used for another result. */
  store (project: string, profiles: ProfileSet, submission: ResultSubmission): Promise<StoredResult>
}

export function createResults ({ store, events, clock, log, witness = async () => undefined, onStored }: {
  store: ResultStore
  events: Events
  clock: Clock
  log: Logger
  /** Asked before a result is stored. */
  witness? (project: string, submission: ResultSubmission): Promise<Witness | undefined>
  /** Told of each stored result before it is announced. */
  onStored (record: ResultRecord): void
}): Results {
  const nextId = createIds('res_', clock)
  return {
    async store (project, profiles, submission) {
      const { idempotency_key: key, escalated = false, ...rest } = submission
      const given: ResultRecord = {
        id: nextId(),
        project_id: project,
        ...rest,
        status: rest.result.status,
        ...await witness(project, submission),
        // No identifier holds a '/': agents cannot meet in a key.
        ...(key === undefined ? {} : { idempotency_key: `${rest.agent_id}/${key}` }),
        timestamp: new Date(clock()).toISOString()
      }
      const record = await store.put(project, given)
      const replayed = record.id !== given.id
      if (replayed && !saysTheSame(record, given)) throw otherContent()
      onStored(record)
      const profile = profiles.find(record.agent_type)
      const next = suggestNext(profile, record)
      return {
        record,
        storage_path: `results/${project}/${record.issue_id}/${record.agent_type}.json`,
        next,
        event_id: await announce(record, profile, next, escalated),
        replayed
      }
    }
  }

  /** The result is safe already: an announcement that fails is told, and does not undo it. */
  async function announce (record: ResultRecord, profile: AgentProfile | undefined, next: NextAgent[], escalated: boolean): Promise<string | null> {
    try {
      const published = await events.announce(record.project_id, record, {
        // Once, also when a first try came to its end between storing and announcing.
        idempotency_key: `result:${record.id}`,
        event_type: record.status === 'failed' ? 'agent_failed' : 'agent_completed',
        topic: profile?.publishes[0] ?? 'coordination',
        data: {
          issue_id: record.issue_id,
          agent_id: record.agent_id,
          agent_type: record.agent_type,
          status: record.status,
          result_id: record.id,
          files: filesOf(record).slice(0, 100),
          next_agents: next.map(({ agent_type: type }) => type),
          ...(escalated ? { escalated } : {})
        },
        ...(record.correlation_id === undefined ? {} : { correlation_id: record.correlation_id }),
        ...(record.round === undefined ? {} : { round: record.round })
      }, Date.parse(record.timestamp))
      return published?.event.event_id ?? null
    } catch (error) {
      log.error({ reason: messageOf(error), result: record.id }, 'a result was stored and could not be announced')
      return null
    }
  }
}

function saysTheSame (stored: ResultRecord, given: ResultRecord): boolean {
  // As it came back from the store: -0 is 0 there.
  return isDeepStrictEqual(whatWasGiven(stored), whatWasGiven(JSON.parse(JSON.stringify(given)) as ResultRecord))
}

/** Without what the sidecar adds, which is another each time. */
function whatWasGiven ({ id, timestamp, proof, sidecar_warnings: _warnings, ...given }: ResultRecord): object {
  return given
}

function otherContent (): Error {
  const message = 'was used for another result before; send the same body with it, or take a new key'
  return apiError('VAL_001', `The Idempotency-Key ${message}.`, { details: { issues: [{ path: 'idempotency-key', message }] } })
}

function suggestNext (profile: AgentProfile | undefined, record: ResultRecord): NextAgent[] {
  if (profile === undefined) return []
  const failed = record.status === 'failed'
  return profile.handoff[failed ? 'failed' : 'success'].map((agentType, index) => ({
    agent_type: agentType,
    priority: index === 0 && record.status !== 'partial' ? 'high' : 'normal',
    reason: failed ? `${profile.name} failed; ${agentType} helps in that case.` : `${agentType} goes on from the work of ${profile.name}.`
  }))
}
