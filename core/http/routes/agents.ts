import type { FastifyReply } from 'fastify'
import Type from '../../typebox.js'
import type { Claims } from '../../contracts/auth.js'
import type { AgentRecord } from '../../fleet/agent-record.js'
import type { Spawned as SpawnAnswer, Waiting } from '../../fleet/fleet.js'
import { apiError } from '../../errors.js'
import { callerOf, isAdmin, scopeOf } from '../access.js'
import type { Act } from '../audit.js'
import { BODY_ERRORS, Identifier, Nullable, Priority, responses, Strict, Time, WorkProof } from '../schemas.js'
import type { App, Services } from '../types.js'

const State = Type.Enum(['queued', 'starting', 'running', 'completed', 'failed', 'stopped', 'lost'])

const Count = Nullable(Type.Integer())

const Usage = Type.Object({ input_tokens: Count, output_tokens: Count, cached_tokens: Count, cost_usd: Nullable(Type.Number()), turns: Count })

const Workspace = Type.Enum(['shared', 'worktree', 'clone'], { description: 'Where it works: in the project itself, in a git worktree of its own, or in a clone of its own.' })

const Agent = Type.Object({
  agent_id: Type.String(),
  agent_type: Type.String(),
  project_id: Type.String(),
  issue_id: Type.String(),
  task: Type.String(),
  state: State,
  priority: Priority,
  spawner: Type.String(),
  model_tier: Type.String(),
  workspace: Workspace,
  process_id: Nullable(Type.Integer()),
  timeout_seconds: Type.Integer(),
  attempt: Type.Integer({ description: 'From 1.' }),
  earlier_attempts: Type.Array(Type.Object({
    attempt: Type.Integer(),
    failure: Nullable(Type.String()),
    reason: Nullable(Type.String()),
    exit_code: Nullable(Type.Integer()),
    signal: Nullable(Type.String()),
    started_at: Nullable(Time),
    ended_at: Nullable(Time)
  })),
  retry_of: Nullable(Type.String()),
  position: Nullable(Type.Integer({ description: 'Place in the queue, from 1.' })),
  waits_for: Nullable(Type.Enum(['place', 'ramp', 'retry', 'rate_limit', 'circuit_breaker', 'budget'])),
  not_before: Nullable(Time),
  usage: Nullable(Usage),
  created_at: Time,
  started_at: Nullable(Time),
  ended_at: Nullable(Time),
  last_sign_at: Nullable(Time),
  exit_code: Nullable(Type.Integer()),
  signal: Nullable(Type.String()),
  progress: Nullable(Type.Number()),
  message: Nullable(Type.String()),
  failure: Nullable(Type.String()),
  reason: Nullable(Type.String()),
  result_id: Nullable(Type.String()),
  proof: Nullable(WorkProof),
  correlation_id: Nullable(Type.String()),
  round: Nullable(Type.Integer())
})

/** What is shown of an agent: neither its environment nor what only its spawner understands. */
function show (record: AgentRecord, waiting: Waiting | undefined) {
  return {
    agent_id: record.agent_id,
    agent_type: record.agent_type,
    project_id: record.project_id,
    issue_id: record.issue_id,
    task: record.task,
    state: record.state,
    priority: record.priority,
    spawner: record.spawner,
    model_tier: record.model_tier,
    workspace: record.workspace ?? 'shared',
    process_id: record.process_id,
    timeout_seconds: record.timeout_seconds,
    attempt: record.attempt,
    earlier_attempts: (record.earlier ?? []).map(({ attempt, failure, reason, exit, started_at: startedAt, ended_at: endedAt }) => ({
      attempt,
      failure: failure ?? null,
      reason: reason ?? null,
      exit_code: exit?.code ?? null,
      signal: exit?.signal ?? null,
      started_at: startedAt ?? null,
      ended_at: endedAt ?? null
    })),
    retry_of: record.retry_of ?? null,
    position: waiting?.position ?? null,
    waits_for: waiting?.waits_for ?? null,
    not_before: record.not_before ?? null,
    usage: record.usage ?? null,
    created_at: record.created_at,
    started_at: record.started_at ?? null,
    ended_at: record.ended_at ?? null,
    last_sign_at: record.last_sign_at ?? null,
    exit_code: record.exit?.code ?? null,
    signal: record.exit?.signal ?? null,
    progress: record.progress ?? null,
    message: record.message ?? null,
    failure: record.failure ?? null,
    reason: record.reason ?? null,
    result_id: record.result_id ?? null,
    proof: record.work?.proof ?? null,
    correlation_id: record.correlation_id ?? null,
    round: record.round ?? null
  }
}

