import type { AgentProfile, AuditLog, Auth, Clock, Logger, ResultRecord, Spawner } from '../contracts/index.js'
import type { Events } from '../events/events.js'
import type { ResultSubmission } from '../results/results.js'
import type { AgentRecord } from './agent-record.js'
import type { GovernorLimits } from './governor/governor.js'
import type { RetryLimits } from './retries/retry-policy.js'
import type { ResourceLimits } from './supervision/resource-limits.js'
import type { SupervisionLimits } from './supervision/supervision.js'
import type { Workspaces } from './workspaces/workspaces.js'

export interface FleetProject {
  id: string
  root: string
  profile (agentType: string): AgentProfile
  findProfile (agentType: string): AgentProfile | undefined
}

/** The settings of `spawn`. */
export interface FleetLimits extends GovernorLimits, RetryLimits, ResourceLimits, SupervisionLimits {
  timeout_seconds: number
  environment: readonly string[]
  /** For an agent that names none. */
  spawner: string
}

export interface FleetOptions {
  storage: string
  spawners: ReadonlyMap<string, Spawner>
  /** Whose tokens are recorded as the sidecar's own. */
  auth: Auth
  audit: AuditLog
  events: Events
  clock: Clock
  log: Logger
  limits: FleetLimits
  tokenSeconds: number
  /** The sidecar's own environment, of which agents get what the allow-list names. */
  inherited: Record<string, string | undefined>
  workspaces: Workspaces
  project (id: string): FleetProject
  /** Base address of the API, or `undefined` while nothing listens. */
  address (): string | undefined
  /** File by which agents verify the certificate of that address, where its authority is not one that everybody trusts. */
  authority (): string | undefined
  context (agent: AgentRecord): Promise<Buffer>
  storeResult (project: string, submission: ResultSubmission): Promise<ResultRecord>
  /** The newest result that an agent has stored itself. */
  findResult (agent: AgentRecord): Promise<ResultRecord | undefined>
}
