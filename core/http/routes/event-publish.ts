import Type from '../../typebox.js'
import type { Claims } from '../../contracts/auth.js'
import type { JsonObject } from '../../contracts/common.js'
import { apiError } from '../../errors.js'
import { IDENTIFIER } from '../../profiles/schema.js'
import { callerOf, isAdmin } from '../access.js'
import { traceParentOf } from '../headers.js'
import { IdempotencyHeaders, REPLAYED, ReplayedHeader } from '../idempotency.js'
import { BODY_ERRORS, EventName, Identifier, Priority, responses, Strict, Time, Verbatim } from '../schemas.js'
import type { App, Services } from '../types.js'

const Body = Strict({
  event_type: Type.Optional(EventName),
  event_id: Type.Optional(Type.String({
    pattern: IDENTIFIER.replace('^', '^(?!evt_)'), description: 'The publisher\'s own; the same again gives the first answer again. `evt_` is what the server\'s ids begin with.'
  })),
  publisher: Type.Optional(Identifier),
  topic: EventName,
  data: Type.Optional(Verbatim),
  correlation_id: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
  round: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000_000, description: 'Never goes back within a correlation.' })),
  references: Type.Optional(Type.String({ minLength: 1, maxLength: 256, description: 'What it answers or follows; where it has the form of an event id, of an event of this project.' })),
  replay_of: Type.Optional(Type.String({ minLength: 1, maxLength: 256, description: 'The event that this one repeats; the operator\'s alone.' })),
  ttl_seconds: Type.Optional(Type.Integer({ minimum: 1, maximum: 86_400 })),
  priority: Type.Optional(Priority)
})

const Published = Type.Object({
  event_id: Type.String(),
  published: Type.Boolean(),
  subscribers_notified: Type.Array(Type.String()),
  subscriber_count: Type.Integer(),
  topic: Type.String(),
  ttl_seconds: Type.Integer(),
  timestamp: Time
})

export async function eventPublishRoutes (app: App, { events, projects, settings }: Services): Promise<void> {
  app.post('/api/events/:event_type', {
    config: { access: 'publish_events', invalidBody: 'EVT_002' },
    schema: {
      summary: 'Publishes an event; durable before the answer',
      tags: ['events'],
      params: Strict({ event_type: EventName }),
      headers: IdempotencyHeaders,
      body: Body,
      response: responses({ 202: { ...Published, ...ReplayedHeader } }, 404, ...BODY_ERRORS)
    }
  }, async (request, reply) => {
    const caller = callerOf(request)
    const { publisher, event_type: ofBody, data, ...rest } = request.body
    const eventType = typeOf(request.params.event_type, ofBody)
    if (publisher !== undefined && publisher !== caller.agent_id) throw apiError('EVT_003', 'publisher must be the caller: an agent publishes in its own name.')
    if (rest.replay_of !== undefined && !isAdmin(caller)) throw apiError('AUTH_003', 'replay_of is set by the operator alone: it says that an event is not news.')
    if (settings.events.strict_topics && !isAdmin(caller)) checkTopic(caller, rest.topic)
    const key = request.headers['idempotency-key']
    const trace = traceParentOf(request)
    const { event, subscribers_notified: notified, replayed } = await events.publish(caller.project_id, caller, {
      ...rest,
      event_type: eventType,
      ...(data === undefined ? {} : { data: data as JsonObject }),
      ...(trace === undefined ? {} : { traceparent: trace }),
      ...(key === undefined ? {} : { idempotency_key: key })
    })
    if (replayed) reply.header(REPLAYED, 'true')
    return await reply.code(202).send({
      event_id: event.event_id,
      published: true,
      subscribers_notified: notified,
      subscriber_count: notified.length,
      topic: event.topic,
      ttl_seconds: event.ttl_seconds,
      timestamp: event.timestamp
    })
  })

  function checkTopic (caller: Claims, topic: string): void {
    const allowed = projects.get(caller.project_id).profiles.find(caller.agent_type)?.publishes ?? []
    if (!allowed.includes(topic)) {
      throw apiError('AUTH_003', `Agents of type '${caller.agent_type}' do not publish under '${topic}'; theirs are ${allowed.map((name) => `'${name}'`).join(', ') || 'none'}.`)
    }
  }
}

/** The one type that path and body agree on; the path `publish` leaves it to the body. */
function typeOf (path: string, ofBody: string | undefined): string {
  const eventType = path === 'publish' ? ofBody : path
  if (eventType === undefined) throw apiError('EVT_002', 'event_type is needed in the body when the path is /api/events/publish.', { details: { issues: [{ path: 'event_type', message: 'is required' }] } })
  if (ofBody !== undefined && ofBody !== eventType) {
    throw apiError('EVT_002', `The path says '${eventType}' and the body says '${ofBody}': an event has one type.`, { details: { issues: [{ path: 'event_type', message: 'differs from the path' }] } })
  }
  return eventType
}
