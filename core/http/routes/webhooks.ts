import Type from '../../typebox.js'
import type { FastifyRequest } from 'fastify'
import type { Owner } from '../../events/webhooks/registry.js'
import { callerOf, isAdmin } from '../access.js'
import { BODY_ERRORS, EventName, Identifier, Nullable, responses, Strict, Time } from '../schemas.js'
import type { App, Services } from '../types.js'

const Names = (what: string) => Type.Array(EventName, { minItems: 1, maxItems: 32, uniqueItems: true, description: `${what}; all when it is left out.` })
const Secret = Type.String({ minLength: 1, maxLength: 128, description: '`whsec_` and 24 to 64 bytes in base64; made when it is left out.' })

const Body = Strict({
  url: Type.String({ minLength: 1, maxLength: 2048, description: 'http or https, without user name and password; its host must be public, or be allowed by the setting events.webhook_allow.' }),
  types: Type.Optional(Names('Types of the events that are pushed')),
  topics: Type.Optional(Names('Their topics')),
  filter: Type.Optional(Type.String({ minLength: 1, maxLength: 2048, description: 'As for waits.' })),
  secret: Type.Optional(Secret),
  description: Type.Optional(Type.String({ maxLength: 1000 })),
  max_in_flight: Type.Optional(Type.Integer({ minimum: 1, maximum: 16, default: 1, description: 'Pushes at once; with 1 events come in order, and one that fails holds up those behind it.' })),
  since: Type.Optional(Type.String({ minLength: 1, maxLength: 512, description: 'Where it begins: a cursor, an event id, an RFC 3339 time, `earliest` or `latest` (the default).' }))
})

const Members = {
  webhook_id: Type.String(),
  url: Type.String(),
  types: Nullable(Type.Array(Type.String())),
  topics: Nullable(Type.Array(Type.String())),
  filter: Nullable(Type.String()),
  description: Nullable(Type.String()),
  max_in_flight: Type.Integer(),
  created_by: Type.String(),
  created_at: Time,
  state: Type.Enum(['active', 'disabled']),
  reason: Nullable(Type.String({ description: 'Why it is disabled.' })),
  last_success_at: Nullable(Time),
  last_error: Nullable(Type.String()),
  last_error_at: Nullable(Time),
  missed: Nullable(Type.Integer({ description: 'Events that retention took before they were pushed, since the sidecar started.' })),
  pending: Type.Integer({ description: 'Events that are being pushed or wait for another attempt.' }),
  lag: Type.Integer({ description: 'Events of any type that were not looked at yet.' })
}

const Webhook = Type.Object(Members)
const WithSecret = Type.Object({ ...Members, secret: Type.Optional(Type.String({ description: 'Where it was made here; it is never shown again.' })) })
const Params = Strict({ webhook_id: Identifier })

/** An agent manages the webhooks that it made, the operator all of the project. */
function ownerOf (request: FastifyRequest): Owner {
  const caller = callerOf(request)
  return isAdmin(caller) ? null : caller.agent_id
}

export async function webhookRoutes (app: App, { webhooks, clock }: Services): Promise<void> {
  app.post('/api/webhooks', {
    config: { access: 'publish_events', audit: 'webhook.created' },
    schema: { summary: 'Pushes events to a url from now on', tags: ['webhooks'], body: Body, response: responses({ 201: WithSecret }, ...BODY_ERRORS) }
  }, async (request, reply) => {
    const caller = callerOf(request)
    const { webhook, secret } = await webhooks.create(caller.project_id, caller.agent_id, request.body)
    // The path and the query of an address may hold a secret.
    request.act = { resource: `webhook/${webhook.webhook_id}`, details: { origin: new URL(webhook.url).origin } }
    return await reply.code(201).send({ ...webhook, ...(secret === undefined ? {} : { secret }) })
  })

  app.get('/api/webhooks', {
    config: { access: 'publish_events' },
    schema: { summary: 'Webhooks of the caller, or for the operator of the project', tags: ['webhooks'], response: responses({ 200: Type.Object({ webhooks: Type.Array(Webhook) }) }) }
  }, async (request) => ({ webhooks: await webhooks.list(callerOf(request).project_id, ownerOf(request)) }))

  app.get('/api/webhooks/:webhook_id', {
    config: { access: 'publish_events' },
    schema: { summary: 'A webhook, and how it is', tags: ['webhooks'], params: Params, response: responses({ 200: Webhook }, 404) }
  }, async (request) => await webhooks.get(callerOf(request).project_id, ownerOf(request), request.params.webhook_id))

  app.delete('/api/webhooks/:webhook_id', {
    config: { access: 'publish_events', audit: 'webhook.deleted' },
    schema: {
      summary: 'Pushes nothing more',
      tags: ['webhooks'],
      params: Params,
      response: responses({ 200: Type.Object({ webhook_id: Type.String(), deleted: Type.Boolean(), timestamp: Time }) }, 404, ...BODY_ERRORS)
    }
  }, async (request) => {
    const { webhook_id: id } = request.params
    await webhooks.remove(callerOf(request).project_id, ownerOf(request), id)
    return { webhook_id: id, deleted: true, timestamp: new Date(clock()).toISOString() }
  })

  app.post('/api/webhooks/:webhook_id/test', {
    // As long as the receiver takes.
    config: { access: 'publish_events', longLived: true, audit: 'webhook.tested' },
    schema: {
      summary: 'Pushes a test event now, and tells what came back',
      tags: ['webhooks'],
      params: Params,
      response: responses({
        200: Type.Object({
          delivered: Type.Boolean(), status: Nullable(Type.Integer()), duration_ms: Type.Integer(), error: Nullable(Type.String()), timestamp: Time
        })
      }, 404, ...BODY_ERRORS)
    }
  }, async (request) => ({
    ...await webhooks.test(callerOf(request).project_id, ownerOf(request), request.params.webhook_id),
    timestamp: new Date(clock()).toISOString()
  }))

  app.post('/api/webhooks/:webhook_id/enable', {
    config: { access: 'publish_events', audit: 'webhook.enabled' },
    schema: { summary: 'Pushes again, beginning at once with what waits', tags: ['webhooks'], params: Params, response: responses({ 200: Webhook }, 404, ...BODY_ERRORS) }
  }, async (request) => await webhooks.enable(callerOf(request).project_id, ownerOf(request), request.params.webhook_id))

  app.post('/api/webhooks/:webhook_id/disable', {
    config: { access: 'publish_events', audit: 'webhook.disabled' },
    schema: { summary: 'Pushes nothing more until it is enabled', tags: ['webhooks'], params: Params, response: responses({ 200: Webhook }, 404, ...BODY_ERRORS) }
  }, async (request) => {
    const { agent_id: agent, project_id: project } = callerOf(request)
    return await webhooks.disable(project, ownerOf(request), request.params.webhook_id, `'${agent}' disabled it`)
  })

  app.post('/api/webhooks/:webhook_id/secret', {
    config: { access: 'publish_events', audit: 'webhook.secret_rotated' },
    schema: {
      summary: 'Signs with another secret, and for a day with the one before, too',
      tags: ['webhooks'],
      params: Params,
      body: Strict({ secret: Type.Optional(Secret) }),
      response: responses({ 200: WithSecret }, 404, ...BODY_ERRORS)
    }
  }, async (request) => {
    const { webhook, secret } = await webhooks.rotate(callerOf(request).project_id, ownerOf(request), request.params.webhook_id, request.body.secret)
    return { ...webhook, ...(secret === undefined ? {} : { secret }) }
  })
}
