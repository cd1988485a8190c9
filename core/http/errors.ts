import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { API_ERRORS, isApiError, messageOf, type ApiErrorCode } from '../errors.js'
import { redactSecrets } from '../secret-text.js'
import { describeIssue, issuesOf, type Issue } from '../validation.js'
import { setCommonHeaders } from './headers.js'

interface ErrorAnswer {
  status: number
  code: ApiErrorCode
  error: string
  message: string
  details?: Record<string, unknown> | undefined
  headers?: Record<string, string> | undefined
}

const CODE_HEADERS: Partial<Record<ApiErrorCode, Record<string, string>>> = {
  AUTH_001: { 'www-authenticate': 'Bearer' },
  AUTH_002: { 'www-authenticate': 'Bearer error="invalid_token"' },
  SRV_002: { 'retry-after': '5' }
}

export function answerOf (code: ApiErrorCode, text: string, more: Partial<ErrorAnswer> = {}): ErrorAnswer {
  // One line, also where it quotes what the client sent.
  const message = redactSecrets(text).replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, ' ')
  return {
    ...API_ERRORS[code],
    code,
    message,
    ...more,
    headers: { ...CODE_HEADERS[code], ...more.headers },
    // Clients read the issues of whatever is not valid; a fault of the whole is an issue without a path.
    details: code === 'VAL_001' || code === 'EVT_002' ? { issues: [{ path: '', message }], ...more.details } : more.details
  }
}

/** The body of an error as the wire contract has it. */
export function errorBody (answer: Pick<ErrorAnswer, 'code' | 'error' | 'message' | 'details'>, requestId: string): Record<string, unknown> {
  return {
    error: answer.error,
    message: answer.message,
    code: answer.code,
    ...(answer.details === undefined ? {} : { details: answer.details }),
    // The rate limit's members stand beside the others, too: clients read them there.
    ...(answer.code === 'RATE_001' ? answer.details : {}),
    timestamp: new Date().toISOString(),
    request_id: requestId
  }
}

/** What people call the parts of a request that Fastify names otherwise. */
const PARTS: Record<string, string> = { querystring: 'query', params: 'path' }

/** What an error means on the wire; nothing of an unexpected one leaves but that it happened. */
export function translate (error: FastifyError | null | undefined, request: FastifyRequest): ErrorAnswer {
  if (isApiError(error)) return answerOf(error.code, error.message, { details: error.details, headers: error.headers })
  if (error?.validation !== undefined) {
    const part = error.validationContext ?? 'body'
    const issues: Issue[] = issuesOf(error.validation as Parameters<typeof issuesOf>[0])
    const code = part === 'body' ? request.routeOptions.config.invalidBody ?? 'VAL_001' : 'VAL_001'
    return answerOf(code, `The ${PARTS[part] ?? part} is not valid: ${issues.map(describeIssue).join('; ')}.`, { details: { issues } })
  }
  const status = error?.statusCode ?? 500
  if (status === 408) return answerOf('VAL_001', 'The request did not arrive in time.', { status })
  if (status === 431) return answerOf('VAL_001', 'The headers are too large.', { status })
  if (status === 413) return answerOf('VAL_001', 'The body is larger than the limit.', { status, error: 'payload_too_large' })
  if (status === 415) return answerOf('VAL_001', 'The body must be JSON, with content-type application/json and not compressed.', { status, error: 'unsupported_media_type' })
  if (status === 421) return answerOf('VAL_001', 'This sidecar does not go by the name of the header host; the setting access.hosts names those that it does.', { status, error: 'misdirected_request' })
  if (status === 404) return answerOf('NOT_001', 'There is no such route.')
  if (status >= 400 && status < 500) return answerOf('VAL_001', `The request is not valid: ${sentence(messageOf(error))}`)
  return answerOf('SRV_001', 'Something unexpected happened; the server\'s log says more under this request id.')
}

const MAX_QUOTED = 300

function sentence (message: string): string {
  const line = message.split('\n')[0]!
  if (line.length > MAX_QUOTED) return `${line.slice(0, MAX_QUOTED)}….`
  return line.endsWith('.') ? line : `${line}.`
}

export async function sendError (error: FastifyError, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const answer = translate(error, request)
  if (answer.status >= 500 && answer.code !== 'SRV_002') request.log.error({ err: error, code: answer.code }, messageOf(error))
  // What is refused before the first hook runs, such as an address that cannot be decoded, has no headers yet.
  if (!reply.hasHeader('x-request-id')) setCommonHeaders(request, reply)
  // Fastify says it of a body that it did not read to its end; HTTP/2 knows no such header.
  if (request.raw.httpVersionMajor === 2) reply.removeHeader('connection')
  return await reply.code(answer.status).headers(answer.headers ?? {}).type('application/json; charset=utf-8').send(errorBody(answer, request.id))
}

export function mountErrors (app: FastifyInstance): void {
  app.setErrorHandler<FastifyError>(sendError)
  app.setNotFoundHandler({}, async (request, reply) => await reply
    .code(404)
    .type('application/json; charset=utf-8')
    .send(errorBody(answerOf('NOT_001', `There is no route ${request.method} ${request.url.split('?')[0]!.slice(0, 200)}.`), request.id)))
}
