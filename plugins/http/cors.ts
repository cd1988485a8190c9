import cors from '@fastify/cors'
import type { FastifyInstance } from 'fastify'
import { definePlugin, Type } from '../../core/plugin-api.js'

// As browsers write it: lower case, the port only where it is not the usual one.
const LOOPBACK = /^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?$/

async function allowOrigins (app: FastifyInstance, origins: (string | RegExp)[]): Promise<void> {
  // A preflight bears no token: its route, which @fastify/cors mounts, is open to all.
  app.addHook('onRoute', (route) => { if (route.method === 'OPTIONS') route.config = { ...route.config, access: 'open' } })
  await app.register(cors, {
    origin: origins,
    methods: ['GET', 'POST', 'PUT', 'DELETE'],
    allowedHeaders: ['authorization', 'content-type', 'if-none-match', 'idempotency-key', 'last-event-id', 'x-request-id', 'traceparent'],
    exposedHeaders: ['etag', 'retry-after', 'x-request-id', 'x-refreshed-token', 'x-ratelimit-limit', 'x-ratelimit-remaining', 'x-ratelimit-reset'],
    maxAge: 600,
    // Its refusal would be plain text; what is no preflight is answered without a body instead.
    strictPreflight: false,
    hideOptionsRoute: true
  })
}

export default definePlugin({
  kind: 'http',
  name: 'cors',
  description: 'Pages of other origins that may call the sidecar',
  options: Type.Object({
    origins: Type.Array(Type.String({ minLength: 1 }), { default: [], description: 'Origins such as https://dashboard.example; none by default.' }),
    loopback: Type.Boolean({ default: false, description: 'Whether pages that this machine serves may call, whatever their port.' })
  }, { additionalProperties: false }),
  async create ({ origins, loopback }, { app }) {
    const allowed = [...origins, ...(loopback ? [LOOPBACK] : [])]
    // Before the server asks for tokens: a page must be able to read why it was refused.
    if (allowed.length > 0) await allowOrigins(app, allowed)
    return { async register () {} }
  }
})
