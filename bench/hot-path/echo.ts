import { definePlugin } from '../../core/plugin-api.js'
import { PUBLISH_SCHEMA, publishAnswer } from '../shared/echo.js'

/** Takes an event and answers as a publish is answered: the route of `bench/events/bare.ts`, behind the chain of a sidecar. */
export default definePlugin({
  kind: 'http',
  name: 'echo',
  create: () => ({
    async register (app) {
      let last = 0
      app.post<{ Body: { topic: string } }>('/echo/:event_type', {
        config: { access: 'publish_events', priority: 'high' },
        schema: PUBLISH_SCHEMA
      }, async (request, reply) => await reply.code(202).send(publishAnswer(++last, request.body.topic)))
    }
  })
})