const Spawn = Strict({
  agent_type: Identifier,
  issue_id: Identifier,
  task: Type.String({ minLength: 1, maxLength: 100_000 }),
  project_id: Type.Optional(Identifier),
  context_requirements: Type.Optional(Type.Array(Type.String({ pattern: '^[a-z0-9_-]{1,64}$' }), { maxItems: 24 })),
  environment: Type.Optional(Type.Record(Type.String(), Type.String({ maxLength: 32_768 }), { maxProperties: 200 })),
  priority: Type.Optional(Priority),
  workspace: Type.Optional(Workspace),
  workspace_base: Type.Optional(Type.String({ minLength: 1, maxLength: 256, description: 'Commit, branch or tag that a workspace of its own begins from; the head of the project by default.' })),
  spawner: Type.Optional(Type.String({ minLength: 1, maxLength: 128 })),
  timeout_seconds: Type.Optional(Type.Integer({ minimum: 1, maximum: 86_400 })),
  correlation_id: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
  round: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000_000 }))
})

const Spawned = Type.Object({
  agent_id: Type.String(),
  spawned: Type.Boolean(),
  process_id: Nullable(Type.Integer()),
  context_injected: Type.Boolean(),
  jwt_token: Nullable(Type.String()),
  webhook_url: Type.String(),
  timestamp: Time
})

const Queued = Type.Object({
  agent_id: Type.String(),
  spawned: Type.Boolean(),
  queued: Type.Boolean(),
  position: Type.Integer(),
  webhook_url: Type.String(),
  timestamp: Time
})

const Params = Strict({ agent_id: Identifier })

/** Names of variables only: values may be secrets. */
function actOn ({ agent_id: id, agent_type: type, project_id: project, issue_id: issue, spawner, state, retry_of: retryOf, environment = {} }: AgentRecord): Act {
  return {
    resource: `agent/${id}`,
    project,
    details: { agent_type: type, issue_id: issue, spawner, state, ...(retryOf === undefined ? {} : { retry_of: retryOf }), environment: Object.keys(environment) }
  }
}

/** The operator may give any right. */
function bounded (caller: Claims): { permissions?: Claims['permissions'] } {
  return isAdmin(caller) ? {} : { permissions: caller.permissions }
}

async function answer (reply: FastifyReply, { record, position, token, context_injected: injected }: SpawnAnswer): Promise<FastifyReply> {
  const common = { agent_id: record.agent_id, webhook_url: `/api/agents/${record.agent_id}/status`, timestamp: new Date().toISOString() }
  if (position !== undefined) return await reply.code(202).send({ ...common, spawned: false, queued: true, position })
  return await reply.code(201).send({ ...common, spawned: true, process_id: record.process_id, context_injected: injected, jwt_token: token ?? null })
}

