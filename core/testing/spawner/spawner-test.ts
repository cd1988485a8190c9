import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { AgentHandle, AgentSign, LaunchRequest, OnSign, Spawner } from '../../contracts/spawner.js'
import { codeOf } from '../../errors.js'
import { createTestClock } from '../clock.js'
import { withSubjects, type ContractSubject } from '../contract-test.js'
import { eventually } from '../expectations.js'
import type { SpawnerContract, Transcript } from '../spawner-contract.js'
import { AGENT_PROGRAM } from './agent-program.js'

/** What the agent does: see `AGENT_PROGRAM`. */
export type Mode = 'report' | 'wait' | 'parent' | 'leave' | 'flood' | 'crash' | 'say'

/** One agent of a test, started or not. */
export interface Agent {
  request: LaunchRequest
  spawner: Spawner
  /** What it has shown so far, in order. */
  signs: AgentSign[]
  /** Another instance of the spawner for the same agent, as after a restart. */
  restarted (): Promise<Spawner>
  start (): Promise<AgentHandle>
  /** Waits for what the agent tells under that name. */
  told<Value> (name: string): Promise<Value>
  /** Whether the agent has told something under that name. */
  hasTold (name: string): Promise<boolean>
  /** Has an agent in mode `say` write something on its standard output; resolves when it has. */
  say (text: string | Buffer): Promise<void>
  /** Lets an agent in mode `wait` or `say` end itself. */
  finish (): Promise<void>
}

export interface SpawnerScope {
  directory: string
  agent (mode: Mode, detail?: string): Promise<Agent>
  /** One that is told to run something else than the program of the suite. */
  agentOf (command: string[]): Promise<Agent>
  transcript: Transcript
  /** Variables that the spawner adds to those of the request. */
  adds: readonly string[]
}

export type SpawnerTest = (name: string, body: (scope: SpawnerScope) => Promise<void>) => void

export const SECRET = 'secret-of-the-agent-7f3a91'

/** What an agent says of which nothing is understood. */
const PLAIN: Transcript = { lines: ['at work'], signs: [] }

/** Registers a test with a folder of its own, after which no agent that it started is left. */
export function spawnerTest ({ test, create, directory: parent, transcript = PLAIN, adds = [] }: SpawnerContract): SpawnerTest {
  let tests = 0
  return (name, body) => {
    const directory = join(parent, `spawner-${++tests}`)
    test(name, () => withSubjects<ContractSubject<Spawner>>(async (keep) => {
      const handles: AgentHandle[] = []
      const clock = createTestClock()
      const program = join(directory, 'agent.mjs')
      await mkdir(directory, { recursive: true })
      await writeFile(program, AGENT_PROGRAM)
      let agents = 0
      const agentFor = async (commandIn: (folder: string) => string[]): Promise<Agent> => {
        const signs: AgentSign[] = []
        const request = await createRequest(directory, ++agents, (sign) => { signs.push(sign) })
        let said = 0
        const open = async (): Promise<Spawner> =>
          keep.subject(await create({ clock, directory, command: commandIn(request.directory) }))
        const spawner = await open()
        return {
          request,
          spawner,
          signs,
          restarted: open,
          async start () {
            const handle = await spawner.start(request)
            handles.push(handle)
            return handle
          },
          told: async <Value>(what: string) => await told(request.directory, what) as Value,
          hasTold: async (what) => (await read(join(request.directory, what))) !== undefined,
          async say (text) {
            const name = `say-${++said}`
            // Renamed into place, so that the agent never reads half of it.
            await writeFile(join(request.directory, `${name}.part`), text)
            await rename(join(request.directory, `${name}.part`), join(request.directory, name))
            await told(request.directory, `said-${said}`)
          },
          finish: () => writeFile(join(request.directory, 'finish'), '')
        }
      }
      try {
        await body({
          directory,
          transcript,
          adds,
          // Always with a detail: what the spawner adds to the command comes after it.
          agent: (mode, detail = '0') => agentFor((folder) => [process.execPath, program, mode, folder, detail]),
          agentOf: (command) => agentFor(() => command)
        })
      } finally {
        await Promise.allSettled(handles.map((handle) => handle.stop({ graceMs: 0 })))
      }
    }))
  }
}

async function createRequest (directory: string, number: number, onSign: OnSign): Promise<LaunchRequest> {
  const own = join(directory, `agent-${number}`)
  const root = join(directory, `project-${number}`)
  await mkdir(own, { mode: 0o700 })
  await mkdir(root)
  return {
    agent_id: `test-engineer-${number}`,
    agent_type: 'test-engineer',
    project_id: 'shop',
    issue_id: 'issue-1',
    project_root: root,
    directory: own,
    environment: { AGENT_ID: `test-engineer-${number}`, JWT_TOKEN: SECRET, TASK: 'Test "login"\nwith $HOME = `x`; 世界', EMPTY: '' },
    prompt: 'Test what was changed.',
    task: 'Test "login"\nwith $HOME = `x`; 世界',
    tools: ['Read'],
    model: 'sonnet',
    log_file: join(own, 'output.log'),
    on_sign: onSign
  }
}

async function read (path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

async function told (folder: string, name: string): Promise<unknown> {
  await eventually(async () => (await read(join(folder, name))) !== undefined, `the agent tells '${name}'`, 15_000)
  return JSON.parse(await readFile(join(folder, name), 'utf8'))
}

/** What an agent wrote that the spawner kept, or '' while there is nothing. */
export async function logOf (agent: Agent): Promise<string> {
  return (await read(agent.request.log_file)) ?? ''
}

/** Whether a process runs; one that ended and that nobody has asked about yet does not. */
export async function isAlive (pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0)
  } catch (error) {
    return codeOf(error) === 'EPERM'
  }
  const stat = await read(`/proc/${pid}/stat`).catch(() => undefined)
  // The state follows the name, which is in parentheses and may hold any character.
  return stat === undefined ? process.platform !== 'linux' : !/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2))
}
