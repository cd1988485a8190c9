import { fork, type ChildProcess } from 'node:child_process'
import type { AgentExit } from '../../../core/plugin-api.js'
import type { StartReply, StartRequest } from './start-helper.js'

export interface StartedProcess {
  pid: number
  /** In the words of `startTimeOf`; `null` where it is not known. */
  start_time: string | null
  /** `undefined` when nobody can say any more how it ends: whoever had started it is gone. Never rejects. */
  exited: Promise<AgentExit | undefined>
}

/** Starts processes that outlive this one, each in a group of its own, its output appended to a file. */
export interface ProcessStarts {
  /** Resolves when the process exists; rejects with the system's code. */
  start (request: Omit<StartRequest, 'id'>): Promise<StartedProcess>
  /** What was started goes on. Idempotent. */
  close (): Promise<void>
}

interface Pending {
  started (process: StartedProcess): void
  failed (error: Error): void
  ended (exit: AgentExit | undefined): void
  exited: Promise<AgentExit | undefined>
}

/** One helper for all spawners of this process, from the first start until the last of them is closed. */
let helper: ChildProcess | undefined
let users = 0
let nextId = 0
/** Starts that keep this process alive: who has started an agent has something else that does. */
let unanswered = 0
const pending = new Map<number, Pending>()

export function openProcessStarts (): ProcessStarts {
  let open = true
  users++
  return {
    start: async (request) => await new Promise((resolve, reject) => {
      const id = nextId++
      let ended: Pending['ended'] = () => {}
      const exited = new Promise<AgentExit | undefined>((resolve) => { ended = resolve })
      pending.set(id, { started: resolve, failed: reject, ended, exited })
      helper ??= startHelper()
      if (unanswered++ === 0) helper.channel?.ref()
      helper.send({ id, ...request } satisfies StartRequest)
    }),
    async close () {
      if (!open) return
      open = false
      if (--users === 0) await endHelper()
    }
  }
}

function startHelper (): ChildProcess {
  const child = fork(new URL('./start-helper.js', import.meta.url), {
    // Nothing of the server's environment, and no folder that is kept from being removed.
    cwd: '/',
    env: { PATH: process.env.PATH },
    execArgv: [],
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    serialization: 'advanced'
  })
  child.unref()
  child.channel?.unref()
  child.on('message', take)
  const gone = (): void => {
    // After a close the next one may be at work already.
    if (helper !== child) return
    helper = undefined
    forgetAll()
  }
  child.on('error', gone)
  child.on('exit', gone)
  return child
}

function take (reply: StartReply): void {
  const call = pending.get(reply.id)
  if (call === undefined) return
  if (reply.kind !== 'ended' && --unanswered === 0) helper?.channel?.unref()
  if (reply.kind === 'started') return call.started({ pid: reply.pid, start_time: reply.start_time, exited: call.exited })
  pending.delete(reply.id)
  if (reply.kind === 'ended') call.ended(reply.exit)
  else call.failed(Object.assign(new Error(reply.message), { code: reply.code }))
}

/** For a start that was answered the rejection says nothing any more, as the end does for one that was not. */
function forgetAll (): void {
  const calls = [...pending.values()]
  pending.clear()
  unanswered = 0
  for (const { ended, failed } of calls) {
    failed(new Error('the process that starts agents ended'))
    ended(undefined)
  }
}

async function endHelper (): Promise<void> {
  const child = helper
  if (child === undefined) return
  helper = undefined
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.ref()
  if (child.connected) child.disconnect()
  forgetAll()
  await ended
}
