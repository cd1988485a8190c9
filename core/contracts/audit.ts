import type { Json } from './common.js'

/** What can be recorded: who may do what has changed, somebody was refused, something was started, ended or thrown away. */
export type AuditAction =
  | 'sidecar.started' | 'sidecar.stopped' | 'project.added' | 'project.trusted'
  | 'token.issued' | 'token.renewed' | 'token.refreshed' | 'token.revoked' | 'token.refused' | 'key.rotated'
  | 'permission.denied' | 'limit.exceeded'
  | 'agent.spawned' | 'agent.retried' | 'agent.stopped' | 'agent.started' | 'agent.ended' | 'agent.merged'
  | 'webhook.created' | 'webhook.deleted' | 'webhook.enabled' | 'webhook.disabled' | 'webhook.tested' | 'webhook.secret_rotated'
  | 'dead_letters.redriven' | 'dead_letters.purged' | 'group.deleted'
  | 'results.pruned' | 'cache.cleared' | 'workspaces.pruned'
  | 'audit.repaired' | 'audit.pruned' | 'audit.lost'

/** `refused`: it was not allowed. `failed`: it was allowed and not done. */
export type AuditOutcome = 'success' | 'refused' | 'failed'

/** One act. Never holds a token, a key or what agents write; texts are cut at 512 characters. */
export interface AuditEntry {
  action: AuditAction
  outcome: AuditOutcome
  /** Agent that acted, `sidecar` for the server itself, `cli` for the program; `null` where nobody showed who they are. */
  actor: string | null
  actor_type?: string
  project?: string
  /** What it was done to, for example `agent/test-engineer-1`. */
  resource?: string
  request_id?: string
  /** Address that the request came from. */
  address?: string
  /** Code of the error, where the outcome is no success. */
  code?: string
  /** How many equal acts the record stands for, where it is more than one. */
  count?: number
  details?: Record<string, Json>
}

/** A record as it was written. */
export interface AuditRecord extends AuditEntry {
  /** From 1, without gaps. */
  seq: number
  /** RFC 3339, UTC. */
  time: string
  /** SHA-256 in hex of the record before, 64 zeros in the first one. */
  prev: string
  hash: string
}

export interface AuditStatistics {
  /** Written since the start, by action and outcome. */
  records: { action: AuditAction, outcome: AuditOutcome, count: number }[]
  write_failures: number
  /** Waiting to be written. */
  pending: number
  /** Given up because too many waited; the next record that can be written says how many. */
  lost: number
}

/**
 * Where acts are recorded. Another sink (a log server, a write-once store) keeps the same promises.
 * Records come in the order of the calls.
 */
export interface AuditLog {
  /**
   * Resolves when the record is durable. Rejects with `STR_001` when it could not be written: it is then kept and
   * written as soon as that is possible.
   */
  record (entry: AuditEntry): Promise<void>
  /** The same for acts that nobody waits for; a failure is told in the log. */
  note (entry: AuditEntry): void
  /** Why nothing can be written at present, or `undefined`. */
  readonly failing: string | undefined
  statistics (): AuditStatistics
  /** Writes what waits. Idempotent. */
  close (): Promise<void>
}
