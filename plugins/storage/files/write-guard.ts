import { apiError } from '../../../core/plugin-api.js'
import { isSyncFailure } from './failure.js'

/**
 * Stops all writing after a sync that failed. The kernel forgets what it could not write, so that the next sync
 * succeeds without having written it: to try again would acknowledge what is lost.
 */
export interface WriteGuard {
  /** Throws `STR_001` when nothing may be written any more. */
  check (): void
  /** Runs something that ends with a sync, and remembers when the sync failed. */
  durably (work: () => Promise<void>): Promise<void>
}

export function createWriteGuard (): WriteGuard {
  let fault: unknown

  const check = (): void => {
    if (fault === undefined) return
    throw apiError('STR_001', 'Results cannot be written: the disk failed to keep an earlier write. Check it, then restart the sidecar.', { cause: fault })
  }

  return {
    check,
    async durably (work) {
      check()
      try {
        await work()
      } catch (error) {
        if (isSyncFailure(error)) fault ??= error
        throw error
      }
    }
  }
}
