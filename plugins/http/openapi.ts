import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance } from 'fastify'
import { definePlugin, Type, type HttpExtension } from '../../core/plugin-api.js'

const PAGE_POLICY = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'"

/** Begins the document that is generated from the schemas which the routes enforce. It holds the routes that are mounted from then on. */
export async function collectRoutes (app: FastifyInstance, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Orchestration sidecar',
        version,
        description: 'Context, events, results and processes for the coding agents of one repository.'
      },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } } },
      security: [{ token: [] }]
    },
    refResolver: { buildLocalReference: (json, _base, _fragment, index) => (typeof json.$id === 'string' ? json.$id : `def-${index}`) },
    transform: ({ schema, url, route }) => {
      const access = route.config?.access
      return {
        url,
        schema: {
          ...schema,
          ...(access === 'open' ? { security: [] } : {}),
          ...(access === undefined || access === 'open' ? {} : { description: `Needs: ${[access].flat().join(' or ')}` })
        }
      }
    }
  })
}

/** The document, and pages to read it with. */
export function createOpenApi (): HttpExtension {
  return {
    async register (app) {
      app.get('/openapi.json', {
        config: { access: 'open' },
        schema: { summary: 'This document', tags: ['status'], response: { 200: Type.Record(Type.String(), Type.Any()) } }
      }, async () => app.swagger())
      await app.register(async (scope) => {
        // The pages bring their own script and styles, which the policy of an API would keep out.
        scope.addHook('onSend', async (_request, reply) => { reply.header('content-security-policy', PAGE_POLICY) })
        scope.addHook('onRoute', (route) => { route.config = { ...route.config, access: 'open' } })
        await scope.register(swaggerUi, { routePrefix: '/docs' })
      })
    }
  }
}

export default definePlugin({
  kind: 'http',
  name: 'openapi',
  description: 'GET /openapi.json and /docs',
  async create (_options, { app, sidecar }) {
    // Before any extension mounts its routes, so that theirs are in the document too.
    await collectRoutes(app, sidecar.version)
    return createOpenApi()
  }
})
