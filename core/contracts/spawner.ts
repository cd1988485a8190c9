import type { Json, Lifecycle } from './common.js'

export interface LaunchRequest {
  agent_id: string
  agent_type: string
  project_id: string
  issue_id: string
  /** Working directory of the agent. */
  project_root: string
  /** The agent's own folder under the storage: 0700, exists. */
  directory: string
  /** Complete: the spawner adds nothing of its own environment but what its allow-list names. */
  environment: Record<string, string>
  /** What the agent is told to be and to do. */
  prompt: string
  task: string
  tools: string[]
  model: string
  /** File that takes the agent's output. */
  log_file: string
}

export interface AgentExit {
  /** `null` when it was ended by a signal or is unknown. */
  code: number | null
  signal: string | null
}

export interface AgentHandle {
  /** `null` where an agent is no process of this machine. */
  readonly process_id: number | null
  /** What `adopt` needs after a restart of the sidecar. Holds no secret. */
  readonly reference: Json
  /** Resolves once, when nothing of the agent is left; never rejects. */
  readonly exited: Promise<AgentExit>
  /** Asks everything that belongs to the agent to end, and ends it after `graceMs`. Resolves when it is gone. Idempotent. */
  stop (options: { graceMs: number }): Promise<void>
}

/** Errors: `AGT_001` when the agent could not be started; the message says what to do. */
export interface Spawner extends Lifecycle {
  /** `adopt`: agents outlive the sidecar and can be taken over again. */
  readonly supports: { adopt: boolean }
  /** Resolves when the agent really exists. */
  start (request: LaunchRequest): Promise<AgentHandle>
  /** The agent that `reference` names, or `undefined` when it is not there any more. */
  adopt? (reference: Json): Promise<AgentHandle | undefined>
  /** Ends what an agent that cannot be adopted may have left behind. */
  clean? (reference: Json): Promise<void>
}
