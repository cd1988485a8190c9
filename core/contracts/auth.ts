import type { JsonObject, Lifecycle } from './common.js'

export type Permission = 'read_context' | 'write_results' | 'publish_events' | 'spawn_agents' | 'admin'

/** Who a token speaks for. One token names one project. */
export interface Identity {
  agent_id: string
  agent_type: string
  project_id: string
  permissions: Permission[]
}

/** A verified token. Times are seconds since the epoch, as in RFC 7519. */
export interface Claims extends Identity {
  jti: string
  issued_at: number
  expires_at: number
  /** When the first token of a chain of refreshes was issued; bounds the chain. */
  chain_started_at: number
}

export interface IssuedToken {
  token: string
  claims: Claims
}

/**
 * Issues and verifies what agents present. Every failure is a `SidecarError` with code
 * `AUTH_001` (not acceptable, revoked included) or `AUTH_002` (expired).
 */
export interface Auth extends Lifecycle {
  /** `false` where tokens come from outside: then `issue`, `refresh` reject. */
  readonly supports: { issue: boolean }
  /** `chainStartedAt` (seconds since the epoch) continues a chain of renewals instead of beginning one; its bound shortens the life. */
  issue (identity: Identity, options: { ttlSeconds: number, chainStartedAt?: number }): Promise<IssuedToken>
  verify (token: string): Promise<Claims>
  /**
   * Replaces a token by one with a new life and revokes the old one.
   * Rejects with `VAL_001` when it is too early or when the chain has reached its bound.
   */
  refresh (claims: Claims): Promise<IssuedToken>
  /**
   * Revokes one token, or all that an agent of the project has been given so far. Resolves when it is durable
   * with the number of revocations that are new: 0 when the token was revoked already.
   */
  revoke (target: { jti: string } | { project_id: string, agent_id: string }): Promise<{ revoked: number }>
  /** A JSON Web Key Set (RFC 7517). */
  publicKeys (): Promise<{ keys: JsonObject[] }>
}
