import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FastifyInstance } from 'fastify'
import { apiError } from '../errors.js'

const SANE_ID = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/
/** Headers that mean two different things when they come twice. */
const SINGLE = new Set(['authorization', 'host', 'content-length', 'content-type', 'idempotency-key'])

const HEADERS = {
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
  return typeof given === 'string' && SANE_ID.test(given) ? given : randomUUID()
}

/** Headers of every response, and what no request may bring. */
export function mountHygiene (app: FastifyInstance, isClosing: () => boolean): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(HEADERS).header('x-request-id', request.id)
    const traceparent = request.headers.traceparent
    if (typeof traceparent === 'string' && /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/.test(traceparent)) reply.header('traceparent', traceparent)
    if (isClosing()) {
      reply.header('connection', 'close')
      throw apiError('SRV_002', 'The sidecar is shutting down; try again when it is back.', { headers: { 'retry-after': '5' } })
    }
    const twice = repeated(request.raw)
    if (twice !== undefined) throw apiError('VAL_001', `The header ${twice} may come once only.`)
  })
}

function repeated (request: IncomingMessage): string | undefined {
  const seen = new Set<string>()
  for (let index = 0; index < request.rawHeaders.length; index += 2) {
    const name = request.rawHeaders[index]!.toLowerCase()
    if (!SINGLE.has(name)) continue
    if (seen.has(name)) return name
    seen.add(name)
  }
  return undefined
}

/** Writes an answer to what Node itself refuses, before there is a request. */
export function refuseMalformed (error: Error & { code?: string }, socket: import('node:net').Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return
  const tooLarge = error.code === 'HPE_HEADER_OVERFLOW'
  const timedOut = error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
  const [status, reason, message] = tooLarge
    ? [431, 'Request Header Fields Too Large', 'The headers are too large.']
    : timedOut ? [408, 'Request Timeout', 'The request did not arrive in time.'] : [400, 'Bad Request', 'The request is no valid HTTP.']
  const id = randomUUID()
  const body = JSON.stringify({ error: 'invalid_request', message, code: 'VAL_001', timestamp: new Date().toISOString(), request_id: id })
  if (socket.writable) {
    socket.end(`HTTP/1.1 ${status} ${reason}\r\ncontent-type: application/json; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(body)}\r\nx-request-id: ${id}\r\nconnection: close\r\n\r\n${body}`)
  }
}

/** Aborted when the client goes away before it was answered. */
export function goneSignal (response: ServerResponse): AbortSignal {
  const gone = new AbortController()
  response.once('close', () => { if (!response.writableFinished) gone.abort() })
  return gone.signal
}

/** Resolves to whether a response was written out whole. */
export async function writtenOut (response: ServerResponse): Promise<boolean> {
  if (response.writableFinished) return true
  return await new Promise((resolve) => {
    response.once('finish', () => resolve(true))
    response.once('close', () => resolve(response.writableFinished))
  })
}
