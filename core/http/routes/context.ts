import { Readable } from 'node:stream'
import type { FastifyRequest } from 'fastify'
import { LRUCache } from 'lru-cache'
import type { Static } from 'typebox'
import { connectionOf } from '../../connection.js'
import type { ContextQuery } from '../../context/context.js'
import Type from '../../typebox.js'
import { apiError } from '../../errors.js'
import { callerOf, isAdmin } from '../access.js'
import { BODY_ERRORS, Identifier, Nullable, responses, Strict, Time, Verbatim } from '../schemas.js'
import type { App, Services } from '../types.js'

const MAX_BYTES = 10 * 1024 * 1024

const Params = Strict({ issue_id: Identifier, agent_type: Identifier })

const Query = Strict({
  task: Type.Optional(Type.String({ maxLength: 20_000, description: 'What the agent is to do, in words; ranks the files.' })),
  max_bytes: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_BYTES })),
  max_tokens: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000_000 })),
  requirements: Type.Optional(Type.String({ maxLength: 2000, pattern: '^[a-z0-9-]+(,[a-z0-9-]+)*$', description: 'Comma list, added to the profile\'s.' })),
  fresh: Type.Optional(Type.Boolean({ description: 'Skips the cache.' })),
  since: Type.Optional(Type.String({ maxLength: 200, description: 'ETag of an earlier answer: `relevant_files` then holds only what differs from it, and `delta` what is gone. All where that answer is not known any more.' })),
  explain: Type.Optional(Type.Boolean({ description: 'Says for each file why it is in the answer or not.' }))
})

const RelevantFile = Type.Object({
  path: Type.String(),
  content: Type.String(),
  size: Type.Integer({ description: 'Bytes of the file on the disk.' }),
  last_modified: Time,
  language: Nullable(Type.String()),
  checksum: Type.String(),
  truncation: Type.Enum(['none', 'sampled', 'outline', 'stripped', 'summary'])
})

const Answer = Type.Object({
  issue_id: Type.String(),
  agent_type: Type.String(),
  context: Type.Object({
    task: Nullable(Type.Object({ issue_id: Type.String(), title: Type.Optional(Type.String()), description: Type.Optional(Type.String()) })),
    project_structure: Type.Object({
      root: Type.String(),
      files: Type.Array(Type.String()),
      directories: Type.Array(Type.String()),
      total_files: Type.Integer(),
      total_size_bytes: Type.Integer()
    }),
    relevant_files: Type.Array(RelevantFile),
    git_context: Nullable(Type.Object({
      branch: Nullable(Type.String()),
      head: Nullable(Type.String()),
      recent_commits: Type.Array(Verbatim),
      uncommitted_changes: Type.Array(Verbatim),
      remote: Nullable(Type.String()),
      remote_url: Nullable(Type.String())
    })),
    previous_agent_outputs: Type.Array(Verbatim),
    metadata: Verbatim
  }),
  truncated: Type.Boolean(),
  truncation_strategy: Type.String(),
  total_size_bytes: Type.Integer(),
  token_count: Type.Integer({ description: 'Tokens of the o200k_base vocabulary.' }),
  file_count: Type.Integer(),
  cache_hit: Type.Boolean(),
  timestamp: Type.String({ format: 'date-time', description: 'When it was made, RFC 3339, UTC; an answer from the cache keeps it.' }),
  strategies: Type.Array(Verbatim),
  explanation: Type.Optional(Type.Array(Verbatim)),
  delta: Type.Optional(Type.Object({
    since: Type.String(),
    removed: Type.Array(Type.String(), { description: 'Paths of the earlier answer that this one does not have.' }),
    unchanged: Type.Integer({ description: 'Files that are as they were and left out.' })
  }))
})

type ContextRequest = Pick<FastifyRequest, 'url' | 'raw'> & { params: Static<typeof Params>, query: Static<typeof Query> }

function queryOf ({ params, query }: ContextRequest): ContextQuery {
  const { task, max_bytes: maxBytes = MAX_BYTES, max_tokens: maxTokens = null, requirements, fresh = false, explain = false, since } = query
  return {
    issueId: params.issue_id,
    agentType: params.agent_type,
    ...(task === undefined ? {} : { task }),
    maxBytes,
    maxTokens,
    requirements: requirements?.split(',') ?? [],
    fresh,
    explain,
    // As it stands in the header, with or without its quotes.
    ...(since === undefined ? {} : { since: `"${since.replace(/^W\//, '').replaceAll('"', '')}"` })
  }
}

