import Type from '../../typebox.js'
import { createIds } from '../../ids.js'
import { callerOf } from '../access.js'
import { BODY_ERRORS, EventName, Nullable, responses, Strict, Time, Verbatim } from '../schemas.js'
import type { App, Services } from '../types.js'

const Outcome = Type.Enum(['started', 'would_start', 'passed', 'refused', 'failed'])

const Rule = Type.Object({
  name: Type.String(),
  rule: Type.Record(Type.String(), Type.Any(), { description: 'As it is written.' }),
  matched: Type.Integer({ description: 'Events, since the sidecar started; as the other counts.' }),
  started: Type.Integer({ description: 'Agents.' }),
  refused: Type.Integer({ description: 'Events.' }),
  last: Nullable(Type.Object({ event_id: Type.String(), at: Time, outcome: Outcome, reason: Nullable(Type.String()) }))
})

const Member = Type.String({ minLength: 1, maxLength: 256 })

const Body = Strict({
  event: Strict({
    event_type: EventName,
    topic: EventName,
    data: Type.Optional(Verbatim),
    correlation_id: Type.Optional(Member),
    round: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000_000 })),
    publisher: Type.Optional(Type.String({ minLength: 1, maxLength: 256, description: 'The caller by default.' })),
    publisher_type: Type.Optional(Member)
  })
})

const Evaluation = Type.Object({
  name: Type.String(),
  outcome: Type.Enum(['starts', 'passes', 'refused']),
  reason: Nullable(Type.String({ description: 'Why nothing would be started.' })),
  bound: Nullable(Type.String({ description: 'The bound that refuses it.' })),
  agents: Type.Array(Type.Object({ agent_type: Type.String(), issue_id: Type.String(), task: Type.String() }))
})

export async function triggerRoutes (app: App, { triggers, settings, clock }: Services): Promise<void> {
  const nextId = createIds('evt_', clock)

  app.get('/api/triggers', {
    config: { access: 'spawn_agents' },
    schema: {
      summary: 'The rules of the project that start agents, and what they did',
      tags: ['triggers'],
      response: responses({ 200: Type.Object({ dry_run: Type.Boolean(), triggers: Type.Array(Rule) }) })
    }
  }, async (request) => ({ dry_run: settings.triggers.dry_run, triggers: triggers.list(callerOf(request).project_id) }))

  app.post('/api/triggers/evaluate', {
    config: { access: 'spawn_agents' },
    schema: {
      summary: 'What the rules would start for an event, and why not; starts and publishes nothing',
      tags: ['triggers'],
      body: Body,
      response: responses({ 200: Type.Object({ evaluations: Type.Array(Evaluation) }) }, ...BODY_ERRORS)
    }
  }, async (request) => {
    const { project_id: project, agent_id: agent, agent_type: type } = callerOf(request)
    const { publisher = agent, publisher_type: publisherType = type, data = {}, ...event } = request.body.event
    const verdicts = await triggers.test(project, {
      ...event, data, publisher, publisher_type: publisherType, event_id: nextId(), timestamp: new Date(clock()).toISOString(), ttl_seconds: 60
    })
    return {
      evaluations: verdicts.map(({ name, verdict }) => ({
        name,
        outcome: verdict.outcome,
        reason: verdict.outcome === 'passes' ? verdict.why : verdict.outcome === 'refused' ? verdict.reason : null,
        bound: verdict.outcome === 'refused' ? verdict.bound : null,
        agents: verdict.outcome === 'starts' ? verdict.starts.map(({ body }) => ({ agent_type: body.agent_type, issue_id: body.issue_id, task: body.task })) : []
      }))
    }
  })
}
