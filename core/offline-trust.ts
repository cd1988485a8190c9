import { openAudit } from './audit-start.js'
import type { Settings } from './config/settings.js'
import { recordTrust, type Trust } from './config/trust.js'
import { trustedEntry } from './config/trust/entry.js'
import type { Clock, Logger } from './contracts/index.js'
import { takeStorage } from './storage.js'

/**
 * Records trust in a project, first in the audit log of a storage that no sidecar uses: without that record there is no trust.
 * Rejects with `SIDECAR_ERR_STORAGE_LOCKED` while a sidecar runs: then it is the one to tell, because the log has one writer.
 */
export async function offlineTrust ({ id, trust, settings, home, clock, log }: { id: string, trust: Trust, settings: Settings, home: string | undefined, clock: Clock, log: Logger }): Promise<void> {
  const lock = await takeStorage(settings.storage)
  try {
    const audit = await openAudit(settings, clock, log)
    try {
      await audit.record({ ...trustedEntry(id, trust), actor: 'cli' })
    } finally {
      await audit.close()
    }
    await recordTrust(trust, clock(), home)
  } finally {
    await lock.release()
  }
}
