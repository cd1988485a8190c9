import { definePlugin, Type } from '../../core/plugin-api.js'
import { EventName, Identifier, Priority, Strict, Verbatim } from '../../core/http/schemas.js'

/** Takes an event and answers as a publish is answered: the route of `bench/events/bare.ts`, behind the chain of a sidecar. */
export default definePlugin({
  kind: 'http',
  name: 'echo',
  create: () => ({
    async register (app) {
      let last = 0
      app.post<{ Body: { topic: string } }>('/echo/:event_type', {
        config: { access: 'publish_events', priority: 'high' },
        schema: {
          params: Strict({ event_type: EventName }),
          body: Strict({
            event_type: Type.Optional(EventName),
            publisher: Type.Optional(Identifier),
            topic: EventName,
            data: Type.Optional(Verbatim),
            correlation_id: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
            round: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000_000 })),
            references: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
            ttl_seconds: Type.Optional(Type.Integer({ minimum: 1, maximum: 86_400 })),
            priority: Type.Optional(Priority)
          })
        }
      }, async (request, reply) => await reply.code(202).send({
        event_id: `evt_${String(++last).padStart(26, '0')}`,
        published: true,
        subscribers_notified: [],
        subscriber_count: 0,
        topic: request.body.topic,
        ttl_seconds: 86_400,
        timestamp: new Date().toISOString()
      }))
    }
  })
})
