import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import type { AnsweredFile } from '../context/product.js'
import { startChild, type Child } from './child.js'
import { Connection, type Reply } from './client.js'
import type { ServerCalls } from './server.js'
import type { Unsent } from './unsent.js'

/** What a request asks for beside issue and agent type. */
export type Query = Record<string, string | number | boolean>

/** A sidecar in a process of its own over a work tree, and an agent that asks it. */
export interface Session {
  pid: number
  port: number
  agent: string
  headers: Record<string, string>
  child: Child<ServerCalls>
  url (issue: string, query: Query, agent?: string): string
  tell (issue: string, title: string, files?: readonly string[]): Promise<void>
  /** A token for an agent type. */
  tokenFor (agent: string): Promise<string>
  /** Asks without sending. */
  inject (issue: string, query: Query): Promise<Unsent>
  /** Asks over a connection that is kept open. */
  get (issue: string, query: Query, headers?: Record<string, string>): Promise<Reply>
  /** Runs something and tells for how long it held the server's event loop. */
  watchLoop (run: () => Promise<void>): Promise<Blocked>
  close (): Promise<void>
}

export interface Blocked { p99: number, longest: number }

export async function startSession (root: string, parent: string, agent: string): Promise<Session> {
  const folder = await mkdtemp(join(parent, 'sidecar-'))
  const child = startChild<ServerCalls>(new URL('./server.js', import.meta.url), [root, folder], folder)
  try {
    const { port, operator } = await child.call('address')
    const send = async (method: 'POST' | 'PUT', path: string, body: object): Promise<unknown> => {
      const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
        method, headers: { authorization: `Bearer ${operator}`, 'content-type': 'application/json' }, body: JSON.stringify(body)
      })
      if (!answer.ok) throw new Error(`The sidecar answered ${method} ${path} with ${answer.status}: ${await answer.text()}`)
      return await answer.json()
    }
    const tokenFor = async (type: string): Promise<string> => (await send('POST', '/api/tokens', { agent_type: type, ttl_seconds: 86_400 }) as { token: string }).token
    const token = await tokenFor(agent)
    const headers = { authorization: `Bearer ${token}` }
    const connection = await Connection.open(port)
    const url = (issue: string, query: Query, type = agent): string =>
      `/api/context/${issue}/${type}?${new URLSearchParams(Object.entries(query).map(([name, value]): [string, string] => [name, String(value)]))}`
    return {
      pid: child.pid,
      port,
      agent,
      headers,
      child,
      url,
      tokenFor,
      async tell (issue, title, files = []) {
        await send('PUT', `/api/issues/${issue}`, { title, files })
      },
      inject: async (issue, query) => await child.call('inject', { url: url(issue, query), token }),
      get: async (issue, query, further = {}) => await connection.get(url(issue, query), { ...headers, ...further }),
      async watchLoop (run) {
        await child.call('watchLoop')
        await run()
        return await child.call('loop')
      },
      async close () {
        connection.close()
        await child.close()
      }
    }
  } catch (error) {
    await child.close()
    throw error
  }
}

export interface Answer {
  context: { relevant_files: AnsweredFile[] }
  cache_hit: boolean
}

export function answerOf ({ status, body }: Reply): Answer {
  if (status !== 200) throw new Error(`The sidecar answered with ${status}: ${body.toString('utf8', 0, 500)}`)
  return JSON.parse(body.toString()) as Answer
}

const CACHE_HIT = Buffer.from(',"cache_hit":')

/** An answer but for what differs from call to call; two that are built apart differ in how long their strategies took. */
export function builtPart (body: Buffer): Buffer {
  return body.subarray(0, body.lastIndexOf(CACHE_HIT))
}

export function isHit (body: Buffer): boolean {
  return body.indexOf('true', body.lastIndexOf(CACHE_HIT) + CACHE_HIT.length) === body.lastIndexOf(CACHE_HIT) + CACHE_HIT.length
}

const SETTLED_MS = 300_000

/** Asks until the answer is made of all files and cached; gives the reply that was. */
export async function untilComplete (session: Session, issue: string, query: Query): Promise<Reply> {
  const started = performance.now()
  for (;;) {
    const reply = await session.get(issue, query)
    answerOf(reply)
    if (isHit(reply.body)) return reply
    if (performance.now() - started > SETTLED_MS) throw new Error(`The answer is still not made of all files after ${SETTLED_MS / 1000} s.`)
  }
}
