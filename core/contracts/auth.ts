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
  /** Who issued it, where that is somebody else than this sidecar: then it is neither refreshed nor continued here. */
  issuer?: string
}

export interface IssuedToken {
  token: string
  claims: Claims
}

/** A key without its private half. Times are RFC 3339, UTC. */
export interface KeyFacts {
  kid: string
  created_at: string
  /** One `signs`; the others only verify what they have signed. */
  state: 'signs' | 'verifies'
  /** When the last token that it may have signed has ended; `null` while it signs, or where that is not known. */
  verifies_until: string | null
}

/**
 * Issues and verifies what agents present. Every failure is a `SidecarError` with code
 * `AUTH_001` (not acceptable, revoked included) or `AUTH_002` (expired), or with `SRV_002` while the keys of an outside issuer cannot be had.
 */
export interface Auth extends Lifecycle {
  /** `false` where all tokens come from outside: then `issue` and `refresh` reject. */
  readonly supports: { issue: boolean }
  /**
   * With `continues` the token goes on the chain of another one instead of beginning its own; the bound of the chain shortens its life.
   * Rejects with `VAL_001` where that one is of an outside issuer.
   */
  issue (identity: Identity, options: { ttlSeconds: number, continues?: Claims }): Promise<IssuedToken>
  verify (token: string): Promise<Claims>
  /**
   * Replaces a token by one with a new life and revokes the old one.
   * Rejects with `VAL_001` when it is too early, when the chain has reached its bound, or when it is of an outside issuer.
   */
  refresh (claims: Claims): Promise<IssuedToken>
  /**
   * Revokes one token with those that continue its chain, or all that an agent of the project has been given so far. Resolves when it is durable
   * with the number of revocations that are new: 0 when the token was revoked already.
   */
  revoke (target: { jti: string } | { project_id: string, agent_id: string }): Promise<{ revoked: number }>
  /**
   * A JSON Web Key Set (RFC 7517). It holds every key that a token which was issued here and is still valid may have been signed with; those of
   * an outside issuer only where nothing is issued here, so that nobody takes a token of that issuer for one of this sidecar.
   */
  publicKeys (): Promise<{ keys: JsonObject[] }>
  /** The keys, the signing one first. Missing, like `rotateKeys`, where keys are somebody else's business. */
  listKeys? (): Promise<KeyFacts[]>
  /** Signs with a new key from now on; earlier ones verify until their tokens have ended. Resolves with `listKeys` when it is durable. */
  rotateKeys? (): Promise<KeyFacts[]>
  /**
   * Comes in the place of `open` where nothing but `listKeys` and `rotateKeys` follows: nobody outside is asked, because it must also work where
   * nothing else does. Missing where `open` asks nobody either.
   */
  openKeys? (): Promise<void>
}
