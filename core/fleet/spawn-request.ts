import { apiError } from '../errors.js'
import type { Permission, Priority } from '../contracts/index.js'
import type { AgentRecord, AgentTrigger } from './agent-record.js'
import { checkEnvironment } from './environment.js'
import type { FleetOptions, FleetProject } from './fleet-options.js'
import type { WorkspaceKind } from './workspaces/workspaces.js'

/** What is asked for when an agent is to be started. */
export interface SpawnBody {
  agent_type: string
  issue_id: string
  task: string
  context_requirements?: string[]
  environment?: Record<string, string>
  priority?: Priority
  spawner?: string
  timeout_seconds?: number
  workspace?: WorkspaceKind
  workspace_base?: string
  correlation_id?: string
  round?: number
  /** What its token may allow at most, where who asks for it has less than its profile. */
  permissions?: readonly Permission[]
  trigger?: AgentTrigger
  /** How many triggers lie behind it. */
  depth?: number
}

/** The record of an agent that is about to be started. Throws `AGT_002` for an unknown type, `VAL_001` for what cannot be given to it. */
export function createRecord ({ spawners, limits, clock }: FleetOptions, project: FleetProject, body: SpawnBody, id: string): AgentRecord {
  const profile = project.profile(body.agent_type)
  const spawner = body.spawner ?? profile.spawn.spawner ?? limits.spawner
  if (!spawners.has(spawner)) {
    throw apiError('VAL_001', `There is no spawner '${spawner}'. Known: ${[...spawners.keys()].map((name) => `'${name}'`).join(', ')}.`, { details: { issues: [{ path: 'spawner', message: 'is not known' }] } })
  }
  checkEnvironment(body.environment ?? {})
  return {
    agent_id: `${body.agent_type.slice(0, 100)}-${id}`,
    agent_type: body.agent_type,
    project_id: project.id,
    issue_id: body.issue_id,
    task: body.task,
    state: 'starting',
    priority: body.priority ?? 'normal',
    spawner,
    model_tier: profile.model.tier,
    attempt: 1,
    timeout_seconds: body.timeout_seconds ?? profile.spawn.timeout_seconds ?? limits.timeout_seconds,
    environment: body.environment ?? {},
    workspace: body.workspace ?? profile.spawn.workspace ?? 'shared',
    ...(body.workspace_base === undefined ? {} : { workspace_base: body.workspace_base }),
    context_requirements: body.context_requirements ?? [],
    ...(body.correlation_id === undefined ? {} : { correlation_id: body.correlation_id }),
    ...(body.round === undefined ? {} : { round: body.round }),
    ...(body.permissions === undefined ? {} : { permissions: [...body.permissions] }),
    ...(body.trigger === undefined ? {} : { trigger: body.trigger }),
    ...(body.depth === undefined || body.depth === 0 ? {} : { depth: body.depth }),
    created_at: new Date(clock()).toISOString(),
    process_id: null,
    reference: null
  }
}
