import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { ServerProcess } from '../../events/soak/server-process.js'

const RETRY_MS = 100
const GIVE_UP_MS = 60_000

/** An agent as the sidecar shows it. */
export interface Shown {
  agent_id: string
  agent_type: string
  task: string
  state: string
  result_id: string | null
  process_id: number | null
  attempt: number
  failure: string | null
}

/** The operator of a sidecar that is killed now and then. */
export class Caller {
  readonly #server: ServerProcess
  readonly #folder: string
  /** Requests that a kill cut. */
  cut = 0

  constructor (server: ServerProcess, folder: string) {
    this.#server = server
    this.#folder = folder
  }

  /** The answer of this life, or `undefined` when the sidecar was killed meanwhile. */
  async tryOnce (method: string, path: string, body?: unknown): Promise<{ status: number, body: unknown } | undefined> {
    const { port } = await this.#server.alive()
    try {
      const token = (await readFile(join(this.#folder, 'storage', 'operator.token'), 'utf8')).trim()
      const response = await fetch(`http://127.0.0.1:${port}${path}`, {
        method,
        headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(GIVE_UP_MS)
      })
      return { status: response.status, body: await response.json() }
    } catch {
      this.cut++
      return undefined
    }
  }

  /** The answer of the life that gave one. Throws when there is none for long, or it is a refusal. */
  async call<Answer> (method: string, path: string): Promise<Answer> {
    const deadline = performance.now() + GIVE_UP_MS
    while (performance.now() < deadline) {
      const answer = await this.tryOnce(method, path)
      if (answer !== undefined && answer.status < 300) return answer.body as Answer
      if (answer !== undefined && answer.status !== 503) throw new Error(`${method} ${path} was answered with ${answer.status}: ${JSON.stringify(answer.body)}`)
      await wait(RETRY_MS)
    }
    throw new Error(`${method} ${path} was not answered within ${GIVE_UP_MS / 1000} s.`)
  }

  async list (): Promise<Shown[]> {
    return (await this.call<{ agents: Shown[] }>('GET', '/api/agents')).agents
  }
}
