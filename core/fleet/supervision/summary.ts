import type { AgentRecord } from '../agent-record.js'

/** What came of asking all agents to end. */
export interface Summary {
  asked: number
  /** By TERM, or by themselves. */
  ended: number
  killed: number
  /** Their end is not recorded. */
  open: number
}

export function summarise (records: readonly AgentRecord[]): Summary {
  const over = records.filter(({ ended_at: ended }) => ended !== undefined)
  const killed = over.filter(({ exit }) => exit?.signal === 'SIGKILL').length
  return { asked: records.length, ended: over.length - killed, killed, open: records.length - over.length }
}
