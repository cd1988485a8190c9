import type { AgentRecord, Failure, FinalState } from './agent-record.js'

/** How an agent ended, or is to end. */
export interface Ending {
  state: FinalState
  /** In words. */
  reason?: string
  failure?: Failure
  /** Who asked for it was told: it is not tried again. */
  isFinal?: boolean
}

/** Exit code and result both decide. The exit of an adopted agent is not known, and that of one that hung after its final word says nothing: then the word alone does. */
export function judge (record: AgentRecord): Ending {
  const { exit, final, result_status: stored } = record
  const { code, signal, hung } = exit!
  const spoke = record.result_id !== undefined || final !== undefined
  const clean = code === 0 || (spoke && (hung === true || (code === null && signal === null)))
  if (stored === 'failed' || (stored === undefined && final?.status === 'failed')) {
    return record.rate_limited === true && stored === undefined
      ? { state: 'failed', failure: 'rate_limit', reason: 'it met a rate limit' }
      : { state: 'failed', failure: 'own_result' }
  }
  if (clean) return { state: 'completed' }
  if (record.rate_limited === true) return { state: 'failed', failure: 'rate_limit', reason: 'it met a rate limit' }
  return { state: 'failed', failure: 'crash' }
}
