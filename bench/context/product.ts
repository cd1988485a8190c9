import { startSidecar, TOKEN_SECONDS } from '../shared/sidecar.js'
import type { Wish } from './message.js'

const MAX_TITLE = 500
const MAX_DESCRIPTION = 100_000

export interface AnsweredFile {
  path: string
  content: string
  checksum: string
  truncation: string
}

export interface ContextAnswer {
  context: { relevant_files: AnsweredFile[] } & Record<string, unknown>
  token_count: number
  cache_hit: boolean
  explanation?: { path: string, included: boolean, reason: string }[]
}

export interface Asked {
  /** `undefined` when the sidecar did not answer with a context. */
  answer: ContextAnswer | undefined
  status: number
  text: string
  milliseconds: number
}

export interface Product {
  tell (issue: string, wish: Wish): Promise<void>
  ask (issue: string, query: Record<string, string | number>): Promise<Asked>
  close (): Promise<void>
}

/** A sidecar over a project, and a token of an agent. */
export async function startProduct (root: string, folder: string, agentType: string): Promise<Product> {
  const { app, close, operator } = await startSidecar(root, folder)
  const send = async (method: 'GET' | 'POST' | 'PUT', url: string, token: string, body?: object): Promise<{ status: number, text: string }> => {
    const answer = await app.inject({ method, url, headers: { authorization: `Bearer ${token}` }, ...(body === undefined ? {} : { payload: body }) })
    return { status: answer.statusCode, text: answer.payload }
  }
  const demand = async (method: 'POST' | 'PUT', url: string, token: string, body: object): Promise<string> => {
    const { status, text } = await send(method, url, token, body)
    if (status >= 300) throw new Error(`The sidecar answered ${method} ${url} with ${status}: ${(JSON.parse(text) as { message?: string }).message ?? text}`)
    return text
  }
  try {
    const { token } = JSON.parse(await demand('POST', '/api/tokens', operator, { agent_type: agentType, ttl_seconds: TOKEN_SECONDS })) as { token: string }
    return {
      async tell (issue, { title, description }) {
        await demand('PUT', `/api/issues/${issue}`, operator, {
          title: title.slice(0, MAX_TITLE), ...(description === '' ? {} : { description: description.slice(0, MAX_DESCRIPTION) })
        })
      },
      async ask (issue, query) {
        const parameters = new URLSearchParams(Object.entries(query).map(([name, value]): [string, string] => [name, String(value)]))
        const started = performance.now()
        const { status, text } = await send('GET', `/api/context/${issue}/${agentType}?${parameters}`, token)
        const milliseconds = performance.now() - started
        return { answer: status === 200 ? JSON.parse(text) as ContextAnswer : undefined, status, text, milliseconds }
      },
      close
    }
  } catch (error) {
    await close()
    throw error
  }
}
