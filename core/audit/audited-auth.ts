import type { AuditEntry, AuditLog, Auth, Claims } from '../contracts/index.js'

/** For what the sidecar does with tokens of its own accord: the same auth, of which each token that is issued or revoked is recorded. */
export function auditedAuth (auth: Auth, audit: AuditLog): Auth {
  return {
    supports: auth.supports,
    verify: async (token) => await auth.verify(token),
    refresh: async (claims) => await auth.refresh(claims),
    publicKeys: async () => await auth.publicKeys(),
    async issue (identity, options) {
      const issued = await auth.issue(identity, options)
      audit.note({ ...issuedEntry(issued.claims), actor: 'sidecar' })
      return issued
    },
    async revoke (target) {
      const answer = await auth.revoke(target)
      audit.note({ action: 'token.revoked', outcome: 'success', actor: 'sidecar', ...revokedTarget(target) })
      return answer
    }
  }
}

/** What is recorded of a token: whom it is for and what it allows, never the token. */
export function issuedEntry ({ agent_id, agent_type, project_id, permissions, jti, expires_at }: Claims): Required<Pick<AuditEntry, 'action' | 'outcome' | 'project' | 'resource' | 'details'>> {
  return {
    action: 'token.issued',
    outcome: 'success',
    project: project_id,
    resource: `agent/${agent_id}`,
    details: { agent_type, permissions: [...permissions], jti, expires_at: new Date(expires_at * 1000).toISOString() }
  }
}

function revokedTarget (target: Parameters<Auth['revoke']>[0]): Pick<AuditEntry, 'project' | 'resource'> {
  return 'jti' in target ? { resource: `token/${target.jti}` } : { project: target.project_id, resource: `agent/${target.agent_id}` }
}
