import type { Subject } from '../shared/parts.js'
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { startChild, type Child } from '../speed/child.js'
import { Connection, renderRequest } from '../speed/client.js'
import { writeCommands, type Commands, type Kind } from './commands.js'
import type { ServerCalls } from './server.js'

const GIVE_UP_MS = 60_000
const AGENT_TYPE = 'typescript-pro'
const FILES = { 'package.json': '{ "name": "shop", "type": "module" }\n', 'src/cart.ts': 'export const total = (prices: number[]): number => prices.reduce((sum, price) => sum + price, 0)\n', 'README.md': '# Shop\n' }

/** Milliseconds since an agent was asked for; NaN when it never ran. */
export interface Times {
  /** Until its first sign, as its record says it, in whole milliseconds. */
  runsMs: number
  /** Until a wait for that was answered. */
  toldMs: number
}

const NEVER: Times = { runsMs: NaN, toldMs: NaN }

/** A sidecar in a process of its own. */
export interface Server {
  commands: Commands
  /** A file as an agent gets it, for who is started without the sidecar. */
  contextFile: string
  child: Child<ServerCalls>
  /** Asks for an agent; resolves when it is told that it runs. What is not as it should be is a fault. */
  start (): Promise<Times>
  /** What `start` has started is gone. */
  endAll (): Promise<void>
  close (): Promise<void>
}

export async function startServer (subject: Subject, kind: Kind, settings: Record<string, string> = {}): Promise<Server> {
  const folder = await mkdtemp(join(subject.folder, 'sidecar-'))
  const commands = await writeCommands(folder)
  await createProject(join(folder, 'project'))
  const contextFile = join(folder, 'context.json')
  await writeFile(contextFile, '{}')
  const child = startChild<ServerCalls>(new URL('./server.js', import.meta.url), [folder, JSON.stringify({ 'spawn-command': commands[kind].map((word) => `"${word}"`).join(' '), 'spawn-max-per-type': '1000', ...settings })], folder)
  try {
    const { port, operator } = await child.call('address')
    const fleet = new FleetClient(subject, port, operator)
    await fleet.open()
    return {
      commands,
      contextFile,
      child,
      start: async () => await fleet.start(),
      endAll: async () => await fleet.endAll(),
      async close () {
        fleet.close()
        await child.call('close')
        await child.close()
      }
    }
  } catch (error) {
    await child.close()
    throw error
  }
}

/** Asks for agents over one connection each, and hears by a wait of its own that they run. */
class FleetClient {
  readonly #subject: Subject
  readonly #port: number
  readonly #headers: Record<string, string>
  readonly #running = new Map<string, { at: number } | { tell (at: number): void }>()
  readonly #agents: string[] = []
  #listener: Connection | undefined
  #issues = 0

  constructor (subject: Subject, port: number, operator: string) {
    this.#subject = subject
    this.#port = port
    this.#headers = { authorization: `Bearer ${operator}` }
  }

  async open (): Promise<void> {
    const listener = this.#listener = await Connection.open(this.#port)
    const listen = async (): Promise<void> => {
      for (;;) {
        const { body } = await listener.send(renderRequest('GET', '/api/events/wait/agent_running?topic=coordination&timeout=60000', this.#headers))
        const at = performance.now()
        for (const { data } of (JSON.parse(body.toString()) as { events: { data: { agent_id: string } }[] }).events) this.#isRunning(data.agent_id, at)
      }
    }
    // It ends when it is closed; who waits for an agent that is never told gives up.
    listen().catch(() => {})
  }

  async start (): Promise<Times> {
    const connection = await Connection.open(this.#port)
    try {
      const begun = performance.now()
      const issue = `issue-${++this.#issues}`
      const { status, body } = await connection.send(renderRequest('POST', '/api/agents/spawn', this.#headers, JSON.stringify({ agent_type: AGENT_TYPE, issue_id: issue, task: 'Round the total once, at the end.' })))
      const answer = JSON.parse(body.toString()) as { agent_id?: string, context_injected?: boolean }
      if (answer.agent_id === undefined) {
        this.#subject.faults.push(`${issue}: the spawn was answered with ${status}: ${body.toString()}`)
        return NEVER
      }
      this.#agents.push(answer.agent_id)
      if (status === 201 && answer.context_injected !== true) this.#subject.faults.push(`${issue}: ${answer.agent_id} was started without its context`)
      const told = await this.#untilRunning(answer.agent_id)
      const { last_sign_at: sign } = JSON.parse((await connection.send(renderRequest('GET', `/api/agents/${answer.agent_id}/status`, this.#headers))).body.toString()) as { last_sign_at: string }
      return { runsMs: Date.parse(sign) - performance.timeOrigin - begun, toldMs: told - begun }
    } finally {
      connection.close()
    }
  }

  async endAll (): Promise<void> {
    const connections = await Promise.all(this.#agents.map(async () => await Connection.open(this.#port)))
    await Promise.all(this.#agents.splice(0).map(async (id, index) => {
      const { status, body } = await connections[index]!.send(renderRequest('DELETE', `/api/agents/${id}?force=true`, this.#headers))
      const { state, process_id: pid, result_id: result } = JSON.parse(body.toString()) as { state?: string, process_id?: number, result_id?: string }
      if (status !== 200 || state !== 'stopped' || result == null) this.#subject.faults.push(`${id}: its end was answered with ${status}: ${body.toString()}`)
      else if (isThere(pid!)) this.#subject.faults.push(`${id}: process ${pid} is left`)
    }))
    for (const connection of connections) connection.close()
  }

  close (): void {
    this.#listener?.close()
  }

  #isRunning (id: string, at: number): void {
    const known = this.#running.get(id)
    if (known !== undefined && 'tell' in known) known.tell(at)
    else this.#running.set(id, { at })
  }

  async #untilRunning (id: string): Promise<number> {
    const known = this.#running.get(id)
    if (known !== undefined && 'at' in known) return known.at
    return await new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#subject.faults.push(`${id}: it is not running after ${GIVE_UP_MS / 1000} s`)
        resolve(NaN)
      }, GIVE_UP_MS)
      this.#running.set(id, {
        tell (at) {
          clearTimeout(timer)
          resolve(at)
        }
      })
    })
  }
}

function isThere (pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

async function createProject (root: string): Promise<void> {
  for (const [path, content] of Object.entries(FILES)) {
    await mkdir(join(root, path, '..'), { recursive: true })
    await writeFile(join(root, path), content)
  }
  const git = async (...args: string[]): Promise<unknown> => await promisify(execFile)('git', ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.com', '-c', 'commit.gpgsign=false', ...args], { cwd: root })
  await git('init', '--quiet')
  await git('add', '--all')
  await git('commit', '--quiet', '--message', 'Begin')
}
