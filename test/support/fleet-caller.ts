import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Test } from 'tap'
import { eventually } from '../../core/testing/expectations.js'
import { writeAgentProgram } from './agent-program.js'
import { groupMembers } from './process-table.js'
import { startSidecar, type Answer, type TestSidecar, type TestSidecarOptions } from './sidecar.js'
import { quickFolder, temporaryFolder } from './temporary.js'

/** An end for waits that should never be met, however busy the machine is. */
export const ENDS_MS = 60_000
const FINAL = ['completed', 'failed', 'stopped', 'lost']

export interface Agent { id: string, pid: number, token: string, signs: string }

type Ask = (method: 'GET' | 'POST' | 'DELETE', url: string, options?: { token?: string, body?: unknown }) => Promise<Answer>

/** What a test asks of a fleet, over `inject` or over sockets. */
export class Caller {
  readonly ask: Ask
  readonly storage: string
  readonly #t: Test
  #issues = 0

  constructor (t: Test, ask: Ask, storage: string) {
    this.#t = t
    this.ask = ask
    this.storage = storage
  }

  async request (task: string, more: Record<string, unknown> = {}): Promise<Answer & { signs: string }> {
    const signs = await temporaryFolder(this.#t, 'cco-signs')
    const answer = await this.ask('POST', '/api/agents/spawn', {
      body: { agent_type: 'test-engineer', issue_id: `issue-${++this.#issues}`, task, ...more, environment: { SIGNS: signs, ...more.environment as object } }
    })
    return { ...answer, signs }
  }

  async spawn (task: string, more: Record<string, unknown> = {}): Promise<Agent> {
    const { status, body, signs } = await this.request(task, more)
    if (status !== 201) throw new Error(`The spawn was answered with ${status}: ${JSON.stringify(body)}`)
    const { agent_id: id, process_id: pid, jwt_token: token } = body as { agent_id: string, process_id: number, jwt_token: string }
    this.#t.teardown(() => {
      try {
        process.kill(-pid, 'SIGKILL')
      } catch {
        // Gone, as it should be.
      }
    })
    return { id, pid, token, signs }
  }

  async status (id: string): Promise<Record<string, unknown>> {
    return (await this.ask('GET', `/api/agents/${id}/status`)).body as Record<string, unknown>
  }

  async ended (id: string): Promise<Record<string, unknown>> {
    await eventually(async () => FINAL.includes((await this.status(id)).state as string), `agent ${id} ends`, ENDS_MS)
    return await this.status(id)
  }

  async isIn (id: string, state: string): Promise<void> {
    await eventually(async () => (await this.status(id)).state === state, `agent ${id} is ${state}`, ENDS_MS)
  }

  /** All results of an agent's issue, whole. */
  async results (id: string): Promise<{ id: string, agent_id: string, status: string, result: Record<string, unknown> & { artifacts?: Record<string, unknown>, errors?: string[] } }[]> {
    const { issue_id: issue } = await this.status(id)
    const { body } = await this.ask('GET', `/api/results?issue_id=${String(issue)}`)
    return await Promise.all((body as { results: { id: string }[] }).results.map(async (entry) => (await this.ask('GET', `/api/results/${entry.id}`)).body))
  }

  async stop (id: string, query = 'timeout_seconds=1'): Promise<Record<string, unknown>> {
    return (await this.ask('DELETE', `/api/agents/${id}?${query}`)).body as Record<string, unknown>
  }

  folder (id: string): string {
    return join(this.storage, 'agents', id)
  }

  record (id: string): Record<string, unknown> {
    return JSON.parse(readFileSync(join(this.folder(id), 'agent.json'), 'utf8')) as Record<string, unknown>
  }

  /** Nothing of the agent is left but its record, its output and its result. */
  async leftNothing ({ id, pid, token }: Agent): Promise<void> {
    this.#t.strictSame(groupMembers(pid), [], 'no process of the group is left')
    this.#t.strictSame(readdirSync(this.folder(id)).sort(), ['agent.json', 'launch.sh', 'output.log'], 'the context is removed')
    this.#t.match(await this.ask('GET', '/api/agents', { token }), { status: 401, body: { code: 'AUTH_001' } }, 'the token is revoked')
  }
}

export async function told (agent: Pick<Agent, 'signs'>, sign: string): Promise<unknown> {
  await eventually(() => existsSync(join(agent.signs, sign)), `the agent tells '${sign}'`, ENDS_MS)
  return JSON.parse(await readFile(join(agent.signs, sign), 'utf8'))
}

export async function finish (agent: Pick<Agent, 'signs'>): Promise<void> {
  await writeFile(join(agent.signs, 'finish'), '')
}

/** A sidecar that listens and starts the program of this test. */
export async function openFleet (t: Test, options: TestSidecarOptions = {}): Promise<Caller & { close (): Promise<void> }> {
  const command = await writeAgentProgram(await temporaryFolder(t, 'cco-agent'))
  const sidecar: TestSidecar = await startSidecar(t, { storage: join(await quickFolder(t, 'cco-storage'), 'storage'), ...options, settings: { 'spawn-command': command, 'spawn-max-retries': '0', ...options.settings } })
  await sidecar.sidecar.app.listen({ host: '127.0.0.1', port: 0 })
  return Object.assign(new Caller(t, sidecar.ask, sidecar.storage), { close: sidecar.close })
}
