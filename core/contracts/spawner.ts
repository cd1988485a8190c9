import type { Json, Lifecycle } from './common.js'

/** What an agent has used so far, in all; `null` where it is not known. */
export interface AgentUsage {
  /** Tokens that were sent to the model, without those of `cached_tokens`. */
  input_tokens: number | null
  output_tokens: number | null
  /** Tokens that were sent and that the model's host found in its cache. */
  cached_tokens: number | null
  /** US dollars, as the agent itself reports them. */
  cost_usd: number | null
  /** Answers of the model. */
  turns: number | null
}

/** What an agent shows of itself while it runs. */
export type AgentSign =
  /** Output or an event of any kind; may come many times a second. */
  | { kind: 'alive' }
  /** What it is at, in a few words of one line, at most 200 characters; never a secret that it has read. */
  | { kind: 'progress', message: string }
  /** Totals so far, never a difference: a usage that was told before may be told again. */
  | { kind: 'usage', usage: AgentUsage }
  /** Its model refuses calls. `until`: milliseconds since the epoch, `null` where the agent does not say; it may have passed when the sign of an adopted agent comes again. */
  | { kind: 'rate_limited', until: number | null }
  /** Its final word; the process may hang after it. A spawner of `signs: 'events'` tells a failure itself when the agent ends without one. */
  | { kind: 'result', status: 'success' | 'failed', text: string }

/** Called in the order in which things were seen; must not throw. No sign comes after `exited` has resolved. */
export type OnSign = (sign: AgentSign) => void

export interface LaunchRequest {
  agent_id: string
  agent_type: string
  project_id: string
  issue_id: string
  /** Working directory of the agent. */
  project_root: string
  /** The agent's own folder under the storage: 0700, exists. What a spawner writes for it, it writes here, with mode 0600 or 0700. */
  directory: string
  /** Complete: the spawner adds nothing of its own environment, and only variables that its documentation names. Holds the agent's token. */
  environment: Record<string, string>
  /** What the agent is told to be. */
  prompt: string
  /** What the agent is told to do. */
  task: string
  /** Names as in a profile, for example `Read`; empty where the profile says nothing. */
  tools: string[]
  /** Tier as in a profile: `opus`, `sonnet` or `haiku`. */
  model: string
  /** Bounds that a spawner hands on where its agents know such a thing. */
  max_turns?: number
  max_cost_usd?: number
  /** File that takes the agent's output, by the child's own descriptor and opened for appending: an agent outlives the sidecar, and the file may be cut to nothing at any time. */
  log_file: string
  on_sign: OnSign
}

export interface AgentExit {
  /** `null` when it was ended by a signal or is unknown. */
  code: number | null
  signal: string | null
  /** It went on after its final word, and the spawner ended it: that word decides, and neither code nor signal. */
  hung?: true
}

export interface AgentHandle {
  /** `null` where an agent is no process of this machine. */
  readonly process_id: number | null
  /** What `adopt` needs after a restart of the sidecar. Holds no secret. */
  readonly reference: Json
  /** Resolves once, when nothing of the agent is left and all its signs were told; never rejects. */
  readonly exited: Promise<AgentExit>
  /** Asks everything that belongs to the agent to end, and ends it after `graceMs`. Resolves when it is gone. Idempotent. */
  stop (options: { graceMs: number }): Promise<void>
}

/** What `adopt` is given beside the reference: the same as at the start. */
export interface AdoptOptions {
  log_file: string
  on_sign: OnSign
}

/** What a spawner would start, as `cco spawner list` shows it. */
export interface SpawnerProgram {
  /** Path of the program. */
  program: string
  /** As it says itself; `null` where it does not. */
  version: string | null
}

/** Errors: `AGT_001` when the agent could not be started; the message says what to do. */
export interface Spawner extends Lifecycle {
  readonly supports: {
    /** Agents outlive the sidecar and can be taken over again. */
    adopt: boolean
    /** `events`: the agent's own events, understood; `output`: that it wrote something; `none`: nothing, so that its first call of the API is its first sign. */
    signs: 'events' | 'output' | 'none'
  }
  /** How long an agent may take to its first sign, where the spawner knows better than the settings. */
  readonly first_sign_seconds?: number
  /** How long an agent that runs may show nothing before it counts as hanging, where the settings set no limit. */
  readonly silence_seconds?: number
  /** Resolves when the agent really exists. */
  start (request: LaunchRequest): Promise<AgentHandle>
  /** The agent that `reference` names, or `undefined` when it is not there any more. Everything that its log file holds is read again, so that signs that came in the meantime are told, too. */
  adopt? (reference: Json, options: AdoptOptions): Promise<AgentHandle | undefined>
  /** Ends what an agent that cannot be adopted may have left behind. */
  clean? (reference: Json): Promise<void>
  /** Finds what agents with this environment would run, and starts none. Rejects with `AGT_001` and what to do when there is nothing. */
  probe? (environment: Record<string, string>): Promise<SpawnerProgram>
  /** Variables with which an agent asks a stand-in for its model at this address; `undefined` where variables cannot say so. For trials that cost nothing. */
  trial? (address: string): Record<string, string> | undefined
}
