import type { AuditAction, Json } from '../contracts/index.js'
import { messageOf } from '../errors.js'
import { FINAL_STATES, type AgentRecord, type AgentState } from './agent-record.js'
import type { FleetOptions } from './fleet-options.js'

type StateEvent = 'agent_queued' | 'agent_retrying' | 'agent_started' | 'agent_running' | 'agent_ended'

/** Brings agents from one state to the next: each transition is counted and announced. */
export class Lifecycle {
  readonly #options: Pick<FleetOptions, 'audit' | 'events' | 'log'>
  /** Since the start of the sidecar, by the state that was entered. */
  readonly transitions: Record<AgentState, number> = { queued: 0, starting: 0, running: 0, completed: 0, failed: 0, stopped: 0, lost: 0 }

  constructor (options: Pick<FleetOptions, 'audit' | 'events' | 'log'>) {
    this.#options = options
  }

  enter (record: AgentRecord, state: AgentState): void {
    record.state = state
    this.transitions[state]++
    // An agent is started when its process is there: see `started`.
    if (state !== 'starting') this.#announce(record, eventOf(record))
    if (FINAL_STATES.has(state)) this.#audit(record, 'agent.ended', { state, exit_code: record.exit?.code ?? null, signal: record.exit?.signal ?? null, failure: record.failure ?? null })
  }

  /** Its process is there. */
  started (record: AgentRecord): void {
    this.#announce(record, 'agent_started')
    this.#audit(record, 'agent.started', { spawner: record.spawner, process_id: record.process_id, attempt: record.attempt })
  }

  #audit ({ agent_id: id, project_id: project, issue_id: issue }: AgentRecord, action: AuditAction, details: Record<string, Json>): void {
    this.#options.audit.note({ action, outcome: 'success', actor: 'sidecar', project, resource: `agent/${id}`, details: { issue_id: issue, ...details } })
  }

  /** A change that cannot be published is told and undoes nothing. */
  #announce (record: AgentRecord, eventType: StateEvent): void {
    const { events, log } = this.#options
    events.announce(record.project_id, record, {
      event_type: eventType,
      topic: 'coordination',
      data: {
        issue_id: record.issue_id,
        agent_id: record.agent_id,
        agent_type: record.agent_type,
        state: record.state,
        attempt: record.attempt,
        exit_code: record.exit?.code ?? null,
        failure: record.failure ?? null,
        reason: record.reason ?? null
      },
      ...(record.correlation_id === undefined ? {} : { correlation_id: record.correlation_id }),
      ...(record.round === undefined ? {} : { round: record.round })
    }).catch((error: unknown) => {
      log.warn({ agent: record.agent_id, reason: messageOf(error) }, 'a change of an agent could not be announced')
    })
  }
}

function eventOf ({ state, earlier }: AgentRecord): StateEvent {
  if (FINAL_STATES.has(state)) return 'agent_ended'
  if (state === 'running') return 'agent_running'
  return earlier === undefined ? 'agent_queued' : 'agent_retrying'
}
