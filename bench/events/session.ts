import type { Subject } from '../shared/parts.js'
import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { startChild, type Child } from '../speed/child.js'
import { openAll, renderRequest, type Connection } from '../speed/client.js'
import type { BareCalls } from './bare.js'
import type { ServerCalls, Setup } from './server.js'

/** As many as there are agents. */
export const CROWD = 119

/** What every publish of the benches carries, 200 bytes. */
export const BODY = JSON.stringify({ topic: 'implementation', data: { issue_id: 'issue-17', files: ['src/cart.ts', 'src/prices.ts', 'test/cart.test.ts'], summary: 'The cart adds prices up and rounds once, at the end.', n: 1 } })

export interface Server {
  port: number
  pid: number
  /** Requests of the agents, of whom there are as many as connections. */
  publish (agent: number, body?: string): string
  wait (agent: number, query?: string): string
  /** How many waits are held. */
  waiting (): Promise<number>
  processor (): Promise<number>
  memory (): Promise<number>
  close (): Promise<void>
}

export async function startServer (subject: Subject, setup: Setup, agents = CROWD): Promise<Server> {
  const folder = await mkdtemp(join(subject.folder, 'sidecar-'))
  const child = startChild<ServerCalls>(new URL('./server.js', import.meta.url), [folder, JSON.stringify(setup)], folder)
  try {
    const { port, operator } = await child.call('address')
    const tokens = setup.guarded
      ? await Promise.all(Array.from({ length: agents }, async () => await issueToken(port, operator)))
      : Array.from({ length: agents }, (_, index) => `bench-agent/agent-${index}`)
    const headers = (agent: number): Record<string, string> => ({ authorization: `Bearer ${tokens[agent]}` })
    return {
      ...common(child),
      port,
      publish: (agent, body = BODY) => renderRequest('POST', '/api/events/code_ready', headers(agent), body),
      wait: (agent, query = 'timeout=120000') => renderRequest('GET', `/api/events/wait/code_ready?${query}`, headers(agent))
    }
  } catch (error) {
    await child.close()
    throw error
  }
}

export async function startBare (subject: Subject): Promise<Server & { plainPort: number, idle (): Promise<number>, echo: string }> {
  const child = startChild<BareCalls>(new URL('./bare.js', import.meta.url), [], subject.folder)
  const { port, plainPort } = await child.call('address')
  return {
    ...common(child),
    port,
    plainPort,
    idle: async () => await child.call('idle'),
    echo: renderRequest('POST', '/echo/code_ready', {}, BODY),
    publish: (_agent, body = BODY) => renderRequest('POST', '/publish/code_ready', {}, body),
    wait: () => renderRequest('GET', '/wait', {})
  }
}

function common (child: Child<ServerCalls> | Child<BareCalls>): Pick<Server, 'pid' | 'waiting' | 'processor' | 'memory' | 'close'> {
  const calls = child as Child<Pick<ServerCalls, 'waiting' | 'processor' | 'memory'>>
  return {
    pid: child.pid,
    waiting: async () => await calls.call('waiting'),
    processor: async () => await calls.call('processor'),
    memory: async () => await calls.call('memory'),
    close: async () => await child.close()
  }
}

export async function issueToken (port: number, operator: string): Promise<string> {
  const answer = await fetch(`http://127.0.0.1:${port}/api/tokens`, {
    method: 'POST', headers: { authorization: `Bearer ${operator}`, 'content-type': 'application/json' }, body: JSON.stringify({ agent_type: 'bench-agent', ttl_seconds: 86_400 })
  })
  if (!answer.ok) throw new Error(`The sidecar issued no token: ${answer.status} ${await answer.text()}`)
  return (await answer.json() as { token: string }).token
}

const GIVE_UP_MS = 60_000

/** Asks until the answer is the one that is waited for. */
export async function until (ask: () => Promise<number>, wanted: number, what: string): Promise<void> {
  const started = performance.now()
  for (let got = await ask(); got !== wanted; got = await ask()) {
    if (performance.now() - started > GIVE_UP_MS) throw new Error(`${what}: ${got} instead of ${wanted} after ${GIVE_UP_MS / 1000} s.`)
    await wait(5)
  }
}

/** Runs with connections that are closed afterwards. */
export async function withConnections<Result> (port: number, count: number, run: (connections: Connection[]) => Promise<Result>): Promise<Result> {
  const connections = await openAll(port, count)
  try {
    return await run(connections)
  } finally {
    for (const connection of connections) connection.close()
  }
}
