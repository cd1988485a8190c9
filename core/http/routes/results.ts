import Type from '../../typebox.js'
import type { JsonObject } from '../../contracts/common.js'
import type { ResultRecord, ResultStatus } from '../../contracts/result-store.js'
import { apiError } from '../../errors.js'
import { callerOf } from '../access.js'
import { IdempotencyHeaders, REPLAYED, ReplayedHeader } from '../idempotency.js'
import { BODY_ERRORS, Identifier, Nullable, responses, ResultEnvelope, Strict, Time, Verbatim } from '../schemas.js'
import type { App, Services } from '../types.js'

const FileEntry = Type.Union([Type.String({ maxLength: 4096 }), Type.Object({ path: Type.String({ maxLength: 4096 }) })])
const Files = Type.Array(FileEntry, { maxItems: 10_000 })
const Notes = Type.Array(Type.Any(), { maxItems: 10_000 })

/** The agent's own: further members are kept as they are. */
const Result = Type.Object({
  status: Type.Enum(['success', 'failed', 'partial']),
  files_created: Type.Optional(Files),
  files_modified: Type.Optional(Files),
  files_deleted: Type.Optional(Files),
  decisions: Type.Optional(Notes),
  metrics: Type.Optional(Verbatim),
  artifacts: Type.Optional(Verbatim),
  errors: Type.Optional(Notes),
  warnings: Type.Optional(Notes),
  next_steps: Type.Optional(Notes)
})

const Body = Strict({
  agent_id: Identifier,
  agent_type: Identifier,
  issue_id: Identifier,
  project_id: Type.Optional(Identifier),
  result: Result,
  correlation_id: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
  round: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000_000 })),
  timestamp: Type.Optional(Time)
})

const Stored = Type.Object({
  id: Type.String(),
  stored: Type.Boolean(),
  storage_path: Type.String(),
  next_agents: Type.Array(Type.String()),
  next_agent_suggestions: Type.Array(Type.Object({ agent_type: Type.String(), priority: Type.String(), reason: Type.String() })),
  event_published: Type.Boolean(),
  event_id: Nullable(Type.String()),
  timestamp: Time
})

/** A key is between its agent and the server. */
function shown ({ idempotency_key: _key, ...record }: ResultRecord): Omit<ResultRecord, 'idempotency_key'> {
  return record
}

