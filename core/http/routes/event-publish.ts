import type { Static } from 'typebox'
import Type from '../../typebox.js'
import type { Claims } from '../../contracts/auth.js'
import { fromCloudEvent } from '../../events/cloud-events.js'
import type { Publication } from '../../events/events.js'
import { copyMembers, namesIn } from '../../events/members.js'
import { apiError } from '../../errors.js'
import { IDENTIFIER, TOPIC } from '../../profiles/schema.js'
import { callerOf, isAdmin } from '../access.js'
import { acceptJson } from '../body.js'
import { CLOUD_EVENT, CloudEventBody, Extensions } from '../cloud-events.js'
import { traceParentOf } from '../headers.js'
import { IdempotencyHeaders, REPLAYED, ReplayedHeader } from '../idempotency.js'
import { BODY_ERRORS, EventName, Identifier, Priority, responses, Strict, Time, Verbatim } from '../schemas.js'
import type { App, Services } from '../types.js'

const TOPIC_NAME = new RegExp(TOPIC)

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
  replay_of: Type.Optional(Type.String({ minLength: 1, maxLength: 256, description: 'The event that this one repeats; the operator\'s alone. Its round and references are not checked.' })),
  project_id: Type.Optional(Type.String({ ...Identifier, description: 'Another project than the caller\'s; the operator\'s alone.' })),
  ttl_seconds: Type.Optional(Type.Integer({ minimum: 1, maximum: 86_400 })),
  priority: Type.Optional(Priority),
  extensions: Type.Optional(Extensions)
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
  // A scope of its own: no other route takes CloudEvents.
  await app.register(async (scope) => {
    acceptJson(scope, CLOUD_EVENT, settings)
    scope.post('/api/events/:event_type', {
      config: { access: 'publish_events', invalidBody: 'EVT_002', priority: 'high' },
      schema: {
        summary: 'Publishes an event; durable before the answer',
        tags: ['events'],
        params: Strict({ event_type: EventName }),
        headers: IdempotencyHeaders,
        body: { content: { 'application/json': { schema: Body }, [CLOUD_EVENT]: { schema: CloudEventBody } } },
        response: responses({ 202: { ...Published, ...ReplayedHeader } }, 404, ...BODY_ERRORS)
      },
      preValidation (request, _reply, done) {
        if (request.mediaType === CLOUD_EVENT) dropUnset(request.body)
        done()
      }
    }, async (request, reply) => {
      const caller = callerOf(request)
      const path = (request.params as { event_type: string }).event_type
      const isCloudEvent = request.mediaType === CLOUD_EVENT
      const publication = isCloudEvent
        ? ofCloudEvent(caller, path, request.body as Static<typeof CloudEventBody>)
        : ofBody(caller, path, request.body as Static<typeof Body> | undefined)
      const project = isCloudEvent ? caller.project_id : projectOf(caller, request.body as Static<typeof Body>)
      if (publication.replay_of !== undefined && !isAdmin(caller)) throw apiError('AUTH_003', 'replay_of is set by the operator alone: it says that an event is not news.')
      if (settings.events.strict_topics && !isAdmin(caller)) checkTopic(caller, publication.topic)
      const key = request.headers['idempotency-key']
      const trace = traceParentOf(request)
      if (trace !== undefined) publication.traceparent ??= trace
      if (typeof key === 'string') publication.idempotency_key = key
      const { event, subscribers_notified: notified, replayed } = await events.publish(project, caller, publication)
      if (replayed) reply.header(REPLAYED, 'true')
      reply.code(202)
      return {
        event_id: event.event_id,
        published: true,
        subscribers_notified: notified,
        subscriber_count: notified.length,
        topic: event.topic,
        ttl_seconds: event.ttl_seconds,
        timestamp: event.timestamp
      }
    })
  })

  function projectOf (caller: Claims, { project_id: project = caller.project_id }: Static<typeof Body>): string {
    if (project !== caller.project_id && !isAdmin(caller)) throw apiError('AUTH_003', 'An agent publishes in its own project only.')
    // Throws for one that is not served.
    projects.get(project)
    return project
  }

  function checkTopic (caller: Claims, topic: string): void {
    const allowed = projects.get(caller.project_id).profiles.find(caller.agent_type)?.publishes ?? []
    if (!allowed.includes(topic)) {
      throw apiError('AUTH_003', `Agents of type '${caller.agent_type}' do not publish under '${topic}'; theirs are ${allowed.map((name) => `'${name}'`).join(', ') || 'none'}.`)
    }
  }
}

/** Members of a body that the event has as they are; what else there is says who publishes, what, and where. */
const AS_SENT = namesIn<Exclude<keyof Static<typeof Body>, 'event_type' | 'topic' | 'publisher' | 'project_id'>>({
  event_id: true, data: true, correlation_id: true, round: true, references: true, replay_of: true, ttl_seconds: true, priority: true, extensions: true
})

function ofBody (caller: Claims, path: string, body: Static<typeof Body> | undefined): Publication {
  // A request without a media type has no body, and none that was validated.
  if (body === undefined) throw invalid('', 'A body is needed, with content-type application/json')
  const { publisher, event_type: type, topic } = body
  if (publisher !== undefined && publisher !== caller.agent_id) throw apiError('EVT_003', 'publisher must be the caller: an agent publishes in its own name.')
  const publication: Publication = { event_type: typeOf(path, type), topic }
  copyMembers(AS_SENT, body, publication)
  return publication
}

function ofCloudEvent (caller: Claims, path: string, body: Static<typeof CloudEventBody>): Publication {
  const { publication, publisher_type: type } = fromCloudEvent(body as Parameters<typeof fromCloudEvent>[0])
  const { topic } = publication
  if (type !== undefined && type !== caller.agent_type) throw apiError('EVT_003', 'publishertype must be the caller\'s: an agent publishes in its own name.')
  if (topic === undefined) throw invalid('topic', 'A topic is needed: the extension topic, or else the subject')
  if (!TOPIC_NAME.test(topic)) throw invalid('subject', `The subject '${topic.slice(0, 64)}' is no topic; say the topic in the extension topic`)
  return { ...publication, topic, event_type: typeOf(path, publication.event_type) }
}

/** An attribute that is null counts as one that is not there (JSON Event Format for CloudEvents, 2.2). */
function dropUnset (body: unknown): void {
  if (typeof body !== 'object' || body === null) return
  for (const [name, value] of Object.entries(body)) if (value === null) delete (body as Record<string, unknown>)[name]
}

function invalid (path: string, message: string): Error {
  return apiError('EVT_002', `${message}.`, { details: { issues: [{ path, message }] } })
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
