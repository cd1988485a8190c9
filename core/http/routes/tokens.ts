import Type from '../../typebox.js'
import type { Claims, IssuedToken, Permission } from '../../contracts/auth.js'
import { apiError } from '../../errors.js'
import { createIds } from '../../ids.js'
import { RESERVED_ACTORS } from '../../audit/actors.js'
import { issuedEntry } from '../../audit/audited-auth.js'
import { callerOf, isAdmin } from '../access.js'
import type { Act } from '../audit.js'
import { BODY_ERRORS, Identifier, responses, Strict, Time, Verbatim } from '../schemas.js'
import type { App, Services } from '../types.js'

const Issued = Type.Object({
  token: Type.String(),
  agent_id: Type.String(),
  agent_type: Type.String(),
  project_id: Type.String(),
  permissions: Type.Array(Type.String()),
  expires_at: Time
})

function show ({ token, claims }: IssuedToken) {
  return {
    token,
    agent_id: claims.agent_id,
    agent_type: claims.agent_type,
    project_id: claims.project_id,
    permissions: claims.permissions,
    expires_at: new Date(claims.expires_at * 1000).toISOString()
  }
}

export async function tokenRoutes (app: App, { auth, projects, settings, clock }: Services): Promise<void> {
  const nextId = createIds('', clock)

  app.post('/api/tokens', {
    config: { access: 'spawn_agents', audit: 'token.issued' },
    schema: {
      summary: 'Issues a token for an agent',
      tags: ['tokens'],
      body: Strict({
        agent_type: Identifier,
        project_id: Type.Optional(Identifier),
        agent_id: Type.Optional(Identifier),
        ttl_seconds: Type.Optional(Type.Integer({ minimum: 1, maximum: 86_400 }))
      }),
      response: responses({ 201: Issued }, 404, ...BODY_ERRORS)
    }
  }, async (request, reply) => {
    const caller = callerOf(request)
    const { agent_type: agentType, project_id: project = caller.project_id, agent_id: agentId, ttl_seconds: ttl } = request.body
    if (project !== caller.project_id && !isAdmin(caller)) throw apiError('AUTH_003', 'A token is issued for the caller\'s own project only.')
    if (agentId !== undefined && RESERVED_ACTORS.has(agentId)) throw apiError('VAL_001', `The name '${agentId}' is not an agent's.`, { details: { issues: [{ path: 'agent_id', message: 'is reserved' }] } })
    const profile = projects.get(project).profiles.get(agentType)
    const issued = await auth.issue({
      agent_id: agentId ?? `${agentType.slice(0, 100)}-${nextId().toLowerCase()}`,
      agent_type: agentType,
      project_id: project,
      permissions: noWiderThan(caller, profile.permissions)
    }, { ttlSeconds: Math.min(ttl ?? settings.auth.token_ttl_seconds, settings.auth.token_ttl_seconds) })
    request.act = actOf(issued.claims)
    return await reply.code(201).send(show(issued))
  })

  app.post('/api/tokens/refresh', {
    config: { access: 'any', scope: 'agent', audit: 'token.refreshed', priority: 'high' },
    schema: { summary: 'Replaces a token in its last five minutes', tags: ['tokens'], response: responses({ 200: Issued }, ...BODY_ERRORS) }
  }, async (request) => {
    const refreshed = await auth.refresh(callerOf(request))
    request.act = actOf(refreshed.claims)
    return show(refreshed)
  })

  app.post('/api/tokens/revoke', {
    config: { access: 'admin', scope: 'sidecar', audit: 'token.revoked', priority: 'high' },
    schema: {
      summary: 'Revokes one token, or those of an agent',
      tags: ['tokens'],
      body: Type.Union([Strict({ jti: Identifier }), Strict({ agent_id: Identifier })]),
      response: responses({ 200: Type.Object({ revoked: Type.Integer() }) }, ...BODY_ERRORS)
    }
  }, async (request) => {
    const { body } = request
    request.act = { resource: 'jti' in body ? `token/${body.jti}` : `agent/${body.agent_id}` }
    if ('jti' in body) return await auth.revoke({ jti: body.jti })
    // The operator's word counts in every project; an agent of that name is told from none of them.
    const revoked = await Promise.all(projects.all().map(async ({ project }) => await auth.revoke({ project_id: project.id, agent_id: body.agent_id })))
    return { revoked: Math.max(...revoked.map((answer) => answer.revoked)) }
  })

  app.get('/.well-known/jwks.json', {
    config: { access: 'open', priority: 'normal' },
    schema: { summary: 'Public keys', tags: ['tokens'], response: responses({ 200: Type.Object({ keys: Type.Array(Verbatim) }) }) }
  }, async (_request, reply) => {
    reply.header('cache-control', 'public, max-age=300')
    return await auth.publicKeys()
  })
}

function actOf (claims: Claims): Act {
  const { resource, project, details } = issuedEntry(claims)
  return { resource, project, details }
}

/** What an agent hands on is never more than it has. */
function noWiderThan (caller: Claims, permissions: readonly Permission[]): Permission[] {
  return permissions.filter((permission) => isAdmin(caller) || caller.permissions.includes(permission))
}
