import { messageOf } from '../errors.js'
import type { AgentRecord } from './agent-record.js'
import type { FleetOptions } from './fleet-options.js'

/** Publishes a change of an agent; one that cannot be published is told and undoes nothing. */
export function announce ({ events, log }: Pick<FleetOptions, 'events' | 'log'>, record: AgentRecord, eventType: 'agent_started' | 'agent_ended'): void {
  events.announce(record.project_id, record, {
    event_type: eventType,
    topic: 'coordination',
    data: {
      issue_id: record.issue_id,
      agent_id: record.agent_id,
      agent_type: record.agent_type,
      state: record.state,
      exit_code: record.exit?.code ?? null,
      reason: record.reason ?? null
    },
    ...(record.correlation_id === undefined ? {} : { correlation_id: record.correlation_id })
  }).catch((error: unknown) => {
    log.warn({ agent: record.agent_id, reason: messageOf(error) }, 'a change of an agent could not be announced')
  })
}
