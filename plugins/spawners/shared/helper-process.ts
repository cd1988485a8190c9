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

interface Pending {
  started (process: StartedProcess): void
  failed (error: Error): void
  ended (exit: AgentExit | undefined): void
  exited: Promise<AgentExit | undefined>
  /** Set until it is answered. */
  timer: NodeJS.Timeout | undefined
}

/** Far longer than a start takes on a machine that is busy; a helper that was stopped or swapped out answers never. */
const ANSWER_MS = 30_000
/** How long it may take to end once nobody speaks to it. */
const END_MS = 5000

/** The process of start-helper.ts. Keeps this one alive only while a start has not been answered: who has started an agent has something else that does. */
export class HelperProcess {
  readonly #child: ChildProcess
  readonly #gone: Promise<void>
  readonly #pending = new Map<number, Pending>()
  #nextId = 0
  #unanswered = 0
  #isGone = false
  #reason = 'it ended before it answered'

  constructor () {
    const child = this.#child = fork(new URL('./start-helper.js', import.meta.url), {
      // Nothing of the server's environment, and no folder that is kept from being removed.
      cwd: '/',
      env: { PATH: process.env.PATH },
      execArgv: [],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      serialization: 'advanced'
    })
    child.unref()
    child.channel?.unref()
    child.on('message', (reply: StartReply) => this.#take(reply))
    // What it said before it was gone is read first.
    const [exit, disconnect] = ['exit', 'disconnect'].map(async (name) => await new Promise((resolve) => child.once(name, resolve)))
    const failed = new Promise((resolve) => child.on('error', (error) => {
      child.kill('SIGKILL')
      this.#reason = error.message
      if (child.pid === undefined) resolve(undefined)
    }))
    this.#gone = Promise.race([failed, Promise.all([exit, disconnect])]).then(() => this.#forgetAll())
  }

  get isGone (): boolean {
    return this.#isGone
  }

  async start (request: Omit<StartRequest, 'id'>): Promise<StartedProcess> {
    const id = this.#nextId++
    return await new Promise((resolve, reject) => {
      let ended: Pending['ended'] = () => {}
      const exited = new Promise<AgentExit | undefined>((resolve) => { ended = resolve })
      // Ended for good, so that nothing of what it was asked for starts later.
      const timer = setTimeout(() => this.#child.kill('SIGKILL'), ANSWER_MS)
      this.#pending.set(id, { started: resolve, failed: reject, ended, exited, timer })
      if (this.#unanswered++ === 0) this.#child.channel?.ref()
      this.#child.send({ id, ...request } satisfies StartRequest, (error) => { if (error !== null) this.#child.kill('SIGKILL') })
    })
  }

  /** Resolves when it is gone. What it has started goes on. */
  async end (): Promise<void> {
    this.#child.ref()
    if (this.#child.connected) this.#child.disconnect()
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), END_MS)
    await this.#gone
    clearTimeout(timer)
  }

  #take (reply: StartReply): void {
    const call = this.#pending.get(reply.id)
    if (call === undefined) return
    if (reply.kind !== 'ended') this.#answered(call)
    if (reply.kind === 'started') return call.started({ pid: reply.pid, start_time: reply.start_time, exited: call.exited })
    this.#pending.delete(reply.id)
    if (reply.kind === 'ended') call.ended(reply.exit)
    else call.failed(Object.assign(new Error(reply.message), { code: reply.code }))
  }

  #answered (call: Pending): void {
    clearTimeout(call.timer)
    call.timer = undefined
    if (--this.#unanswered === 0) this.#child.channel?.unref()
  }

  /** For a start that was answered the rejection says nothing any more, as the end does for one that was not. */
  #forgetAll (): void {
    this.#isGone = true
    for (const { ended, failed, timer } of this.#pending.values()) {
      clearTimeout(timer)
      failed(new Error(`the process that starts agents is gone: ${this.#reason}. It is made anew for the next start`))
      ended(undefined)
    }
    this.#pending.clear()
  }
}
