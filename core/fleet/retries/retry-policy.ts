import type { AgentRecord, Attempt, Failure } from '../agent-record.js'

export interface RetryLimits {
  max_retries: number
  retry_seconds: number
}

const LONGEST_MS = 600_000
/** Agents that failed together do not come back together. */
const JITTER = 0.2

/** What may go better next time; a budget, a time limit or the agent's own verdict will not. */
const RETRYABLE: ReadonlySet<Failure> = new Set<Failure>(['start', 'first_sign', 'crash', 'lost', 'rate_limit', 'silence'])

/** Whether an agent whose attempt has just failed is to be tried again. One that has stored a result of its own has had its say. */
export function mayRetry (record: AgentRecord, { max_retries: most }: RetryLimits): boolean {
  return record.failure !== undefined && RETRYABLE.has(record.failure) && record.attempt <= most && record.result_id === undefined
}

/** How long the next attempt waits, in ms: it doubles with each. `random` gives 0 to 1. */
export function backOffMs (attempt: number, { retry_seconds: first }: RetryLimits, random: () => number = Math.random): number {
  return Math.min(LONGEST_MS, first * 1000 * 2 ** (attempt - 1)) * (1 + JITTER * (2 * random() - 1))
}

/** Makes the record that of the next attempt: what belongs to the one that failed moves to the earlier ones. */
export function beginNextAttempt (record: AgentRecord, notBefore: Date): void {
  const { attempt, failure, reason, process_id: pid, started_at: startedAt, ended_at: endedAt, exit, usage } = record
  const failed: Attempt = {
    attempt,
    process_id: pid,
    ...(failure === undefined ? {} : { failure }),
    ...(reason === undefined ? {} : { reason }),
    ...(startedAt === undefined ? {} : { started_at: startedAt }),
    ...(endedAt === undefined ? {} : { ended_at: endedAt }),
    ...(exit === undefined ? {} : { exit }),
    ...(usage === undefined ? {} : { usage })
  }
  record.earlier = [...record.earlier ?? [], failed]
  for (const name of ['failure', 'reason', 'started_at', 'ended_at', 'exit', 'usage', 'final', 'rate_limited', 'output_moved', 'progress', 'message', 'last_sign_at'] as const) delete record[name]
  record.attempt++
  record.process_id = null
  record.reference = null
  record.not_before = notBefore.toISOString()
}
