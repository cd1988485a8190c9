import type { AgentExit, AgentUsage, Json, Permission, Priority, ResultStatus } from '../contracts/index.js'
import type { AgentWork, WorkspaceKind } from './workspaces/workspaces.js'

export type AgentState = 'queued' | 'starting' | 'running' | 'completed' | 'failed' | 'stopped' | 'lost'

export type FinalState = 'completed' | 'failed' | 'stopped' | 'lost'

export const FINAL_STATES: ReadonlySet<AgentState> = new Set<FinalState>(['completed', 'failed', 'stopped', 'lost'])

/**
 * Why an agent failed. `start`: no process could be made. `first_sign`: it showed nothing in time. `crash`: its exit.
 * `own_result`: what it said of itself. `lost`: it was gone after a restart of the sidecar. The others are the limit that it met.
 */
export type Failure = 'start' | 'first_sign' | 'crash' | 'own_result' | 'lost' | 'rate_limit' | 'silence' | 'timeout' | 'output' | 'budget' | 'record'

/** One run of an agent's process. Times are RFC 3339, UTC. */
export interface Attempt {
  /** From 1. */
  attempt: number
  failure?: Failure
  /** In words. */
  reason?: string
  process_id: number | null
  started_at?: string
  ended_at?: string
  exit?: AgentExit
  usage?: AgentUsage
}

/** The rule that started an agent, and the event that it did so for. */
export interface AgentTrigger {
  rule: string
  event_id: string
  /** Among the agents that the rule starts for an event, from 0. */
  index: number
  dedupe_key?: string
}

/** All that is known of an agent; survives restarts. The members of `Attempt` are those of the newest one. */
export interface AgentRecord extends Attempt {
  agent_id: string
  agent_type: string
  project_id: string
  issue_id: string
  task: string
  state: AgentState
  priority: Priority
  spawner: string
  model_tier: string
  timeout_seconds: number
  /** Absent in records of earlier versions, which knew only `shared`. */
  workspace?: WorkspaceKind
  /** Commit, branch or tag that a workspace of its own begins from; the project's head where absent. */
  workspace_base?: string
  environment: Record<string, string>
  context_requirements: string[]
  correlation_id?: string
  round?: number
  /** Those of who asked for it; absent where that is nobody with less than everything. */
  permissions?: Permission[]
  created_at: string
  last_sign_at?: string
  /** What the spawner needs to adopt it. */
  reference: Json
  /** Attempts that failed before this one, oldest first. */
  earlier?: Attempt[]
  /** When the next attempt may begin. */
  not_before?: string
  /** The agent that this one does the work of again. */
  retry_of?: string
  /** Absent for an agent that no rule started. */
  trigger?: AgentTrigger
  /** How many triggers lie behind it, one after the other; absent for none. */
  depth?: number
  /** What the agent says of itself. */
  progress?: number
  message?: string
  /** Its final word, as its spawner understood it. */
  final?: { status: 'success' | 'failed', text: string }
  /** It met the rate limit of its model in this attempt. */
  rate_limited?: boolean
  /** Bytes of output that were moved to older files. */
  output_moved?: number
  result_id?: string
  /** What the last stored result says of itself. */
  result_status?: ResultStatus
  /** Absent until its process is about to be made. */
  work?: AgentWork
}
