import type { JsonObject, ResultStatus } from '../contracts/index.js'
import type { AgentRecord, FinalState } from './agent-record.js'
import { spendingOf } from './governor/spending.js'

/** The result of an agent that stored none: from its final word, its exit, its last output and its usage. */
export function makeResult (record: AgentRecord, state: FinalState, lastOutput: string, now: number): JsonObject & { status: ResultStatus } {
  const failed = state !== 'completed'
  const { exit, final, usage, earlier = [] } = record
  const made = final === undefined ? 'its exit and its last output' : 'its final word'
  return {
    status: failed ? 'failed' : 'success',
    files_created: [],
    files_modified: [],
    decisions: [],
    errors: failed ? [`The agent stored no result: ${whyOf(record)}.`] : [],
    warnings: failed ? [] : [`The agent stored no result; this one was made from ${made}.`],
    metrics: {
      attempts: record.attempt,
      duration_ms: record.started_at === undefined ? null : spendingOf(record, now).ms,
      input_tokens: usage?.input_tokens ?? null,
      output_tokens: usage?.output_tokens ?? null,
      cached_tokens: usage?.cached_tokens ?? null,
      cost_usd: usage?.cost_usd ?? null,
      turns: usage?.turns ?? null
    },
    artifacts: {
      state,
      failure: record.failure ?? null,
      exit_code: exit?.code ?? null,
      signal: exit?.signal ?? null,
      last_output: lastOutput,
      ...(final === undefined ? {} : { final_text: final.text }),
      ...(earlier.length === 0 ? {} : { earlier_attempts: earlier.map(({ attempt, failure, reason }) => ({ attempt, failure: failure ?? null, reason: reason ?? null })) })
    },
    made_by: 'sidecar'
  }
}

/** Why an agent failed, in words. */
export function whyOf ({ reason, exit, final }: Pick<AgentRecord, 'reason' | 'exit' | 'final'>): string {
  if (reason !== undefined) return reason
  if (final?.status === 'failed') return 'it said that it failed'
  return exit?.signal != null ? `ended by ${exit.signal}` : `exit code ${exit?.code ?? 'unknown'}`
}
