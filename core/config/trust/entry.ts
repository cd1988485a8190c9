import type { AuditEntry } from '../../contracts/audit.js'
import type { TrustSubject } from '../trust.js'

/** What is recorded of trust in a project: whose it is, and by its hash what it covers. */
export function trustedEntry (id: string, { root, hash, subjects }: { root: string, hash: string, subjects: readonly TrustSubject[] }): Required<Pick<AuditEntry, 'action' | 'outcome' | 'project' | 'resource' | 'details'>> {
  return { action: 'project.trusted', outcome: 'success', project: id, resource: `project/${id}`, details: { root, hash, files: subjects.map(({ path }) => path) } }
}