export async function agentRoutes (app: App, { context, fleet, projects }: Services): Promise<void> {
  const shown = (record: AgentRecord) => show(record, fleet.waiting(record))

  app.post('/api/agents/spawn', {
    config: { access: 'spawn_agents', audit: 'agent.spawned' },
    schema: { summary: 'Starts an agent with its context', tags: ['agents'], body: Spawn, response: responses({ 201: Spawned, 202: Queued }, 404, ...BODY_ERRORS) }
  }, async (request, reply) => {
    const caller = callerOf(request)
    const { project_id: wanted = caller.project_id, context_requirements: needs, ...body } = request.body
    if (wanted !== caller.project_id && !isAdmin(caller)) throw apiError('AUTH_003', 'An agent is started in the caller\'s own project.')
    const { project, profiles } = projects.get(wanted)
    // Requirement names are written with `-`; older clients write `_`.
    const requirements = needs?.map((need) => need.replaceAll('_', '-'))
    context.checkRequirements(requirements ?? [])
    const spawned = await fleet.spawn(
      { id: project.id, root: project.root, profile: profiles.get, findProfile: profiles.find },
      // Who was started by a trigger does not get out of its bounds by starting others, and nobody gives rights that he lacks.
      { ...body, ...bounded(caller), depth: fleet.depthOf(caller.project_id, caller.agent_id), ...(requirements === undefined ? {} : { context_requirements: requirements }) }
    )
    request.act = actOn(spawned.record)
    return await answer(reply, spawned)
  })

  app.post('/api/agents/:agent_id/retry', {
    config: { access: 'spawn_agents', audit: 'agent.retried' },
    schema: { summary: 'Does the work of an agent that has ended once more, with a new agent', tags: ['agents'], params: Params, response: responses({ 201: Spawned, 202: Queued }, 404, ...BODY_ERRORS) }
  }, async (request, reply) => {
    const { agent_id: agentId, project_id: id } = fleet.get(scopeOf(callerOf(request)), request.params.agent_id)
    const { project, profiles } = projects.get(id)
    const again = await fleet.retry({ id, root: project.root, profile: profiles.get, findProfile: profiles.find }, agentId, bounded(callerOf(request)).permissions)
    request.act = actOn(again.record)
    return await answer(reply, again)
  })

  app.get('/api/agents', {
    config: { access: 'read_context', priority: 'low' },
    schema: {
      summary: 'Agents of the project, newest first; those of all projects for the operator',
      tags: ['agents'],
      querystring: Strict({ status: Type.Optional(State), agent_type: Type.Optional(Identifier), issue_id: Type.Optional(Identifier) }),
      response: responses({ 200: Type.Object({ agents: Type.Array(Agent) }) })
    }
  }, async (request) => ({ agents: fleet.list(scopeOf(callerOf(request)), request.query).map(shown) }))

  app.get('/api/agents/:agent_id/status', {
    config: { access: 'read_context', priority: 'normal' },
    schema: { summary: 'What is known of an agent', tags: ['agents'], params: Params, response: responses({ 200: Agent }, 404) }
  }, async (request) => shown(fleet.get(scopeOf(callerOf(request)), request.params.agent_id)))

  app.get('/api/agents/:agent_id/logs', {
    config: { access: 'read_context', priority: 'low' },
    schema: {
      summary: 'The last lines that an agent wrote',
      tags: ['agents'],
      params: Params,
      querystring: Strict({ tail: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000, default: 200 })) }),
      response: responses({ 200: Type.Object({ agent_id: Type.String(), log: Type.String() }) }, 404)
    }
  }, async (request) => {
    const { agent_id: agentId } = request.params
    return { agent_id: agentId, log: await fleet.logs(scopeOf(callerOf(request)), agentId, request.query.tail ?? 200) }
  })

  app.post('/api/agents/:agent_id/status', {
    config: { access: 'any', scope: 'agent', priority: 'high' },
    schema: {
      summary: 'A sign of life of the agent itself',
      tags: ['agents'],
      params: Params,
      body: Strict({
        state: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
        progress: Type.Optional(Type.Number({ minimum: 0, maximum: 100 })),
        message: Type.Optional(Type.String({ maxLength: 2000 }))
      }),
      response: responses({ 200: Agent }, 404, ...BODY_ERRORS)
    }
  }, async (request) => {
    const caller = callerOf(request)
    if (caller.agent_id !== request.params.agent_id) throw apiError('AUTH_003', 'Only the agent itself tells how it is.')
    return shown(await fleet.heartbeat(caller.project_id, caller.agent_id, request.body ?? {}))
  })

  app.delete('/api/agents/:agent_id', {
    config: { access: 'spawn_agents', audit: 'agent.stopped', priority: 'high' },
    schema: {
      summary: 'Ends an agent: TERM, then KILL',
      tags: ['agents'],
      params: Params,
      querystring: Strict({
        force: Type.Optional(Type.Boolean({ description: 'KILL at once.' })),
        timeout_seconds: Type.Optional(Type.Integer({ minimum: 0, maximum: 300, default: 5 }))
      }),
      response: responses({ 200: Type.Object({ ...Agent.properties, stopped: Type.Boolean(), timestamp: Time }) }, 404, ...BODY_ERRORS)
    }
  }, async (request) => {
    const { force = false, timeout_seconds: grace = 5 } = request.query
    const record = await fleet.stop(scopeOf(callerOf(request)), request.params.agent_id, force ? 0 : grace * 1000)
    request.act = actOn(record)
    return { ...shown(record), stopped: record.state === 'stopped', timestamp: new Date().toISOString() }
  })
}
