import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { apiError, codeOf, definePlugin, messageOf, Type, type AgentExit, type AgentHandle, type Json, type LaunchRequest, type Spawner } from '../../core/plugin-api.js'
import { endGroup, groupExists, startTimeOf } from './process-group.js'

/** How long what an agent left behind in its group may take to end by itself. */
const LEFTOVER_GRACE_MS = 1000
const ADOPTED_POLL_MS = 250

interface Reference { pid: number, start_time: string | null }

/** Runs one command for every agent, in a process group of its own, its output in the log file. */
export function createProcessSpawner ({ command }: { command: readonly string[] }): Spawner {
  return {
    supports: { adopt: true },
    async start (request) {
      const [program, ...args] = command
      if (program === undefined) {
        throw apiError('AGT_001', 'No command is set for the process spawner: set spawn.command in the configuration, --spawn-command or CCO_SIDECAR_SPAWN_COMMAND.')
      }
      return await launch(program, args, request)
    },
    async adopt (reference) {
      const { pid, start_time: startTime } = reference as unknown as Reference
      if (startTime === null || await startTimeOf(pid) !== startTime) return undefined
      return handleOf(pid, reference, watchAdopted(pid, startTime))
    },
    async clean (reference) {
      // The leader is gone, or it is another process: a group of that number may live on only with the agent's own children.
      const { pid } = reference as unknown as Reference
      if (await startTimeOf(pid) === undefined && groupExists(pid)) await endGroup(pid, LEFTOVER_GRACE_MS)
    }
  }
}

async function launch (program: string, args: readonly string[], request: LaunchRequest): Promise<AgentHandle> {
  const log = await open(request.log_file, 'a', 0o600)
  try {
    const child = spawn(program, args, {
      cwd: request.project_root,
      env: request.environment,
      stdio: ['ignore', log.fd, log.fd],
      detached: true,
      windowsHide: true
    })
    const exited = new Promise<AgentExit>((resolve) => {
      child.once('exit', (code, signal) => resolve({ code, signal }))
    })
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve)
      child.once('error', reject)
    })
    const pid = child.pid!
    child.unref()
    const reference = { pid, start_time: await startTimeOf(pid) ?? null }
    return handleOf(pid, reference, exited)
  } catch (error) {
    throw apiError('AGT_001', `The agent could not be started: ${describe(error, program, request.project_root)}.`, { cause: error })
  } finally {
    await log.close()
  }
}

function describe (error: unknown, program: string, directory: string): string {
  switch (codeOf(error)) {
    // The system says the same of a program and of a working directory that is missing.
    case 'ENOENT': return existsSync(directory) ? `'${program}' was not found` : 'the folder of its project is gone'
    case 'EACCES': return `'${program}' is not executable`
    case 'E2BIG': return 'its task and environment are longer than the system takes'
    default: return `'${program}': ${messageOf(error)}`
  }
}

function handleOf (pid: number, reference: Json, ended: Promise<AgentExit>): AgentHandle {
  let stopping: Promise<void> | undefined
  const exited = ended.then(async (exit) => {
    // What the agent started and left behind ends with it.
    if (groupExists(pid)) await (stopping ?? endGroup(pid, LEFTOVER_GRACE_MS))
    return exit
  })
  return {
    process_id: pid,
    reference,
    exited,
    async stop ({ graceMs }) {
      stopping ??= endGroup(pid, graceMs)
      await stopping
      await exited
    }
  }
}

/** An adopted agent is no child of this process: its end is seen, its exit code is not. */
async function watchAdopted (pid: number, startTime: string): Promise<AgentExit> {
  while (await startTimeOf(pid) === startTime) await delay(ADOPTED_POLL_MS, undefined, { ref: false })
  return { code: null, signal: null }
}

const WORD = /(?:"[^"]*"|'[^']*'|[^\s"'])+/g
const QUOTED = /"([^"]*)"|'([^']*)'/g

/** Splits a command at white space; quotes keep words together. No shell has a say. Throws for a quote that is not closed. */
export function splitCommand (text: string): string[] {
  if (text.replace(WORD, '').trim() !== '') throw new SyntaxError(`A quote is not closed in the command: ${text}`)
  return (text.match(WORD) ?? []).map((word) => word.replace(QUOTED, '$1$2'))
}

export default definePlugin({
  kind: 'spawner',
  name: 'process',
  description: 'Runs a command for each agent',
  options: Type.Object({
    command: Type.String({ default: '', description: 'Command with arguments, split at white space; quotes keep words together.' })
  }, { additionalProperties: false }),
  create: (options) => createProcessSpawner({ command: splitCommand(options.command) })
})
