import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { messageOf } from '../../errors.js'
import type { Logger } from '../../contracts/common.js'

const MEBIBYTE = 1024 * 1024
const TIMEOUT_MS = 5000

/** 0 is no limit. */
export interface ResourceLimits {
  max_memory_mb: number
  max_cpu_seconds: number
}

/**
 * Limits of the system for the processes of agents. They are set from outside as soon as the process is there, so that
 * every spawner is held to them and no shell is needed; what it starts afterwards inherits them. Memory is the data of a
 * process (RLIMIT_DATA): the address space, which the engines of several languages only reserve, says nothing.
 */
export class ResourceLimiter {
  readonly #limits: ResourceLimits
  readonly #log: Logger
  readonly #path: string
  #failed = false

  constructor (limits: ResourceLimits, log: Logger, path: string) {
    this.#limits = limits
    this.#log = log
    this.#path = path
  }

  /** Where the system cannot do it, that is said once. */
  async limit (pid: number | null): Promise<void> {
    const { max_memory_mb: memory, max_cpu_seconds: cpu } = this.#limits
    if (memory + cpu === 0 || pid === null) return
    try {
      await promisify(execFile)('prlimit', [
        '--pid', String(pid),
        ...(memory === 0 ? [] : [`--data=${memory * MEBIBYTE}`]),
        ...(cpu === 0 ? [] : [`--cpu=${cpu}`])
      ], { timeout: TIMEOUT_MS, env: { PATH: this.#path } })
    } catch (error) {
      if (hasEnded(pid) || this.#failed) return
      this.#failed = true
      this.#log.warn({ reason: messageOf(error) }, 'memory and processor time of agents cannot be limited here: it needs Linux and the program prlimit')
    }
  }
}

function hasEnded (pid: number): boolean {
  try {
    process.kill(pid, 0)
    return false
  } catch {
    return true
  }
}
