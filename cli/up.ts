import { describeAgents, FINAL_STATES, type AgentFacts } from './agent-facts.js'
import type { Client } from './client.js'
import { eventLine, gapLine, type EventFacts, type EventPage } from './event-facts.js'
import { Failure } from './failure.js'
import { lastOf } from './history.js'
import { oneLine, paintState, type Format } from './output.js'
import { gistOf, type ResultBody } from './result-facts.js'
import type { Terminal } from './terminal.js'

export interface UpOptions {
  agentType: string
  issue: string
  task: string
  correlation: string
  spawner?: string | undefined
  timeoutSeconds?: number | undefined
  format: Format
  /** How long nothing may come after all have ended until the flow is over: a trigger starts agents a moment after an event. */
  quietMs?: number
}

const QUIET_MS = 2000
const GRACE_MS = 15_000
const NO_TRIGGERS = 'No triggers are configured, so nothing follows this agent by itself. Write rules, or {"use": ["standard-flow"]}, into .cco/triggers.json, run cco trust, and start the sidecar again; see docs/agents.md.'

/** Starts an agent and prints what comes of it, until nothing of it runs or waits any more; gives all agents that had a part. Rejects when the signal aborts. */
export async function up (options: UpOptions, client: Client, terminal: Terminal, signal: AbortSignal): Promise<AgentFacts[]> {
  const { format, quietMs = QUIET_MS } = options
  await sayWithoutTriggers(client, terminal)
  let { next_cursor: since } = await lastOf(client, {}, 0)
  const { agent_id: first } = await client.call<{ agent_id: string }>('POST', '/api/agents/spawn', {
    body: { agent_type: options.agentType, issue_id: options.issue, task: options.task, correlation_id: options.correlation, spawner: options.spawner, timeout_seconds: options.timeoutSeconds }
  })
  for (;;) {
    const page = await client.call<EventPage>('GET', '/api/events/wait/*', { query: { since, timeout: quietMs }, timeoutMs: quietMs + GRACE_MS, signal })
    since = page.next_cursor ?? since
    const gap = gapLine(page)
    if (gap !== undefined) terminal.err(terminal.colors.yellow(gap))
    const events = page.events.filter((event) => event.correlation_id === options.correlation || event.data?.issue_id === options.issue)
    for (const event of events) terminal.out(format === 'json' ? JSON.stringify(event) : await lineOf(event, options.issue, client, terminal, signal))
    if (page.events.length > 0) continue
    const agents = await agentsOf(client, options, first, signal)
    if (agents.every(({ state }) => FINAL_STATES.has(state))) return agents
  }
}

/** The table of those that had a part, oldest first. */
export function describeFlow (agents: readonly AgentFacts[], { colors }: Terminal): string {
  return `\n${describeAgents(agents, colors)}`
}

async function agentsOf (client: Client, { issue, correlation }: UpOptions, first: string, signal: AbortSignal): Promise<AgentFacts[]> {
  const { agents } = await client.call<{ agents: (AgentFacts & { correlation_id?: string | null })[] }>('GET', '/api/agents', { query: { issue_id: issue }, signal })
  const own = agents.filter(({ agent_id: id, correlation_id: of }) => id === first || of === correlation)
  if (own.length === 0) throw new Failure(`The sidecar does not know the agent ${first} any more.`)
  return own.reverse()
}

/** An event on one line; under one that tells of a result what was decided. */
async function lineOf (event: EventFacts, issue: string, client: Client, terminal: Terminal, signal: AbortSignal): Promise<string> {
  const { result_id: id } = event.data ?? {}
  // What the line, or the command, says already is not said again.
  const data = Object.fromEntries(Object.entries(event.data ?? {}).filter(([name, value]) => !(name === 'issue_id' && value === issue) && !(name === 'agent_type' && value === event.publisher_type)))
  const line = eventLine({ ...event, data }, terminal.colors)
  if (typeof id !== 'string') return line
  try {
    const { status, result } = await client.call<{ status: string, result?: ResultBody }>('GET', `/api/results/${encodeURIComponent(id)}`, { signal })
    const said = gistOf(result)
    return `${line}\n    ${paintState(status, status, terminal.colors)}${said === '' ? '' : `: ${oneLine(said, 140)}`}`
  } catch (error) {
    if (signal.aborted) throw error
    // It may have been pruned meanwhile; the event has been told.
    return line
  }
}

async function sayWithoutTriggers (client: Client, terminal: Terminal): Promise<void> {
  const { status, body } = await client.answer<{ dry_run?: boolean, triggers?: unknown[] }>('GET', '/api/triggers', { accept: [404] })
  const { yellow } = terminal.colors
  if (status === 404 || body.triggers?.length === 0) terminal.err(yellow(NO_TRIGGERS))
  else if (body.dry_run === true) terminal.err(yellow('Triggers only tell what they would start: triggers.dry_run is set.'))
}
