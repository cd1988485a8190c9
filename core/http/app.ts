import Fastify, { LogController, type FastifyInstance } from 'fastify'
import type { Settings } from '../config/settings.js'
import { compile, compileCoercing } from '../validation.js'
import { mountBodyParser } from './body.js'
import { mountErrors, sendError } from './errors.js'
import { mountHygiene, refuseMalformed, requestId } from './hygiene.js'
import type { Performance } from './performance.js'
import { ErrorBody } from './schemas.js'

const MAX_PARAM_LENGTH = 2200

/** The Fastify instance that plugins and routes are mounted on. */
export function createApp (settings: Settings, performance: Performance, isClosing: () => boolean): FastifyInstance {
  const app = Fastify({
    logger: settings.log_level === 'silent' ? false : { level: settings.log_level, redact: ['req.headers.authorization', 'headers.authorization'] },
    genReqId: requestId,
    requestIdHeader: false,
    bodyLimit: settings.body_limit_mb * 1024 * 1024,
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    // Time for headers and body to arrive; answers may take as long as a long poll does.
    requestTimeout: 60_000,
    keepAliveTimeout: 72_000,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    logController: new LogController({ disableRequestLogging: true }),
    frameworkErrors: (error, request, reply) => { void sendError(error, request, reply) },
    clientErrorHandler: refuseMalformed
  })
  app.addSchema(ErrorBody)
  app.setValidatorCompiler(({ schema, httpPart }) => (httpPart === 'body' ? compile : compileCoercing)(schema as object))
  // Answers are made by this code alone and are checked against their schemas by tests, not at each request.
  app.setSerializerCompiler(() => (data) => JSON.stringify(data))
  mountErrors(app)
  mountBodyParser(app)
  mountHygiene(app, isClosing)
  app.addHook('onResponse', async (request, reply) => {
    if (request.routeOptions.config.longLived !== true) performance.record(reply.elapsedTime, reply.statusCode >= 500)
    request.log.debug({ method: request.method, route: request.routeOptions.url, status: reply.statusCode, ms: Math.round(reply.elapsedTime * 100) / 100, agent: request.caller?.agent_id }, 'answered')
  })
  return app
}
