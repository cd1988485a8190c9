import type { AgentFacts } from '../agent-facts.js'
import type { EventFacts } from '../event-facts.js'
import type { ResultBody } from '../result-facts.js'
import { FLOW_EVENTS } from './cast.js'

export interface StoredResult {
  id: string
  agent_id: string
  agent_type: string
  status: string
  result: ResultBody
}

/** What is left in the sidecar when the agents have ended. */
export interface Outcome {
  /** Agent types that took part, in order. */
  cast: readonly string[]
  agents: readonly AgentFacts[]
  results: readonly StoredResult[]
  events: readonly EventFacts[]
}

/** Everything that should be there and is not, each in a sentence; empty when the flow was complete. */
export function problemsOf ({ cast, agents, results, events }: Outcome): string[] {
  const problems: string[] = []
  for (const agentType of cast) {
    const agent = agents.find((each) => each.agent_type === agentType)
    if (agent?.state !== 'completed') {
      problems.push(agent === undefined ? `${agentType} was not started.` : `${agentType} is ${agent.state}${typeof agent.reason === 'string' ? `: ${agent.reason}` : ''}.`)
    }
    const own = results.filter((each) => each.agent_type === agentType)
    const good = own.some((each) => each.status === 'success' || each.status === 'partial')
    if (!good) problems.push(own.length === 0 ? `${agentType} stored no result.` : `${agentType} stored no result with status success or partial.`)
    if (!events.some((event) => event.event_type === 'agent_completed' && event.data.agent_type === agentType)) {
      problems.push(`The event agent_completed of ${agentType} is not in the history.`)
    }
  }
  for (const type of FLOW_EVENTS) {
    if (!events.some((event) => event.event_type === type)) problems.push(`The event ${type} is not in the history.`)
  }
  return problems
}
