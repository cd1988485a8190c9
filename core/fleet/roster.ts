import { apiError } from '../errors.js'
import { FINAL_STATES, type AgentRecord } from './agent-record.js'

/** Ended agents that are kept in memory for `GET /api/agents`; older ones stay on disk. */
const MAX_ENDED = 5000

/** The agents that are known: all that have not ended, and the newest of those that have. */
export class Roster {
  readonly #records = new Map<string, AgentRecord>()

  add (record: AgentRecord): void {
    this.#records.set(record.agent_id, record)
  }

  remove (agentId: string): void {
    this.#records.delete(agentId)
  }

  /** Takes what an earlier run has left, oldest first. */
  fill (records: readonly AgentRecord[]): void {
    for (const record of records.slice(-MAX_ENDED)) this.add(record)
    for (const record of records) if (!FINAL_STATES.has(record.state)) this.add(record)
  }

  find (agentId: string): AgentRecord | undefined {
    return this.#records.get(agentId)
  }

  /** Throws `NOT_001`, for an agent of another project too. Without a project, here and below, those of all are meant. */
  get (project: string | undefined, agentId: string): AgentRecord {
    const record = this.#records.get(agentId)
    if (record === undefined || (project !== undefined && record.project_id !== project)) throw apiError('NOT_001', `There is no agent '${agentId}'.`)
    return record
  }

  /** Newest first. */
  list (project: string | undefined, filter: { status?: string, agent_type?: string, issue_id?: string }): AgentRecord[] {
    return [...this.#records.values()].reverse().filter((record) => (project === undefined || record.project_id === project) &&
      (filter.status === undefined || record.state === filter.status) &&
      (filter.agent_type === undefined || record.agent_type === filter.agent_type) &&
      (filter.issue_id === undefined || record.issue_id === filter.issue_id))
  }

  forgetOldest (): void {
    for (const [id, record] of this.#records) {
      if (this.#records.size <= MAX_ENDED) return
      if (FINAL_STATES.has(record.state)) this.#records.delete(id)
    }
  }
}
