// A small process that process-starts.ts starts, and the only one that starts agents: starting a process from one with a large heap stops
// its event loop for as long as the system copies its page tables. It ends with its parent; the agents that it started do not.
import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import type { AgentExit } from '../../../core/plugin-api.js'
import { startTimeOf } from './process-group.js'

export interface StartRequest {
  id: number
  command: string
  args: readonly string[]
  cwd: string
  environment: Record<string, string>
  /** Takes the output, opened for appending. */
  log_file: string
}

export type StartReply =
  | { id: number, kind: 'started', pid: number, start_time: string | null }
  | { id: number, kind: 'failed', code: string | null, message: string }
  | { id: number, kind: 'ended', exit: AgentExit }

const FILE_MODE = 0o600

function reply (message: StartReply): void {
  // Whoever has gone in the meantime needs no answer.
  if (process.connected) process.send?.(message)
}

function start ({ id, command, args, cwd, environment, log_file: path }: StartRequest): void {
  const log = openSync(path, 'a', FILE_MODE)
  try {
    const child = spawn(command, args, { cwd, env: environment, stdio: ['ignore', log, log], detached: true, windowsHide: true })
    child.once('error', (error) => { fail(id, error) })
    const { pid } = child
    if (pid === undefined) return
    // Asked for while it cannot have been reaped; its end is told after its start.
    const told = startTimeOf(pid).catch(() => undefined).then((time) => { reply({ id, kind: 'started', pid, start_time: time ?? null }) })
    child.once('exit', (code, signal) => {
      told.then(() => { reply({ id, kind: 'ended', exit: { code, signal } }) }, () => process.exit(1))
    })
  } finally {
    closeSync(log)
  }
}

function fail (id: number, error: NodeJS.ErrnoException): void {
  reply({ id, kind: 'failed', code: error.code ?? null, message: error.message })
}

process.on('disconnect', () => process.exit())
// A signal for the whole group, such as an interrupt at the terminal, reaches it too; the server ends in its own time, and this process with it.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
process.on('message', (request: StartRequest) => {
  try {
    start(request)
  } catch (error) {
    fail(request.id, error as NodeJS.ErrnoException)
  }
})
