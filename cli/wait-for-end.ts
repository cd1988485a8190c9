import { setTimeout as sleep } from 'node:timers/promises'
import { FINAL_STATES, type AgentFacts } from './agent-facts.js'
import type { Client } from './client.js'
import { segment } from './command-line.js'

const LOOK_EVERY_MS = 1000

/** The agent as it is when it has ended; an agent can end without any event, so its state is what counts. */
export async function waitForEnd (client: Client, agentId: string, everyMs = LOOK_EVERY_MS): Promise<AgentFacts> {
  for (;;) {
    const agent = await client.call<AgentFacts>('GET', `/api/agents/${segment(agentId)}/status`)
    if (FINAL_STATES.has(agent.state)) return agent
    await sleep(everyMs)
  }
}
