import { setTimeout as sleep } from 'node:timers/promises'
import { FINAL_STATES, type AgentFacts } from './agent-facts.js'
import type { Client } from './client.js'
import { segment } from './command-line.js'
import { duration, oneLine, paintState, time, type Format } from './output.js'
import type { Terminal } from './terminal.js'

const LOOK_EVERY_MS = 1000

/** Prints what an agent is at whenever that changes; gives it as it is when it has ended. Rejects when the signal aborts. */
export async function watchAgent (agentId: string, format: Format, client: Client, terminal: Terminal, signal: AbortSignal, everyMs = LOOK_EVERY_MS): Promise<AgentFacts> {
  let before = ''
  for (;;) {
    const agent = await client.call<AgentFacts>('GET', `/api/agents/${segment(agentId)}/status`, { signal })
    // A sign of life alone is no change that anybody wants to read.
    const now = JSON.stringify({ ...agent, last_sign_at: undefined })
    if (now !== before) terminal.out(format === 'json' ? JSON.stringify(agent) : lineOf(agent, terminal))
    before = now
    if (FINAL_STATES.has(agent.state)) return agent
    await sleep(everyMs, undefined, { signal })
  }
}

function lineOf (agent: AgentFacts, { colors }: Terminal): string {
  const { state, attempt, waits_for: waitsFor, position, progress, reason, message, started_at: started, ended_at: ended } = agent
  const parts = [
    colors.dim(time(new Date().toISOString())),
    paintState(state, state, colors),
    ...attempt !== undefined && attempt > 1 ? [`attempt ${attempt}`] : [],
    ...typeof position === 'number' ? [`position ${position}`] : [],
    ...typeof waitsFor === 'string' ? [`waits for ${waitsFor.replaceAll('_', ' ')}`] : [],
    ...typeof progress === 'number' ? [`${Math.round(progress)} %`] : [],
    ...typeof started === 'string' && typeof ended === 'string' ? [`after ${duration(Date.parse(ended) - Date.parse(started))}`] : [],
    ...typeof (reason ?? message) === 'string' ? [oneLine((reason ?? message)!, 120)] : []
  ]
  return parts.join('  ')
}
