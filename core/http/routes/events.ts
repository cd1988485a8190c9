import type { FastifyReply, FastifyRequest } from 'fastify'
import Type from '../../typebox.js'
import { renderAnswer } from '../../events/rendering.js'
import { parseSubscription } from '../../events/subscription.js'
import type { EventPage } from '../../events/events.js'
import { apiError } from '../../errors.js'
import { callerOf } from '../access.js'
import { eventPages, presentEvents } from '../cloud-events.js'
import { Departure } from '../departure.js'
import { goneSignal } from '../hygiene.js'
import { writtenOut } from '../response-state.js'
import { EventName, EventRecord, Identifier, responses, Strict, Time } from '../schemas.js'
import type { App, Services } from '../types.js'

const MAX_TIMEOUT_MS = 120_000
const DEFAULT_TIMEOUT_MS = 30_000

const Delivery = Type.Object({ event_id: Type.String(), attempt: Type.Integer(), ack_by: Time, last_error: Type.Optional(Type.String()) })

const Page = Type.Object({
  events: Type.Array(EventRecord),
  more_available: Type.Boolean(),
  next_cursor: Type.String(),
  gap: Type.Optional(Type.Object({ missed: Type.Integer({ description: 'Events that retention took before they were read.' }) })),
  timeout: Type.Optional(Type.Boolean()),
  deliveries: Type.Optional(Type.Array(Delivery, { description: 'Of a group: what is to be acknowledged, and until when.' })),
  timestamp: Time
})

/** A comma list may be as long as its types; each is checked on its own. */
const Types = Type.String({ minLength: 1, maxLength: 2100 })
const Since = Type.String({ minLength: 1, maxLength: 512, description: 'A cursor, an event id, an RFC 3339 time, `earliest` or `latest`.' })
const FilterText = Type.String({ maxLength: 2048, description: '`field:value` joined by `,`; `a|b` either, `!field:value` not, `field:pre*` prefix, `field:>90` number.' })
const Group = Type.Optional(Type.String({ ...Identifier, description: 'A consumer group: each event goes to one of its members, which acknowledges it.' }))
const Limit = Type.Integer({ minimum: 1, maximum: 1000, default: 100 })

/** A reader is further on only when it has been given the events. */
function afterWriting (request: FastifyRequest, reply: FastifyReply, delivered: () => Promise<void>, lost: () => Promise<void>): void {
  writtenOut(reply.raw)
    .then((isWritten) => (isWritten ? delivered() : lost()))
    .catch((error: unknown) => request.log.warn({ err: error }, 'where a reader is could not be saved'))
}

export async function eventRoutes (app: App, { events }: Services): Promise<void> {
  const WaitQuery = Strict({
    timeout: Type.Optional(Type.Integer({ minimum: 0, maximum: MAX_TIMEOUT_MS, default: DEFAULT_TIMEOUT_MS, description: 'Milliseconds.' })),
    filter: Type.Optional(FilterText),
    topic: Type.Optional(EventName),
    since: Type.Optional(Since),
    limit: Type.Optional(Limit),
    group: Group
  })

  for (const path of ['/api/events/wait', '/api/events/wait/:event_type']) {
    const isTyped = path.endsWith(':event_type')
    app.get<{ Params: { event_type?: string } }>(path, {
      // An answer without its body would move the position all the same.
      exposeHeadRoute: false,
      config: { access: 'any', longLived: true, priority: 'normal' },
      schema: {
        summary: isTyped ? 'Waits for events of these types' : 'Waits for any event',
        tags: ['events'],
        ...(isTyped ? { params: Strict({ event_type: Types }) } : {}),
        querystring: WaitQuery,
        response: responses({ 200: eventPages('Events, or none when the time is up', Page) })
      },
      preSerialization: presentEvents
    }, async (request, reply) => {
      const caller = callerOf(request)
      const query = request.query as { timeout?: number, filter?: string, topic?: string, since?: string, limit?: number, group?: string }
      const asked = { type: request.params.event_type, topic: query.topic, filter: query.filter }
      const { since, limit = 100, timeout: timeoutMs = DEFAULT_TIMEOUT_MS, group } = query
      const { project_id: project } = caller
      const { page, timedOut, delivered, lost } = await (group === undefined
        ? events.wait({ project, reader: caller, since, limit, timeoutMs, signal: new Departure(reply.raw), subscription: parseSubscription(asked) })
        : events.groups.wait({ project, reader: caller, since, limit, timeoutMs, signal: goneSignal(reply.raw), group, listensFor: asked }))
      afterWriting(request, reply, delivered, lost)
      reply.type('application/json; charset=utf-8').serializer(renderAnswer)
      const answer: EventPage & { timeout?: boolean, timestamp: string } = { ...page, timestamp: new Date().toISOString() }
      if (timedOut) answer.timeout = true
      return answer
    })
  }

  const HistoryQuery = Strict({
    type: Type.Optional(Types),
    topic: Type.Optional(EventName),
    filter: Type.Optional(FilterText),
    correlation_id: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
    since: Type.Optional(Since),
    until: Type.Optional(Time),
    limit: Type.Optional(Limit),
    group: Group
  })

  app.get('/api/events', {
    config: { access: 'any', priority: 'low' },
    schema: { summary: 'History, oldest first; moves no position', tags: ['events'], querystring: HistoryQuery, response: responses({ 200: eventPages('A page of the history', Page) }) },
    preSerialization: presentEvents
  }, async (request, reply) => {
    const { type, topic, filter, correlation_id: correlation, since, until, limit = 100, group } = request.query
    if (group !== undefined) {
      if (correlation !== undefined || until !== undefined) throw apiError('VAL_001', 'A group listens for a type, a topic and a filter: correlation_id and until do not go with it.')
      const caller = callerOf(request)
      const { page, delivered, lost } = await events.groups.wait({
        project: caller.project_id, reader: caller, group, listensFor: { type, topic, filter }, since, limit, timeoutMs: 0, signal: goneSignal(reply.raw)
      })
      afterWriting(request, reply, delivered, lost)
      return { ...page, timestamp: new Date().toISOString() }
    }
    const page: EventPage = await events.list(callerOf(request).project_id, parseSubscription({ type, topic, filter }), {
      since, correlation, limit, until: until === undefined ? undefined : Date.parse(until)
    })
    return { ...page, timestamp: new Date().toISOString() }
  })
}
