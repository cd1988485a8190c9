import type { AuditEntry, AuditLog } from '../../core/contracts/index.js'

export interface AuditSpy extends AuditLog {
  readonly entries: AuditEntry[]
}

/** An audit log in memory. */
export function createAuditSpy (): AuditSpy {
  const entries: AuditEntry[] = []
  return {
    entries,
    failing: undefined,
    async record (entry) { entries.push(entry) },
    note (entry) { entries.push(entry) },
    statistics: () => ({ records: [], write_failures: 0, pending: 0, lost: 0 }),
    async close () {}
  }
}
