import { readdir } from 'node:fs/promises'
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from '../../contracts/common.js'
import { belongingIn, belongingOf, isOfAnotherStorage, type Belonging } from './belonging.js'

const TERM_MS = 1000
const POLL_MS = 50
/** Who starts processes faster than they are found is left to the operator, and it is said. */
const MAX_ROUNDS = 10
const AT_ONCE = 32

/**
 * Finds and ends processes that an agent has left behind and that left its process group: every process inherits the
 * environment, and with it AGENT_ID. Reads those of this user only, and leaves those of another storage alone. Who cleared
 * its environment is not found, nor is anybody on a system without /proc.
 */
export class Leftovers {
  readonly #log: Logger
  readonly #directoryOf: (agentId: string) => string
  /** The look at all processes that has not begun yet: all that ask meanwhile share it. */
  #next: Promise<Map<string, Found[]>> | undefined
  #current: Promise<unknown> = Promise.resolve()
  #said = false

  /** `directoryOf`: the folder of an agent. */
  constructor (log: Logger, directoryOf: (agentId: string) => string) {
    this.#log = log
    this.#directoryOf = directoryOf
  }

  /** Gives how many processes were ended. Resolves when none is left, or none can be found. */
  async end (agentId: string): Promise<number> {
    if (process.platform !== 'linux') {
      if (!this.#said) this.#log.info({ platform: process.platform }, 'processes that leave the process group of their agent cannot be found on this system')
      this.#said = true
      return 0
    }
    const ended = new Set<number>()
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const pids = await this.#ownOf(agentId)
      if (pids.length === 0) return ended.size
      for (const pid of pids) ended.add(pid)
      // One that was asked before does not listen.
      signal(pids, agentId, round === 0 ? 'SIGTERM' : 'SIGKILL')
      const deadline = performance.now() + TERM_MS
      while (pids.some((pid) => belongsTo(pid, agentId)) && performance.now() < deadline) await delay(POLL_MS)
    }
    this.#log.error({ agent: agentId }, 'processes of an agent come faster than they can be ended')
    return ended.size
  }

  async #ownOf (agentId: string): Promise<number[]> {
    const found = (await this.#look()).get(agentId) ?? []
    const own = await Promise.all(found.map(async ({ pid, belonging }) => (await isOfAnotherStorage(belonging, this.#directoryOf(agentId)) ? [] : [pid])))
    return own.flat()
  }

  async #look (): Promise<Map<string, Found[]>> {
    if (this.#next === undefined) {
      const next = this.#next = this.#current.then(async () => {
        this.#next = undefined
        return await processesByAgent()
      })
      this.#current = next.catch(() => {})
    }
    return await this.#next
  }
}

interface Found { pid: number, belonging: Belonging }

/** Live processes of this user by the agent that their environment names. */
async function processesByAgent (): Promise<Map<string, Found[]>> {
  const pids = (await readdir('/proc')).map(Number).filter((pid) => Number.isInteger(pid) && pid !== process.pid)
  const found = new Map<string, Found[]>()
  const look = async (): Promise<void> => {
    for (let pid = pids.pop(); pid !== undefined; pid = pids.pop()) {
      const belonging = await belongingOf(pid)
      if (belonging === undefined) continue
      found.set(belonging.agent_id, [...found.get(belonging.agent_id) ?? [], { pid, belonging }])
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, look))
  return found
}

/** A zombie has no environment any more. */
function belongsTo (pid: number, agentId: string): boolean {
  try {
    return belongingIn(readFileSync(`/proc/${pid}/environ`, 'latin1'))?.agent_id === agentId
  } catch {
    return false
  }
}

function signal (pids: readonly number[], agentId: string, name: NodeJS.Signals): void {
  for (const pid of pids) {
    // Looked at once more: the number may have gone to another process.
    if (!belongsTo(pid, agentId)) continue
    try {
      process.kill(pid, name)
    } catch {
      // Gone already, which is what was wanted.
    }
  }
}