export async function resultRoutes (app: App, { results, store, projects }: Services): Promise<void> {
  app.post('/api/results', {
    config: { access: 'write_results', scope: 'agent', priority: 'high' },
    schema: { summary: 'Stores what an agent achieved', tags: ['results'], headers: IdempotencyHeaders, body: Body, response: responses({ 201: { ...Stored, ...ReplayedHeader } }, 404, ...BODY_ERRORS) }
  }, async (request, reply) => {
    const caller = callerOf(request)
    const { body, headers: { 'idempotency-key': key } } = request
    for (const member of ['agent_id', 'agent_type', 'project_id'] as const) {
      if (body[member] !== undefined && body[member] !== caller[member]) {
        throw apiError('AUTH_003', `${member} must be the caller's own: the token says who stores a result.`)
      }
    }
    const stored = await results.store(caller.project_id, projects.get(caller.project_id).profiles, {
      agent_id: body.agent_id,
      agent_type: body.agent_type,
      issue_id: body.issue_id,
      result: body.result as JsonObject & { status: ResultStatus },
      ...(body.correlation_id === undefined ? {} : { correlation_id: body.correlation_id }),
      ...(body.round === undefined ? {} : { round: body.round }),
      ...(key === undefined ? {} : { idempotency_key: key })
    })
    if (stored.replayed) reply.header(REPLAYED, 'true')
    return await reply.code(201).send({
      id: stored.record.id,
      stored: true,
      storage_path: stored.storage_path,
      next_agents: stored.next.map((next) => next.agent_type),
      next_agent_suggestions: stored.next,
      event_published: stored.event_id !== null,
      event_id: stored.event_id,
      timestamp: stored.record.timestamp
    })
  })

  app.get('/api/results', {
    config: { access: 'read_context', priority: 'low' },
    schema: {
      summary: 'Results of the project, newest first',
      tags: ['results'],
      querystring: Strict({
        issue_id: Type.Optional(Identifier),
        agent_type: Type.Optional(Identifier),
        status: Type.Optional(Type.Enum(['success', 'failed', 'partial'])),
        since: Type.Optional(Time),
        until: Type.Optional(Time),
        limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 100 })),
        cursor: Type.Optional(Type.String({ maxLength: 512 }))
      }),
      response: responses({ 200: Type.Object({ results: Type.Array(ResultEnvelope), next_cursor: Type.Optional(Type.String()) }) })
    }
  }, async (request) => {
    const { since, until, limit = 100, ...rest } = request.query
    const page = await store.list(callerOf(request).project_id, {
      ...rest,
      limit,
      ...(since === undefined ? {} : { since: Date.parse(since) }),
      ...(until === undefined ? {} : { until: Date.parse(until) })
    })
    return { ...page, results: page.results.map(shown) }
  })

  app.post('/api/results/prune', {
    config: { access: 'admin', audit: 'results.pruned' },
    schema: {
      summary: 'Removes results that are older than a time, or tells how many there are',
      tags: ['results'],
      body: Strict({ before: Time, project_id: Type.Optional(Identifier), dry_run: Type.Optional(Type.Boolean()) }),
      response: responses({ 200: Type.Object({ project_id: Type.String(), before: Time, dry_run: Type.Boolean(), removed: Type.Integer(), bytes: Type.Integer(), timestamp: Time }) }, 404, ...BODY_ERRORS)
    }
  }, async (request) => {
    const { before, project_id: project = callerOf(request).project_id, dry_run: dryRun = false } = request.body
    const pruned = await store.prune(projects.get(project).project.id, { before: Date.parse(before), dryRun })
    request.act = { resource: 'results', project, details: { before: new Date(before).toISOString(), ...pruned }, ...(dryRun ? { nothing: true } : {}) }
    return { project_id: project, before: new Date(before).toISOString(), dry_run: dryRun, ...pruned, timestamp: new Date().toISOString() }
  })

  app.get('/api/results/:id', {
    config: { access: 'read_context', priority: 'low' },
    schema: { summary: 'One result, whole', tags: ['results'], params: Strict({ id: Identifier }), response: responses({ 200: ResultEnvelope }, 404) }
  }, async (request) => {
    const record = await store.get(callerOf(request).project_id, request.params.id)
    if (record === undefined) throw apiError('NOT_001', `There is no result '${request.params.id}'.`)
    return shown(record)
  })

  const Issue = Strict({
    title: Type.String({ minLength: 1, maxLength: 500 }),
    description: Type.Optional(Type.String({ maxLength: 100_000 })),
    labels: Type.Optional(Type.Array(Type.String({ maxLength: 100 }), { maxItems: 100 })),
    files: Type.Optional(Type.Array(Type.String({ maxLength: 4096 }), { maxItems: 1000 }))
  })
  const IssueAnswer = Type.Object({ ...Issue.properties, issue_id: Type.String(), created_at: Time, updated_at: Time })
  const IssueParams = Strict({ issue_id: Identifier })

  app.put('/api/issues/:issue_id', {
    config: { access: ['write_results', 'admin'] },
    schema: { summary: 'Says what an issue is about', tags: ['issues'], params: IssueParams, body: Issue, response: responses({ 200: IssueAnswer, 201: IssueAnswer }, ...BODY_ERRORS) }
  }, async (request, reply) => {
    const { project_id: project } = callerOf(request)
    const { issue_id: issueId } = request.params
    const known = await store.getIssue(project, issueId)
    const now = new Date().toISOString()
    const issue = { issue_id: issueId, ...request.body, created_at: known?.created_at ?? now, updated_at: now }
    await store.putIssue(project, issue)
    return await reply.code(known === undefined ? 201 : 200).send(issue)
  })

  app.get('/api/issues/:issue_id', {
    config: { access: 'read_context' },
    schema: { summary: 'What an issue is about', tags: ['issues'], params: IssueParams, response: responses({ 200: IssueAnswer }, 404) }
  }, async (request) => {
    const issue = await store.getIssue(callerOf(request).project_id, request.params.issue_id)
    if (issue === undefined) throw apiError('NOT_001', `There is no issue '${request.params.issue_id}'.`)
    return issue
  })
}
