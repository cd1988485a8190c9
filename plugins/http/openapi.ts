import Fastify, { type FastifyInstance, type RouteOptions } from 'fastify'
import { definePlugin, Type, type HttpExtension } from '../../core/plugin-api.js'

const PAGE_POLICY = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'"
const PAGES = '/docs'

/** The routes that are mounted from now on, as they are mounted. */
export function collectRoutes (app: FastifyInstance): RouteOptions[] {
  const routes: RouteOptions[] = []
  app.addHook('onRoute', (route) => { routes.push(route) })
  return routes
}

/**
 * A server of the document alone, generated from the schemas which the routes enforce. It is made when somebody asks for
 * it first: what generates and shows it takes a tenth of the start to load, and most sidecars are never asked.
 */
async function createDocument (app: FastifyInstance, routes: readonly RouteOptions[], version: string): Promise<FastifyInstance> {
  const [{ default: swagger }, { default: swaggerUi }] = await Promise.all([import('@fastify/swagger'), import('@fastify/swagger-ui')])
  const document = Fastify({ exposeHeadRoutes: false })
  for (const schema of Object.values(app.getSchemas())) document.addSchema(schema)
  document.setValidatorCompiler(() => () => true)
  document.setSerializerCompiler(() => (data) => JSON.stringify(data))
  await document.register(swagger, {
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
  for (const { method, url, schema, config } of routes) {
    if (method !== 'HEAD' && schema?.hide !== true) document.route({ method, url, schema: { ...schema }, config: { ...config }, handler: () => {} })
  }
  await document.register(swaggerUi, { routePrefix: PAGES })
  await document.ready()
  return document
}

/** The document, and pages to read it with. */
export function createOpenApi (routes: readonly RouteOptions[], version: string): HttpExtension {
  let made: Promise<FastifyInstance> | undefined
  return {
    async register (app) {
      const documentOf = async (): Promise<FastifyInstance> => {
        made ??= createDocument(app, routes, version)
        return await made
      }
      app.addHook('onClose', async () => { await (await made)?.close() })
      app.get('/openapi.json', {
        config: { access: 'open' },
        schema: { summary: 'This document', tags: ['status'], response: { 200: Type.Record(Type.String(), Type.Any()) } }
      }, async () => (await documentOf()).swagger())
      for (const url of [PAGES, `${PAGES}/*`]) {
        app.get(url, { config: { access: 'open' }, schema: { hide: true } }, async (request, reply) => {
          const page = await (await documentOf()).inject({ url: request.url })
          reply.code(page.statusCode)
          for (const name of ['content-type', 'location', 'last-modified', 'etag']) {
            const value = page.headers[name]
            if (value !== undefined) reply.header(name, value)
          }
          // The pages bring their own script and styles, which the policy of an API would keep out.
          return reply.header('content-security-policy', PAGE_POLICY).send(page.rawPayload)
        })
      }
    }
  }
}

export default definePlugin({
  kind: 'http',
  name: 'openapi',
  description: 'GET /openapi.json and /docs',
  async create (_options, { app, sidecar }) {
    // Before any extension mounts its routes, so that theirs are in the document too.
    return createOpenApi(collectRoutes(app), sidecar.version)
  }
})
