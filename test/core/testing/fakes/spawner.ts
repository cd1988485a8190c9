import { spawn } from 'node:child_process'
import { openSync, closeSync, readdirSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import type { AgentExit, AgentHandle, Spawner } from '../../../../core/contracts/index.js'
import { apiError, messageOf } from '../../../../core/errors.js'
import { readSigns, type Faults } from './log-signs.js'

export function signalGroup (pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal)
  } catch {}
}

/** Whether a process of the group runs; what ended and was not collected by its parent does not. */
export function groupRuns (pid: number): boolean {
  try {
    process.kill(-pid, 0)
  } catch {
    return false
  }
  if (process.platform !== 'linux') return true
  const runs = (name: string): boolean => {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8')
      const [state, , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      return Number(group) === pid && state !== 'Z' && state !== 'X'
    } catch {
      return false
    }
  }
  // The leader is mostly the last to go; only without it are all processes looked through.
  return runs(String(pid)) || readdirSync('/proc').some((name) => /^\d+$/.test(name) && runs(name))
}

async function groupGone (pid: number): Promise<void> {
  while (groupRuns(pid)) await delay(10)
}

/** `finish` is called when nothing of the agent is left. */
export function handleOf (pid: number, ended: Promise<AgentExit>, finish = (): void => {}): AgentHandle {
  const exited = ended.then(async (exit) => {
    await groupGone(pid)
    finish()
    return exit
  })
  return {
    process_id: pid,
    reference: { pid },
    exited,
    async stop ({ graceMs }) {
      signalGroup(pid, 'SIGTERM')
      const late = new AbortController()
      const gone = exited.then(() => late.abort())
      await delay(graceMs, undefined, { signal: late.signal }).then(() => signalGroup(pid, 'SIGKILL'), () => {})
      await gone
    }
  }
}

export interface FakeSpawnerOptions {
  command: readonly string[]
  /** Environment to add, as a spawner at fault would. */
  environment?: NodeJS.ProcessEnv
  detached?: boolean
  /** How it reads what its agents write. */
  faults?: Faults
}

/** A correct spawner of processes on this machine. */
export function createFakeSpawner ({ command, environment = {}, detached = true, faults = {} }: FakeSpawnerOptions): Spawner {
  return {
    supports: { adopt: true, signs: 'events' },
    async start (request) {
      const log = openSync(request.log_file, 'a', 0o600)
      const child = spawn(command[0]!, command.slice(1), {
        cwd: request.project_root, env: { ...environment, ...request.environment }, stdio: ['ignore', log, log], detached
      })
      closeSync(log)
      const ended = new Promise<AgentExit>((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })))
      await new Promise<void>((resolve, reject) => {
        child.once('spawn', resolve)
        child.once('error', (error) => reject(apiError('AGT_001', `The agent could not be started: ${messageOf(error)}`)))
      })
      return handleOf(child.pid!, ended, readSigns(request.log_file, request.on_sign, faults))
    },
    async adopt (reference, { log_file: log, on_sign: onSign }) {
      const { pid } = reference as { pid: number }
      if (!groupRuns(pid)) return undefined
      return handleOf(pid, groupGone(pid).then(() => ({ code: null, signal: null })), readSigns(log, onSign, faults))
    },
    async clean (reference) {
      const { pid } = reference as { pid: number }
      signalGroup(pid, 'SIGKILL')
      await groupGone(pid)
    }
  }
}
