import Type from '../../typebox.js'
import { missing, type LetterChoice } from '../../events/dead-letters.js'
import { apiError } from '../../errors.js'
import { callerOf } from '../access.js'
import { BODY_ERRORS, EventRecord, Identifier, responses, Strict, Time } from '../schemas.js'
import type { App, Services } from '../types.js'

const Target = Type.String({ minLength: 1, maxLength: 256, description: 'Whom the event was for: `group:<name>` or `webhook:<id>`.' })

const DeadLetter = Type.Object({
  event: EventRecord,
  reason: Type.String(),
  attempts: Type.Integer(),
  last_error: Type.String(),
  timestamp: Time,
  target: Type.Optional(Target)
})

const Choice = Strict({
  event_ids: Type.Optional(Type.Array(Identifier, { minItems: 1, maxItems: 1000 })),
  target: Type.Optional(Target),
  all: Type.Optional(Type.Literal(true))
})

const Redriven = Type.Object({
  redriven: Type.Integer(),
  failed: Type.Array(Type.Object({ event_id: Type.String(), target: Type.Optional(Type.String()), message: Type.String() }), { description: 'At most 100; their letters are still there.' }),
  not_found: Type.Array(Type.String()),
  timestamp: Time
})

const Purged = Type.Object({ purged: Type.Integer(), timestamp: Time })

export async function deadLetterRoutes (app: App, { events: { deadLetters } }: Services): Promise<void> {
  app.get('/api/events/dead-letters', {
    config: { access: 'admin' },
    schema: {
      summary: 'What could not be handed over, and why; oldest first',
      tags: ['events'],
      querystring: Strict({
        target: Type.Optional(Target),
        limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 100 })),
        cursor: Type.Optional(Type.String({ minLength: 1, maxLength: 1024 }))
      }),
      response: responses({ 200: Type.Object({ dead_letters: Type.Array(DeadLetter), next_cursor: Type.Optional(Type.String()) }) })
    }
  }, async (request) => {
    const { target, limit = 100, cursor } = request.query
    return await deadLetters.list(callerOf(request).project_id, { target, limit, cursor })
  })

  app.post('/api/events/dead-letters/:event_id/redrive', {
    config: { access: 'admin', audit: 'dead_letters.redriven' },
    schema: {
      summary: 'Hands a dead letter over once more: to its target, or to all by publishing it again',
      tags: ['events'],
      params: Strict({ event_id: Identifier }),
      querystring: Strict({ target: Type.Optional(Target) }),
      response: responses({ 202: Type.Object({ event_id: Type.String(), redriven: Type.String(), timestamp: Time }) }, 404, ...BODY_ERRORS)
    }
  }, async (request, reply) => {
    const { event_id: redriven } = request.params
    const eventId = await deadLetters.redrive(callerOf(request).project_id, redriven, request.query.target)
    request.act = { resource: `event/${redriven}`, details: { target: request.query.target ?? null } }
    return await reply.code(202).send({ event_id: eventId, redriven, timestamp: new Date().toISOString() })
  })

  app.post('/api/events/dead-letters/redrive', {
    config: { access: 'admin', audit: 'dead_letters.redriven' },
    schema: {
      summary: 'Hands many dead letters over once more',
      tags: ['events'],
      body: Choice,
      response: responses({ 202: Redriven }, 404, ...BODY_ERRORS)
    }
  }, async (request, reply) => {
    const { event_ids: ids, target, all } = request.body
    checkChosen({ event_ids: ids, target }, all === true)
    const outcome = await deadLetters.redriveAll(callerOf(request).project_id, { event_ids: ids, target })
    request.act = { resource: 'dead-letters', details: { target: target ?? null, redriven: outcome.redriven, event_ids: ids ?? [] } }
    return await reply.code(202).send({ ...outcome, timestamp: new Date().toISOString() })
  })

  app.delete('/api/events/dead-letters/:event_id', {
    config: { access: 'admin', audit: 'dead_letters.purged' },
    schema: {
      summary: 'Throws the dead letters of an event away',
      tags: ['events'],
      params: Strict({ event_id: Identifier }),
      querystring: Strict({ target: Type.Optional(Target) }),
      response: responses({ 200: Purged }, 404, ...BODY_ERRORS)
    }
  }, async (request) => {
    const { event_id: id } = request.params
    const { target } = request.query
    const purged = await deadLetters.purge(callerOf(request).project_id, { event_ids: [id], target })
    if (purged === 0) throw missing(id, target)
    request.act = { resource: `event/${id}`, details: { target: target ?? null, purged } }
    return { purged, timestamp: new Date().toISOString() }
  })

  app.delete('/api/events/dead-letters', {
    config: { access: 'admin', audit: 'dead_letters.purged' },
    schema: {
      summary: 'Throws many dead letters away',
      tags: ['events'],
      querystring: Strict({ before: Type.Optional(Time), target: Type.Optional(Target), all: Type.Optional(Type.Literal('true')) }),
      response: responses({ 200: Purged }, ...BODY_ERRORS)
    }
  }, async (request) => {
    const { before, target, all } = request.query
    const choice = { target, before: before === undefined ? undefined : Date.parse(before) }
    checkChosen(choice, all !== undefined)
    const purged = await deadLetters.purge(callerOf(request).project_id, choice)
    request.act = { resource: 'dead-letters', details: { target: target ?? null, before: before ?? null, purged } }
    return { purged, timestamp: new Date().toISOString() }
  })
}

/** Nobody means all of them by saying nothing. */
function checkChosen (choice: LetterChoice, all: boolean): void {
  const isNarrowed = Object.values(choice).some((value) => value !== undefined)
  if (isNarrowed !== all) return
  const message = isNarrowed ? 'does not go with a choice of letters' : 'must be said where no letters are chosen'
  throw apiError('VAL_001', `all ${message}.`, { details: { issues: [{ path: 'all', message }] } })
}
