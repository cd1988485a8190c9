import { join } from 'node:path'
import { openAuditLog } from './audit/audit-log.js'
import type { Settings } from './config/settings.js'
import { inspectTrust } from './config/trust.js'
import { trustedEntry } from './config/trust/entry.js'
import type { AuditEntry, AuditLog, Clock, Logger } from './contracts/index.js'
import type { LoadedPlugin } from './plugin-host/host.js'

/** The audit log of a storage. */
export async function openAudit ({ storage, audit }: Settings, clock: Clock, log: Logger): Promise<AuditLog> {
  return await openAuditLog({ directory: join(storage, 'audit'), fileBytes: audit.file_mb * 1024 * 1024, retentionDays: audit.retention_days, clock, log })
}

/** For an app that is built to be looked at: nobody calls it, so there is nothing to record. */
export const SILENT_AUDIT: AuditLog = {
  failing: undefined,
  async record () {},
  note () {},
  statistics: () => ({ records: [], write_failures: 0, pending: 0, lost: 0 }),
  async close () {}
}

/** With what a sidecar was started: who can reach it, and whose code it runs. */
export function startedEntry (version: string, settings: Settings, plugins: readonly LoadedPlugin[]): AuditEntry {
  return {
    action: 'sidecar.started',
    outcome: 'success',
    actor: 'sidecar',
    details: {
      version,
      host: settings.host,
      port: settings.port,
      plugins: plugins.filter(({ source }) => source !== 'built-in').map(({ kind, name, location }) => `${kind}/${name} ${location}`),
      slots: plugins.filter(({ kind }) => kind === 'auth' || kind === 'event-bus' || kind === 'result-store').map(({ kind, name }) => `${kind}/${name}`),
      cors_origins: settings.cors.origins,
      webhook_allow: settings.events.webhook_allow,
      rate_limit: settings.rate_limit.enabled,
      chain_seconds: settings.auth.chain_seconds
    }
  }
}

/** What a project may do because its user trusts it, by hash; `undefined` where it brings nothing that would need trust. */
export async function trustEntry ({ id, root }: { id: string, root: string }): Promise<AuditEntry | undefined> {
  const trust = await inspectTrust(root)
  return trust.subjects.length === 0 ? undefined : { ...trustedEntry(id, trust), actor: 'sidecar' }
}
