import { counted, duration, oneLine, paintState } from '../output.js'
import { decisionsOf, metricsOf } from '../result-facts.js'
import type { Colors } from '../terminal.js'
import type { Moment } from './timeline.js'
import type { Outcome, StoredResult } from './verdict.js'

const SHOWN_DECISIONS = 3

export interface Report {
  passed: boolean
  problems: string[]
  project: string
  duration_ms: number
  agents: { agent_id: string, agent_type: string, state: string, duration_ms: number | null }[]
  results: { id: string, agent_type: string, status: string, decisions: string[], metrics: unknown }[]
  events: { event_id: string, event_type: string, topic: string, publisher_type: string, timestamp: string }[]
  timeline: Moment[]
  /** Folder that was kept; absent when it was removed. */
  storage?: string
}

export function reportOf (outcome: Outcome, facts: Pick<Report, 'problems' | 'project' | 'duration_ms' | 'timeline'>): Report {
  return {
    passed: facts.problems.length === 0,
    ...facts,
    agents: inOrder(outcome.cast, outcome.agents).map((agent) => ({
      agent_id: agent.agent_id,
      agent_type: agent.agent_type,
      state: agent.state,
      duration_ms: typeof agent.started_at === 'string' && typeof agent.ended_at === 'string' ? Date.parse(agent.ended_at) - Date.parse(agent.started_at) : null
    })),
    results: inOrder(outcome.cast, outcome.results).map((result) => ({
      id: result.id, agent_type: result.agent_type, status: result.status, decisions: decisionsOf(result.result), metrics: result.result.metrics ?? {}
    })),
    events: outcome.events.map(({ event_id: id, event_type: type, topic, publisher_type: publisher, timestamp }) => ({ event_id: id, event_type: type, topic, publisher_type: publisher, timestamp }))
  }
}

function inOrder<Entry extends { agent_type: string }> (cast: readonly string[], entries: readonly Entry[]): Entry[] {
  return [...entries].sort((a, b) => cast.indexOf(a.agent_type) - cast.indexOf(b.agent_type))
}

/** The aggregated results: what each agent decided and measured. */
export function describeResults (outcome: Outcome, colors: Colors): string {
  return inOrder(outcome.cast, outcome.results).map((result) => describeResult(result, colors)).join('\n\n')
}

function describeResult ({ agent_type: agentType, status, result }: StoredResult, colors: Colors): string {
  const metrics = metricsOf(result).map(([name, value]) => `${oneLine(name)} ${oneLine(String(value), 40)}`).join(', ')
  const decisions = decisionsOf(result)
  const more = decisions.length - SHOWN_DECISIONS
  return [
    `${colors.bold(agentType)}  ${paintState(status, status, colors)}`,
    ...decisions.slice(0, SHOWN_DECISIONS).map((decision) => `  - ${oneLine(decision, 200)}`),
    ...(more > 0 ? [colors.dim(`  and ${more} more`)] : []),
    ...(metrics === '' ? [] : [colors.dim(`  ${metrics}`)])
  ].join('\n')
}

/** The last lines: what was counted, and what is missing. */
export function describeTotal (report: Report, colors: Colors): string {
  const completed = report.agents.filter(({ state }) => state === 'completed').length
  const total = `${completed} of ${counted(report.agents.length, 'agent')} completed, ${counted(report.results.length, 'result')} and ${counted(report.events.length, 'event')} stored, in ${duration(report.duration_ms)}`
  if (report.passed) return `${colors.green('✓')} ${total}`
  return [`${colors.red('✗')} ${total}`, ...report.problems.map((problem) => `  ${oneLine(problem, 300)}`)].join('\n')
}
