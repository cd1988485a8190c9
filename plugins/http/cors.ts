import cors from '@fastify/cors'
import { definePlugin, Type } from '../../core/plugin-api.js'

export default definePlugin({
  kind: 'http',
  name: 'cors',
  description: 'Pages of other origins that may call the sidecar',
  options: Type.Object({
    origins: Type.Array(Type.String({ minLength: 1 }), { default: [], description: 'Origins such as https://dashboard.example; none by default.' })
  }, { additionalProperties: false }),
  create: ({ origins }) => ({
    async register (app) {
      if (origins.length === 0) return
      await app.register(cors, {
        origin: origins,
        methods: ['GET', 'POST', 'PUT', 'DELETE'],
        allowedHeaders: ['authorization', 'content-type', 'if-none-match', 'idempotency-key', 'last-event-id', 'x-request-id', 'traceparent'],
        exposedHeaders: ['etag', 'retry-after', 'x-request-id', 'x-refreshed-token', 'x-ratelimit-limit', 'x-ratelimit-remaining', 'x-ratelimit-reset'],
        maxAge: 600,
        // The preflight is answered by a hook; it needs no route of its own, which would have to say who may call it.
        preflight: true,
        strictPreflight: true,
        hideOptionsRoute: true
      })
    }
  })
})
