import { setTimeout as sleep } from 'node:timers/promises'
import { FINAL_STATES, type AgentFacts } from '../agent-facts.js'
import type { Client } from '../client.js'
import type { EventPage } from '../event-facts.js'
import { ISSUE_ID } from './cast.js'
import type { Timeline } from './timeline.js'

const LOOK_EVERY_MS = 250
const POLL_MS = 10_000

export async function listAgents (client: Client): Promise<AgentFacts[]> {
  return (await client.call<{ agents: AgentFacts[] }>('GET', '/api/agents', { query: { issue_id: ISSUE_ID } })).agents
}

/**
 * Fills the timeline until all agents have ended, or until one has ended badly: then the others would wait in vain.
 * Rejects when the signal aborts.
 */
export async function watchAgents (client: Client, count: number, timeline: Timeline, signal: AbortSignal): Promise<AgentFacts[]> {
  const over = new AbortController()
  const events = followEvents(client, timeline, AbortSignal.any([signal, over.signal]))
  try {
    return await Promise.race([followAgents(client, count, timeline, signal), events])
  } finally {
    over.abort()
  }
}

async function followAgents (client: Client, count: number, timeline: Timeline, signal: AbortSignal): Promise<AgentFacts[]> {
  for (;;) {
    const agents = await listAgents(client)
    for (const agent of agents) timeline.addWords(agent)
    const ended = agents.filter((agent) => FINAL_STATES.has(agent.state))
    if (ended.length >= count || ended.some((agent) => agent.state !== 'completed')) {
      // The last events are on their way.
      await sleep(LOOK_EVERY_MS, undefined, { signal })
      return agents
    }
    await sleep(LOOK_EVERY_MS, undefined, { signal })
  }
}

/** Long polls from the beginning on; ends only by its signal. */
async function followEvents (client: Client, timeline: Timeline, signal: AbortSignal): Promise<never> {
  for (let since = 'earliest'; ;) {
    const page = await client.call<EventPage>('GET', '/api/events/wait/*', { query: { since, timeout: POLL_MS }, timeoutMs: POLL_MS + 10_000, signal })
    for (const event of page.events) timeline.addEvent(event)
    since = page.next_cursor ?? since
  }
}
