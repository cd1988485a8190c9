import { duration, oneLine, pairs, paintState, table, time } from './output.js'
import type { Colors } from './terminal.js'

/** An agent as far as it is known. */
export interface AgentFacts {
  agent_id: string
  agent_type: string
  issue_id: string
  state: string
  task?: string
  attempt?: number
  position?: number | null
  waits_for?: string | null
  spawner?: string
  last_sign_at?: string | null
  usage?: { input_tokens: number | null, output_tokens: number | null, cached_tokens: number | null, cost_usd: number | null, turns: number | null } | null
  process_id?: number | null
  created_at?: string
  started_at?: string | null
  ended_at?: string | null
  progress?: number | null
  message?: string | null
  reason?: string | null
  result_id?: string | null
}

const UNKNOWN = '–'

export const FINAL_STATES: ReadonlySet<string> = new Set(['completed', 'failed', 'stopped', 'lost'])

export function describeAgents (agents: readonly AgentFacts[], colors: Colors): string {
  return table(agents, [
    { title: 'AGENT', value: (agent) => agent.agent_id },
    { title: 'TYPE', value: (agent) => agent.agent_type },
    { title: 'ISSUE', value: (agent) => agent.issue_id },
    { title: 'STATE', value: (agent) => agent.state, paint: (text, agent) => paintState(text, agent.state, colors) },
    { title: 'AGE', value: (agent) => since(agent.created_at), align: 'right' },
    { title: 'RAN', value: (agent) => ran(agent) ?? UNKNOWN, align: 'right' },
    { title: 'LAST SIGN', value: (agent) => since(agent.last_sign_at), align: 'right' },
    { title: 'TOKENS', value: (agent) => tokens(agent), align: 'right' },
    { title: 'COST', value: (agent) => cost(agent), align: 'right' },
    { title: 'SAYS', value: (agent) => oneLine(agent.reason ?? agent.message ?? UNKNOWN, 60) }
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
    ['attempt', agent.attempt !== undefined && agent.attempt > 1 ? agent.attempt : undefined],
    ['waits for', agent.waits_for?.replaceAll('_', ' ')],
    ['last sign', typeof agent.last_sign_at === 'string' ? time(agent.last_sign_at) : undefined],
    ['tokens', agent.usage == null ? undefined : tokens(agent)],
    ['cost', agent.usage == null ? undefined : cost(agent)],
    ['says', agent.message],
    ['result', agent.result_id]
  ], colors)
}

function ran ({ started_at: started, ended_at: ended }: AgentFacts): string | undefined {
  if (typeof started !== 'string') return undefined
  return duration(Math.max(0, (typeof ended === 'string' ? Date.parse(ended) : Date.now()) - Date.parse(started)))
}

/** How long ago. */
function since (timestamp: string | null | undefined): string {
  return typeof timestamp === 'string' ? duration(Math.max(0, Date.now() - Date.parse(timestamp))) : UNKNOWN
}

/** Sent and received, as far as they are known; those from a cache are not counted. */
function tokens ({ usage }: AgentFacts): string {
  const known = [usage?.input_tokens, usage?.output_tokens].filter((count) => typeof count === 'number')
  return known.length === 0 ? UNKNOWN : known.reduce((sum, count) => sum + count, 0).toLocaleString('en')
}

function cost ({ usage }: AgentFacts): string {
  return typeof usage?.cost_usd === 'number' ? `$${usage.cost_usd.toFixed(2)}` : UNKNOWN
}
