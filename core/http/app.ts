import Fastify, { LogController, type FastifyInstance, type FastifyServerOptions } from 'fastify'
import type { ValidateFunction } from 'ajv'
import type { Settings } from '../config/settings.js'
import { compile, compileCoercing } from '../validation.js'
import { messageOf, startError } from '../errors.js'
import { tellOfDrops } from './address-bound.js'
import { mountBodyParser } from './body.js'
import { readCertificate } from './certificate.js'
import { mountErrors, sendError } from './errors.js'
import { requestId } from './headers.js'
import { createHttpServer } from './http-server.js'
import { mountHygiene, refuseMalformed } from './hygiene.js'
import { standardOutput, type LineSink } from './log-lines.js'
import { loggerOf } from './logger.js'
import type { Performance } from './performance.js'
import { createRequestLog } from './request-log.js'
import { ErrorBody } from './schemas.js'

const MAX_PARAM_LENGTH = 2200

/** `undefined` where nothing is logged. */
async function sinkOf ({ log_level: level, log_format: format }: Settings): Promise<LineSink | undefined> {
  if (level === 'silent') return undefined
  if (format === 'json') return standardOutput
  const { default: pretty } = await import('pino-pretty')
  return pretty({ translateTime: 'SYS:HH:MM:ss.l', ignore: 'pid,hostname', colorize: process.stdout.isTTY }) as LineSink
}

/** A validator that is compiled when the first request needs it: doing all of them takes a quarter of the start. */
function lazily (compileNow: () => ValidateFunction): ValidateFunction {
  let compiled: ValidateFunction | undefined
  const validate = (data: unknown): boolean => {
    compiled ??= compileNow()
    const isValid = compiled(data) as boolean
    validate.errors = compiled.errors
    return isValid
  }
  validate.errors = null as ValidateFunction['errors']
  return validate as unknown as ValidateFunction
}

/** The one option that Fastify checks here is the list of proxies. */
function build (options: FastifyServerOptions): FastifyInstance {
  try {
    return Fastify(options)
  } catch (error) {
    throw startError('SIDECAR_ERR_CONFIG_INVALID', `Wrong configuration of the server: access.trust_proxy: ${messageOf(error)}.`, { cause: error })
  }
}

/** The Fastify instance that plugins and routes are mounted on. */
export async function createApp (settings: Settings, performance: Performance, isClosing: () => boolean): Promise<FastifyInstance> {
  const certificate = readCertificate(settings)
  const sink = await sinkOf(settings)
  const app = build({
    logger: await loggerOf(settings, sink),
    genReqId: requestId,
    requestIdHeader: false,
    bodyLimit: settings.body_limit_mb * 1024 * 1024,
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    serverFactory: (handler) => createHttpServer(settings, handler, certificate),
    // Told so that its log line names the right scheme.
    ...(certificate === undefined ? {} : { https: {} }),
    trustProxy: settings.access.trust_proxy.length > 0 ? settings.access.trust_proxy : false,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    logController: new LogController({ disableRequestLogging: true }),
    frameworkErrors: sendError,
    clientErrorHandler: refuseMalformed
  })
  app.addSchema(ErrorBody)
  app.setValidatorCompiler(({ schema, httpPart }) => lazily(() => (httpPart === 'body' ? compile : compileCoercing)(schema as object)))
  // Answers are made by this code alone and are checked against their schemas by tests, not at each request.
  app.setSerializerCompiler(() => (data) => JSON.stringify(data))
  mountErrors(app)
  app.server.on('drop', tellOfDrops(app.log))
  mountBodyParser(app, settings)
  mountHygiene(app, settings, isClosing)
  const isVerbose = ['debug', 'trace'].includes(settings.log_level)
  const isLogged = isVerbose || (settings.log_requests && settings.log_level === 'info')
  const log = sink !== undefined && isLogged ? createRequestLog(sink, settings.log_requests ? 'info' : 'debug') : undefined
  // Beside each route: to ask a request for its route costs more than all that is done here.
  app.addHook('onRoute', (route) => {
    const isLong = route.config?.longLived === true
    const write = log?.(route.url)
    route.onResponse = [...[route.onResponse ?? []].flat(), (request, reply, done) => {
      if (!isLong) performance.record(reply.elapsedTime, reply.statusCode >= 500)
      write?.(request, reply)
      done()
    }]
  })
  const writeUnknown = log?.(undefined)
  app.addHook('onResponse', (request, reply, done) => {
    if (request.is404) {
      performance.record(reply.elapsedTime, false)
      writeUnknown?.(request, reply)
    }
    done()
  })
  return app
}
