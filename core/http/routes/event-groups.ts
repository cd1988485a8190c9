import Type from '../../typebox.js'
import { callerOf } from '../access.js'
import { BODY_ERRORS, EventName, Identifier, Nullable, responses, Strict, Time } from '../schemas.js'
import type { App, Services } from '../types.js'

const EventIds = Type.Array(Type.String({ minLength: 1, maxLength: 128 }), { minItems: 1, maxItems: 1000 })

const State = Type.Object({
  group: Type.String(),
  types: Nullable(Type.Array(Type.String())),
  topic: Nullable(Type.String()),
  filter: Nullable(Type.String()),
  ack_wait_seconds: Type.Number({ description: 'For the first attempt; it doubles with each further one, up to an hour.' }),
  max_deliveries: Type.Integer(),
  lag: Type.Integer({ description: 'Retained events that were not looked at yet, of any type; counted up to 10,000.' }),
  pending: Type.Integer({ description: 'Events that were handed out and are not acknowledged.' }),
  members: Type.Array(Type.Object({ member: Type.String(), pending: Type.Integer(), waiting: Type.Boolean() })),
  created_by: Type.String(),
  created_at: Time
})

const NotHeld = Type.Array(Type.String(), { description: 'Acknowledged before, in the hands of another member, or never handed out.' })
const Ids = Type.Array(Type.String())
const Acked = Type.Object({ acked: Ids, not_held: NotHeld, timestamp: Time })
const Nacked = Type.Object({ nacked: Ids, not_held: NotHeld, timestamp: Time })
const Extended = Type.Object({ extended: Ids, not_held: NotHeld, timestamp: Time })

const Params = Strict({ group: Identifier })

/** Consumer groups: `group=<name>` on wait, list and stream takes events, these routes say what became of them. */
export async function eventGroupRoutes (app: App, { events: { groups } }: Services): Promise<void> {
  app.put('/api/events/groups/:group', {
    config: { access: 'any' },
    schema: {
      summary: 'Makes a consumer group; the first wait with group= makes one by default rules',
      tags: ['events'],
      params: Params,
      body: Strict({
        types: Type.Optional(Type.Array(EventName, { minItems: 1, maxItems: 32 })),
        topic: Type.Optional(EventName),
        filter: Type.Optional(Type.String({ maxLength: 2048 })),
        since: Type.Optional(Type.String({ minLength: 1, maxLength: 512, description: 'Where it begins; the oldest event by default.' })),
        ack_wait_seconds: Type.Optional(Type.Number({ minimum: 0.1, maximum: 86_400 })),
        max_deliveries: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 }))
      }),
      response: responses({ 200: State, 201: State }, ...BODY_ERRORS)
    }
  }, async (request, reply) => {
    const caller = callerOf(request)
    const { types, topic, filter, since, ack_wait_seconds: ackWaitSeconds, max_deliveries: maxDeliveries } = request.body
    const { created, state } = await groups.define(caller.project_id, request.params.group, {
      listensFor: { type: types?.join(','), topic, filter },
      since,
      createdBy: caller.agent_id,
      ...(ackWaitSeconds === undefined ? {} : { ackWaitSeconds }),
      ...(maxDeliveries === undefined ? {} : { maxDeliveries })
    })
    return await reply.code(created ? 201 : 200).send(state)
  })

  app.get('/api/events/groups', {
    config: { access: 'any' },
    schema: { summary: 'Consumer groups of the project: lag, pending, members', tags: ['events'], response: responses({ 200: Type.Object({ groups: Type.Array(State) }) }) }
  }, async (request) => ({ groups: await groups.list(callerOf(request).project_id) }))

  app.get('/api/events/groups/:group', {
    config: { access: 'any' },
    schema: { summary: 'One consumer group', tags: ['events'], params: Params, response: responses({ 200: State }, 404) }
  }, async (request) => await groups.get(callerOf(request).project_id, request.params.group))

  app.delete('/api/events/groups/:group', {
    config: { access: 'publish_events', audit: 'group.deleted' },
    schema: {
      summary: 'Forgets a consumer group; the events stay',
      tags: ['events'],
      params: Params,
      response: responses({ 200: Type.Object({ deleted: Type.String(), timestamp: Time }) }, 404, ...BODY_ERRORS)
    }
  }, async (request) => {
    await groups.remove(callerOf(request).project_id, request.params.group)
    return { deleted: request.params.group, timestamp: new Date().toISOString() }
  })

  const rest = (asked: readonly string[], done: readonly string[]): { not_held: string[], timestamp: string } => {
    const known = new Set(done)
    return { not_held: [...new Set(asked)].filter((id) => !known.has(id)), timestamp: new Date().toISOString() }
  }

  app.post('/api/events/ack', {
    config: { access: 'any', priority: 'high' },
    schema: {
      summary: 'Acknowledges events of a group; durable before the answer',
      tags: ['events'],
      body: Strict({ group: Identifier, event_ids: EventIds }),
      response: responses({ 200: Acked }, 404, ...BODY_ERRORS)
    }
  }, async (request) => {
    const { group, event_ids: ids } = request.body
    const acked = await groups.acknowledge(callerOf(request).project_id, group, ids)
    return { acked, ...rest(ids, acked) }
  })

  app.post('/api/events/nack', {
    config: { access: 'any', priority: 'high' },
    schema: {
      summary: 'Gives events of a group back, so that a member gets them again',
      tags: ['events'],
      body: Strict({
        group: Identifier,
        event_ids: EventIds,
        delay_seconds: Type.Optional(Type.Number({ minimum: 0, maximum: 86_400, description: 'Until then nobody gets them; by default longer with each attempt.' })),
        error: Type.Optional(Type.String({ maxLength: 2000, description: 'Told to who gets them next, and in a dead letter.' }))
      }),
      response: responses({ 200: Nacked }, 404, ...BODY_ERRORS)
    }
  }, async (request) => {
    const { project_id: project, agent_id: member } = callerOf(request)
    const { group, event_ids: eventIds, delay_seconds: delay, error } = request.body
    const nacked = await groups.refuse(project, group, { member, eventIds, delayMs: delay === undefined ? undefined : delay * 1000, error })
    return { nacked, ...rest(eventIds, nacked) }
  })

  app.post('/api/events/extend', {
    config: { access: 'any', priority: 'high' },
    schema: {
      summary: 'Asks for more time for events of a group',
      tags: ['events'],
      body: Strict({
        group: Identifier,
        event_ids: EventIds,
        seconds: Type.Optional(Type.Number({ minimum: 0.1, maximum: 86_400, description: 'From now; by default as long as the attempt had.' }))
      }),
      response: responses({ 200: Extended }, 404, ...BODY_ERRORS)
    }
  }, async (request) => {
    const { project_id: project, agent_id: member } = callerOf(request)
    const { group, event_ids: eventIds, seconds } = request.body
    const extended = await groups.extend(project, group, { member, eventIds, forMs: seconds === undefined ? undefined : seconds * 1000 })
    return { extended, ...rest(eventIds, extended) }
  })
}
