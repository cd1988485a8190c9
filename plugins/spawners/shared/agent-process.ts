import { existsSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { apiError, codeOf, isApiError, messageOf, type AgentExit, type AgentHandle, type Json, type LaunchRequest } from '../../../core/plugin-api.js'
import { findProgram } from './find-program.js'
import { writeLaunchScript, type Launch } from './launch-script.js'
import { bootId, endGroup, groupExists, startTimeOf } from './process-group.js'
import type { ProcessStarts } from './process-starts.js'

const SHELL = '/bin/sh'
/** How long what an agent left behind in its group may take to end by itself. */
const LEFTOVER_GRACE_MS = 1000
const ADOPTED_POLL_MS = 250

interface Reference {
  pid: number
  start_time: string | null
  /** See `bootId`; absent in references of earlier versions. */
  boot?: string | null
}

/** What a process says of itself, followed beside it. */
export interface Attendant {
  /** All that it wrote has been read and told; never rejects. `exit` is what became of the process. */
  finish (exit: AgentExit): Promise<AgentExit>
}

/** Made when the process is there, with what ends it. */
export type Attend = (stop: AgentHandle['stop']) => Attendant

/** Starts a program through its launch script, in a process group of its own, its output in the log file. Throws `AGT_001`. */
export async function startProcess (starts: ProcessStarts, request: LaunchRequest, launch: Omit<Launch, 'program'> & { command: string }, attend: Attend): Promise<AgentHandle> {
  const { command, ...rest } = launch
  try {
    if ([command, ...launch.args].some((word) => word.includes('\0'))) throw apiError('AGT_001', `The agent could not be started: '${command}': there are null bytes in its command.`)
    if (!existsSync(request.project_root)) throw apiError('AGT_001', 'The agent could not be started: the folder of its project is gone.')
    const found = await findProgram(command, request.environment.PATH, request.project_root)
    if ('missing' in found) throw apiError('AGT_001', `The agent could not be started: '${command}' ${found.missing}.`)
    const script = await writeLaunchScript(request, { ...rest, program: found.path })
    return await run(starts, script, request, attend)
  } catch (error) {
    if (isApiError(error)) throw error
    const why = codeOf(error) === 'E2BIG' ? 'its task and environment are longer than the system takes' : `'${command}': ${messageOf(error)}`
    throw apiError('AGT_001', `The agent could not be started: ${why}.`, { cause: error })
  }
}

async function run (starts: ProcessStarts, script: string, request: LaunchRequest, attend: Attend): Promise<AgentHandle> {
  const { pid, start_time: startTime, exited } = await starts.start({
    command: SHELL, args: [script], cwd: request.project_root, environment: request.environment, log_file: request.log_file
  })
  return handleOf(pid, { pid, start_time: startTime, boot: bootId() }, exited.then(async (exit) => exit ?? await watchAdopted(pid, startTime)), attend)
}

/** The process that a reference of `startProcess` names, or `undefined` when it is gone. */
export async function adoptProcess (reference: Json, attend: Attend): Promise<AgentHandle | undefined> {
  const { pid, start_time: startTime, boot } = reference as unknown as Reference
  if (!isOfThisBoot(boot) || startTime === null || await startTimeOf(pid) !== startTime) return undefined
  return handleOf(pid, reference, watchAdopted(pid, startTime), attend)
}

/** Records may come from before the system was started again, or from another machine: what has that number now is a stranger. */
function isOfThisBoot (boot: Reference['boot']): boolean {
  return boot === undefined || boot === bootId()
}

/** Ends what a process that is gone left in its group. */
export async function cleanProcess (reference: Json): Promise<void> {
  // The leader is gone, or it is another process: a group of that number may live on only with the agent's own children.
  const { pid, boot } = reference as unknown as Reference
  if (isOfThisBoot(boot) && await startTimeOf(pid) === undefined && groupExists(pid)) await endGroup(pid, LEFTOVER_GRACE_MS)
}

function handleOf (pid: number, reference: Json, ended: Promise<AgentExit>, attend: Attend): AgentHandle {
  let stopping: Promise<void> | undefined
  const end = async (graceMs: number): Promise<void> => {
    stopping ??= endGroup(pid, graceMs)
    await stopping
  }
  const attendant = attend(async ({ graceMs }) => await end(graceMs))
  const exited = ended.then(async (exit) => {
    // What the agent started and left behind ends with it.
    if (groupExists(pid)) await (stopping ?? endGroup(pid, LEFTOVER_GRACE_MS))
    return await attendant.finish(exit)
  })
  return {
    process_id: pid,
    reference,
    exited,
    async stop ({ graceMs }) {
      await end(graceMs)
      await exited
    }
  }
}

/** An adopted agent is no child that anybody waits for: its end is seen, its exit code is not. */
async function watchAdopted (pid: number, startTime: string | null): Promise<AgentExit> {
  const isThere = async (): Promise<boolean> => startTime !== null && await startTimeOf(pid) === startTime
  while (await isThere()) await delay(ADOPTED_POLL_MS, undefined, { ref: false })
  return { code: null, signal: null }
}