interface Asked { project: string, url: string, query: ContextQuery }

/** Makes a query of a request. What is found out about a query is kept with it, and an agent asks the same again and again. */
function createQueries (): (request: ContextRequest, project: string) => ContextQuery {
  const known = new LRUCache<string, ContextQuery>({ maxSize: KEPT_CHARACTERS, sizeCalculation: (_query, { length }) => length + QUERY_CHARACTERS })
  // Mostly by the same connection, and to compare two texts takes less than to look one up.
  const latest = new WeakMap<object, Asked>()
  return (request, project) => {
    const { url } = request
    const connection = connectionOf(request.raw)
    const last = latest.get(connection)
    if (last?.url === url && last.project === project) return last.query
    const key = `${project} ${url}`
    let query = known.get(key)
    if (query === undefined) known.set(key, query = queryOf(request))
    latest.set(connection, { project, url, query })
    return query
  }
}

const KEPT_CHARACTERS = 4 * 1024 * 1024
/** What an entry takes beside its key. */
const QUERY_CHARACTERS = 500

export async function contextRoutes (app: App, { context, projects, cache }: Services): Promise<void> {
  const queryFor = createQueries()

  app.get('/api/context/:issue_id/:agent_type', {
    config: { access: 'read_context', priority: 'low' },
    schema: {
      summary: 'The context that an agent of this type needs for this issue',
      tags: ['context'],
      params: Params,
      querystring: Query,
      response: responses({ 200: Answer, 304: Type.Null({ description: 'The caller has it already.' }) }, 404, 413)
    }
  }, async (request, reply) => {
    const caller = callerOf(request)
    const { agent_type: agentType } = request.params
    if (agentType !== caller.agent_type && !isAdmin(caller) && !caller.permissions.includes('spawn_agents')) {
      throw apiError('AUTH_003', 'An agent reads the context of its own type only.')
    }
    const { project, profiles } = projects.get(caller.project_id)
    const { etag, body } = await context.get(project, profiles, queryFor(request, caller.project_id), request.headers['if-none-match'])
    reply.header('etag', etag).header('cache-control', 'private, no-cache')
    if (body === undefined) reply.code(304)
    else reply.header('content-type', 'application/json; charset=utf-8')
    if (body === undefined || body.length === 1) return body?.[0]
    reply.header('content-length', body.reduce((sum, { length }) => sum + length, 0))
    return Readable.from(body)
  })

  const Cleared = Type.Object({ cleared: Type.Boolean(), entries_removed: Type.Integer(), bytes_freed: Type.Integer(), timestamp: Time })
  const cleared = ({ removed, bytes }: { removed: number, bytes: number }) => ({
    cleared: true, entries_removed: removed, bytes_freed: bytes, timestamp: new Date().toISOString()
  })

  app.delete('/api/cache/context/:issue_id', {
    config: { access: 'read_context' },
    schema: {
      summary: 'Forgets what is cached for an issue',
      tags: ['context'],
      params: Strict({ issue_id: Identifier }),
      querystring: Strict({ agent_type: Type.Optional(Identifier) }),
      response: responses({ 200: Cleared }, ...BODY_ERRORS)
    }
  }, async (request) => {
    const { agent_type: agentType } = request.query
    return cleared(await cache.delete({
      project: callerOf(request).project_id, issue: request.params.issue_id, ...(agentType === undefined ? {} : { agentType })
    }))
  })

  app.delete('/api/cache/all', {
    config: { access: 'admin', scope: 'sidecar', audit: 'cache.cleared' },
    schema: { summary: 'Forgets all cached contexts of all projects', tags: ['context'], response: responses({ 200: Cleared }, ...BODY_ERRORS) }
  }, async () => {
    const removed = await Promise.all(projects.all().map(async ({ project }) => await cache.delete({ project: project.id })))
    return cleared(removed.reduce((sum, one) => ({ removed: sum.removed + one.removed, bytes: sum.bytes + one.bytes }), { removed: 0, bytes: 0 }))
  })
}
