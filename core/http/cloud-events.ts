import type { FastifyReply, FastifyRequest } from 'fastify'
import type { TSchema } from 'typebox'
import Type from '../typebox.js'
import type { SidecarEvent } from '../contracts/event-bus.js'
import { toCloudEvent } from '../events/cloud-events.js'
import { preferred } from './accept.js'
import { callerOf } from './access.js'
import { TRACE_PARENT } from './headers.js'
import { EventName, Priority, Time, Verbatim, type Content } from './schemas.js'

export const CLOUD_EVENT = 'application/cloudevents+json'
export const CLOUD_EVENTS = 'application/cloudevents-batch+json'
const JSON_TYPE = 'application/json'

const Correlation = Type.String({ minLength: 1, maxLength: 256 })

const attributes = {
  specversion: Type.Literal('1.0'),
  id: Type.String({ minLength: 1, maxLength: 256 }),
  source: Type.String({ minLength: 1, maxLength: 1024, format: 'uri-reference' }),
  type: EventName,
  subject: Type.Optional(Type.String({ minLength: 1, maxLength: 1024, description: 'The topic, unless the extension `topic` names it.' })),
  time: Type.Optional(Time),
  datacontenttype: Type.Optional(Type.String({ pattern: '^[Aa]pplication/([\\w.-]+\\+)?json *(;.*)?$', maxLength: 256 })),
  data: Type.Optional(Verbatim),
  topic: Type.Optional(EventName),
  publishertype: Type.Optional(Type.String()),
  correlationid: Type.Optional(Correlation),
  causationid: Type.Optional(Correlation),
  round: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000_000 })),
  ttlseconds: Type.Optional(Type.Integer({ minimum: 1, maximum: 86_400 })),
  priority: Type.Optional(Priority),
  traceparent: Type.Optional(Type.String({ pattern: TRACE_PARENT.source })),
  replayof: Type.Optional(Correlation)
}

const Attribute = Type.Union([Type.String({ maxLength: 1024 }), Type.Integer(), Type.Boolean()])
const MOST_ATTRIBUTES = 64

/** Attributes that an event has no member for. A subject is one where it is not the topic. */
export const Extensions = Type.Unsafe<Record<string, string | number | boolean>>(Type.Object({}, {
  additionalProperties: Attribute,
  propertyNames: { pattern: '^[a-z0-9]{1,64}$', not: { enum: Object.keys(attributes).filter((name) => name !== 'subject') } },
  maxProperties: MOST_ATTRIBUTES,
  description: 'Further attributes, as CloudEvents have them: names of lower case letters and digits.'
}))

/** A CloudEvent in structured mode; attributes beside these are extensions that are kept. */
export const CloudEventBody = Type.Object(attributes, {
  title: 'CloudEvent',
  additionalProperties: Attribute,
  propertyNames: { pattern: '^[a-z0-9]{1,64}$' },
  maxProperties: MOST_ATTRIBUTES
})

/** A page of events as JSON, as a page of CloudEvents, or as a batch of them whose page is told in headers. */
export function eventPages<Page extends { events: TSchema }> (description: string, page: ReturnType<typeof Type.Object<Page>>): Content & { headers: object } {
  return {
    description,
    headers: {
      'x-next-cursor': Type.String({ description: 'Of a batch: where to go on.' }),
      'x-more-available': Type.Boolean({ description: 'Of a batch.' }),
      'x-missed': Type.Integer({ description: 'Of a batch: events that retention took before they were read.' }),
      link: Type.String({ description: 'Of a batch: the next page, `rel="next"`.' })
    },
    content: {
      [JSON_TYPE]: { schema: page },
      [CLOUD_EVENT]: { schema: Type.Object({ ...page.properties, events: Type.Array(CloudEventBody) }) },
      [CLOUD_EVENTS]: { schema: Type.Array(CloudEventBody) }
    }
  }
}

interface Page {
  events: SidecarEvent[]
  next_cursor: string
  more_available: boolean
  gap?: { missed: number }
}

/** A `preSerialization` hook: gives a page of events the form that the client asked for. */
export function presentEvents (request: FastifyRequest, reply: FastifyReply, payload: unknown, done: (error: Error | null, payload: unknown) => void): void {
  done(null, reply.statusCode === 200 ? presented(request, reply, payload as Page) : payload)
}

function presented (request: FastifyRequest, reply: FastifyReply, page: Page): unknown {
  const vary = reply.getHeader('vary')
  reply.header('vary', vary === undefined ? 'Accept' : `${String(vary)}, Accept`)
  const type = preferred(request.headers.accept, [JSON_TYPE, CLOUD_EVENT, CLOUD_EVENTS])
  if (type === JSON_TYPE) return page
  const project = callerOf(request).project_id
  const events = page.events.map((event) => toCloudEvent(project, event))
  reply.type(`${type}; charset=utf-8`).serializer(JSON.stringify)
  if (type === CLOUD_EVENT) return { ...page, events }
  reply.header('x-next-cursor', page.next_cursor).header('x-more-available', String(page.more_available)).header('link', `<${nextPage(request.url, page.next_cursor)}>; rel="next"`)
  if (page.gap !== undefined) reply.header('x-missed', String(page.gap.missed))
  return events
}

function nextPage (url: string, cursor: string): string {
  const [path, query] = url.split('?')
  const parameters = new URLSearchParams(query)
  parameters.set('since', cursor)
  return `${path}?${parameters.toString()}`
}
