import type { JsonObject, Lifecycle } from './common.js'
import type { WorkProof } from './work-proof.js'

export type ResultStatus = 'success' | 'failed' | 'partial'

export interface ResultRecord {
  /** `res_` and 26 characters that sort by time. */
  id: string
  project_id: string
  issue_id: string
  agent_id: string
  agent_type: string
  status: ResultStatus
  /** As the agent gave it, verbatim. */
  result: JsonObject
  /** What the sidecar itself found in the working tree when the result came; `null` where there is no git. Absent for agents that it did not start. */
  proof?: WorkProof | null
  /** Where the result claims something else than is there. */
  sidecar_warnings?: string[]
  correlation_id?: string
  round?: number
  /**
   * What the agent gave so that a result that is sent again is not stored twice; unique per project, at most 384 characters.
   * The core puts the agent's id in front. Readers of results over HTTP do not see it.
   */
  idempotency_key?: string
  /** When it was stored. RFC 3339, UTC. */
  timestamp: string
}

export interface ResultQuery {
  issue_id?: string
  agent_type?: string
  status?: ResultStatus
  /** Milliseconds since the epoch, inclusive. */
  since?: number
  /** Milliseconds since the epoch, exclusive. */
  until?: number
  limit: number
  /** As returned by an earlier page of the same query. */
  cursor?: string
}

/** What the agents of an issue work on. */
export interface IssueRecord {
  issue_id: string
  title: string
  description?: string
  labels?: string[]
  /** Paths of the project that the issue names. */
  files?: string[]
  /** RFC 3339, UTC. */
  created_at: string
  updated_at: string
}

export interface ResultPage {
  /** Newest first. */
  results: ResultRecord[]
  /** Absent on the last page. */
  next_cursor?: string
}

/**
 * Keeps every issue and every result of every agent on it. All calls are scoped by the project that is their first argument.
 * Errors: `STR_001` when a write failed (nothing was acknowledged), `STR_002` when a read failed,
 * `VAL_001` for a cursor that is not of this store.
 */
export interface ResultStore extends Lifecycle {
  /** `durable`: what was acknowledged survives `kill -9`. */
  readonly supports: { durable: boolean }
  /**
   * Resolves, when it is durable, to the record that is stored: this one, or the earlier one whose `id` or
   * `idempotency_key` it bears; then nothing is stored. Of many at once with one key, the first is stored.
   * A key is known for as long as its record is stored.
   */
  put (project: string, record: ResultRecord): Promise<ResultRecord>
  get (project: string, id: string): Promise<ResultRecord | undefined>
  list (project: string, query: ResultQuery): Promise<ResultPage>
  /** Creates or replaces an issue. Resolves when it is durable. */
  putIssue (project: string, issue: IssueRecord): Promise<void>
  getIssue (project: string, issueId: string): Promise<IssueRecord | undefined>
  /**
   * A text that is the same as long as the issue and its results are, and another one when they have changed: not before the change can be read,
   * and at the latest when the call that made it resolves. Compared only with what the same instance gave. It is asked for at every request
   * for a context, so it must cost much less than reading both; where that cannot be, leave it out, and both are read.
   */
  version? (project: string, issueId: string): Promise<string>
  /** Count and bytes of the results of one project, or of all. */
  usage (project?: string): Promise<{ count: number, bytes: number }>
  /** Removes results that were stored before `before` (ms since the epoch); `dryRun` only counts. */
  prune (project: string, query: { before: number, dryRun?: boolean }): Promise<{ removed: number, bytes: number }>
}
