import { duration, oneLine, pairs, paintState, table, time } from './output.js'
import type { Colors } from './terminal.js'

/** An agent as far as it is known. */
export interface AgentFacts {
  agent_id: string
  agent_type: string
  issue_id: string
  state: string
  task?: string
  process_id?: number | null
  created_at?: string
  started_at?: string | null
  ended_at?: string | null
  progress?: number | null
  message?: string | null
  reason?: string | null
  result_id?: string | null
}

export const FINAL_STATES: ReadonlySet<string> = new Set(['completed', 'failed', 'stopped', 'lost'])

export function describeAgents (agents: readonly AgentFacts[], colors: Colors): string {
  return table(agents, [
    { title: 'AGENT', value: (agent) => agent.agent_id },
    { title: 'TYPE', value: (agent) => agent.agent_type },
    { title: 'ISSUE', value: (agent) => agent.issue_id },
    { title: 'STATE', value: (agent) => agent.state, paint: (text, agent) => paintState(text, agent.state, colors) },
    { title: 'STARTED', value: (agent) => time(agent.started_at ?? undefined) },
    { title: 'RAN', value: (agent) => ran(agent), align: 'right' },
    { title: 'SAYS', value: (agent) => oneLine(agent.reason ?? agent.message ?? '-', 60) }
  ], colors)
}

export function describeAgent (agent: AgentFacts, colors: Colors): string {
  return pairs([
    ['agent', agent.agent_id],
    ['type', agent.agent_type],
    ['issue', agent.issue_id],
    ['task', agent.task === undefined ? undefined : oneLine(agent.task, 200)],
    ['state', agent.state, (text) => paintState(text, agent.state, colors)],
    ['because', agent.reason],
    ['process', agent.process_id],
    ['started', agent.started_at === undefined || agent.started_at === null ? undefined : time(agent.started_at)],
    ['ran', ran(agent)],
    ['progress', agent.progress === undefined || agent.progress === null ? undefined : `${Math.round(agent.progress <= 1 ? agent.progress * 100 : agent.progress)} %`],
    ['says', agent.message],
    ['result', agent.result_id]
  ], colors)
}

function ran ({ started_at: started, ended_at: ended }: AgentFacts): string | undefined {
  if (typeof started !== 'string') return undefined
  return duration(Math.max(0, (typeof ended === 'string' ? Date.parse(ended) : Date.now()) - Date.parse(started)))
}
