import type { IncomingMessage } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { randomId } from '../ids.js'

const SANE_ID = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/
export const TRACE_PARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/

export const SECURITY_HEADERS = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store'
}

/** The client's own request id where it is a sane one. */
export function requestId (request: IncomingMessage): string {
  const given = request.headers['x-request-id']
  return typeof given === 'string' && SANE_ID.test(given) ? given : randomId()
}

/** What every response carries. */
export function setCommonHeaders (request: FastifyRequest, reply: FastifyReply): void {
  reply.headers(SECURITY_HEADERS).header('x-request-id', request.id)
  const trace = traceParentOf(request)
  if (trace !== undefined) reply.header('traceparent', trace)
}

/** The W3C trace context that a request is part of, where it says so in the right form. */
export function traceParentOf ({ headers: { traceparent } }: FastifyRequest): string | undefined {
  return typeof traceparent === 'string' && TRACE_PARENT.test(traceparent) ? traceparent : undefined
}
