import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import { definePlugin, type HttpExtension } from '../../core/plugin-api.js'

const PAGE_POLICY = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'"

/** The document that is generated from the schemas which the routes enforce, and pages to read it with. */
export function createOpenApi (version: string): HttpExtension {
  return {
    async register (app) {
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
      app.get('/openapi.json', { config: { access: 'open' }, schema: { summary: 'This document', tags: ['status'] } }, async () => app.swagger())
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
  create: (_options, { sidecar }) => createOpenApi(sidecar.version)
})
