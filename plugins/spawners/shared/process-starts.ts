import { HelperProcess, type StartedProcess } from './helper-process.js'
import type { StartRequest } from './start-helper.js'

/** Starts processes that outlive this one, each in a group of its own, its output appended to a file. */
export interface ProcessStarts {
  /** Has the helper made a little later, when a server that was just started has less to do, and before its heap is large. */
  prepare (): void
  /**
   * Resolves when the process exists; rejects with the system's code. A rejection for want of an answer leaves open whether there is a
   * process: the fleet looks for it by its AGENT_ID.
   */
  start (request: Omit<StartRequest, 'id'>): Promise<StartedProcess>
  /** What was started goes on. Idempotent. */
  close (): Promise<void>
}

const PREPARE_MS = 1000

/** One helper for all spawners of this process, from the first of them that needs it until the last of those is closed. */
let helper: HelperProcess | undefined
let users = 0

export function createProcessStarts ({ prepareMs = PREPARE_MS } = {}): ProcessStarts {
  let state: 'unused' | 'used' | 'closed' = 'unused'
  let timer: NodeJS.Timeout | undefined
  const use = (): HelperProcess => {
    if (state === 'closed') throw new Error('the spawner is closed')
    if (state === 'unused') users++
    state = 'used'
    if (helper === undefined || helper.isGone) helper = new HelperProcess()
    return helper
  }
  return {
    prepare () {
      timer ??= setTimeout(() => {
        try {
          use()
        } catch {
          // The first start tries again, and says why it fails.
        }
      }, prepareMs).unref()
    },
    start: async (request) => await use().start(request),
    async close () {
      clearTimeout(timer)
      const wasUsed = state === 'used'
      state = 'closed'
      if (!wasUsed || --users > 0) return
      const last = helper
      helper = undefined
      await last?.end()
    }
  }
}
