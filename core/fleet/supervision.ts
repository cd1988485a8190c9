import { stat } from 'node:fs/promises'
import type { AgentExit, AgentHandle, Logger } from '../contracts/index.js'
import { messageOf } from '../errors.js'
import { FINAL_STATES, type AgentRecord, type AgentState } from './agent-record.js'

/** Why agents end with the sidecar. */
export const SHUT_DOWN = 'the sidecar was shut down'
/** How long an agent that is asked to end may take. */
export const STOP_GRACE_MS = 5000
const WATCH_MS = 1000
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024

interface Live {
  record: AgentRecord
  handle: AgentHandle
  timer: NodeJS.Timeout
  /** Why it is being ended, when the sidecar ends it. */
  ending: { state: 'stopped' | 'failed', reason: string } | undefined
  ended: Promise<void>
}

export interface SupervisionOptions {
  log: Logger
  /** The file that takes the output of an agent. */
  outputOf (agentId: string): string
  /** Called when nothing of an agent is left; must not reject. */
  conclude (record: AgentRecord, state: AgentState, reason: string | undefined): Promise<void>
  /** Called when the place of an agent is free. */
  onFree (): void
}

/** Watches running agents to their end, and ends those that run too long or write too much. */
export class Supervision {
  readonly #options: SupervisionOptions
  readonly #live = new Map<string, Live>()
  #watch: NodeJS.Timeout | undefined

  constructor (options: SupervisionOptions) {
    this.#options = options
  }

  /** Of agents that take a place: not of one whose end is only being written down. */
  get records (): AgentRecord[] {
    return [...this.#live.values()].map(({ record }) => record).filter(({ state }) => !FINAL_STATES.has(state))
  }

  open (): void {
    this.#watch = setInterval(() => {
      this.#watchOutput().catch((error: unknown) => this.#options.log.warn({ reason: messageOf(error) }, 'the output of agents could not be watched'))
    }, WATCH_MS).unref()
  }

  add (record: AgentRecord, handle: AgentHandle, timeoutMs: number): void {
    const expire = (): void => { this.#end(live, 'failed', `it ran longer than ${record.timeout_seconds} seconds`, STOP_GRACE_MS) }
    const live: Live = { record, handle, timer: setTimeout(expire, Math.max(0, timeoutMs)).unref(), ending: undefined, ended: Promise.resolve() }
    live.ended = handle.exited.catch((error: unknown): AgentExit => {
      this.#options.log.error({ agent: record.agent_id, reason: messageOf(error) }, 'the end of an agent is not known')
      return { code: null, signal: null }
    }).then(async (exit) => {
      clearTimeout(live.timer)
      record.exit = exit
      await this.#options.conclude(record, live.ending?.state ?? judge(record), live.ending?.reason)
      this.#live.delete(record.agent_id)
      this.#options.onFree()
    })
    this.#live.set(record.agent_id, live)
  }

  /** TERM, then KILL after the grace. Resolves when the end is recorded; at once for an agent that does not run. */
  async end (agentId: string, state: 'stopped' | 'failed', reason: string, graceMs = STOP_GRACE_MS): Promise<void> {
    const live = this.#live.get(agentId)
    if (live === undefined) return
    this.#end(live, state, reason, graceMs)
    await live.ended
  }

  /** Ends all agents, and watches no more. */
  async close (reason: string, graceMs: number): Promise<void> {
    clearInterval(this.#watch)
    const ids = [...this.#live.keys()]
    if (ids.length > 0) this.#options.log.info({ agents: ids.length }, 'stopping the agents')
    await Promise.all(ids.map(async (id) => await this.end(id, 'stopped', reason, graceMs)))
  }

  #end (live: Live, state: 'stopped' | 'failed', reason: string, graceMs: number): void {
    live.ending ??= { state, reason }
    live.handle.stop({ graceMs }).catch((error: unknown) => {
      this.#options.log.error({ agent: live.record.agent_id, reason: messageOf(error) }, 'an agent could not be stopped')
    })
  }

  async #watchOutput (): Promise<void> {
    await Promise.all([...this.#live.values()].map(async (live) => {
      const facts = await stat(this.#options.outputOf(live.record.agent_id)).catch(() => undefined)
      if ((facts?.size ?? 0) > MAX_OUTPUT_BYTES) this.#end(live, 'failed', `it wrote more than ${MAX_OUTPUT_BYTES} bytes of output`, STOP_GRACE_MS)
    }))
  }
}

/** Exit code and stored result both decide; the exit of an adopted agent is not known, so its result alone does. */
function judge (record: AgentRecord): AgentState {
  const { code, signal } = record.exit!
  const clean = code === 0 || (code === null && signal === null && record.result_id !== undefined)
  return clean && record.result_status !== 'failed' ? 'completed' : 'failed'
}
