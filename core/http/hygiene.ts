import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import type { Settings } from '../config/settings.js'
import { apiError } from '../errors.js'
import { answerOf, errorBody } from './errors.js'
import { createHostCheck } from './host-check.js'
import { SECURITY_HEADERS, setCommonHeaders } from './headers.js'

/** Headers that mean two different things when they come twice. */
const SINGLE = new Set(['authorization', 'host', 'content-length', 'content-type', 'idempotency-key'])

/** Headers of every response, and what no request may bring. */
export function mountHygiene (app: FastifyInstance, settings: Pick<Settings, 'access' | 'host' | 'requests'>, isClosing: () => boolean): void {
  const { requests } = settings
  const isOurs = createHostCheck(settings)
  app.addHook('onRequest', (request, reply, done) => {
    setCommonHeaders(request, reply)
    if (isClosing()) {
      reply.header('connection', 'close')
      throw apiError('SRV_002', 'The sidecar is shutting down; try again when it is back.')
    }
    const fault = faultOf(request.raw, requests)
    if (fault !== undefined) throw apiError('VAL_001', fault)
    if (!isOurs(request.raw)) throw Object.assign(new Error('another host'), { statusCode: 421 })
    // A few kilobytes can unpack to gigabytes.
    const { 'content-encoding': encoding } = request.headers
    if (encoding !== undefined && encoding !== 'identity') throw Object.assign(new Error('The body is compressed.'), { statusCode: 415 })
    done()
  })
}

/** What is wrong with the head of a request, in words. */
function faultOf (request: IncomingMessage, { max_headers: mostHeaders, max_parameters: mostParameters }: Settings['requests']): string | undefined {
  const { rawHeaders, url = '' } = request
  if (rawHeaders.length > mostHeaders * 2) return `A request may have ${mostHeaders} headers.`
  // To a proxy the other form names another server.
  if (url[0] !== '/' && url !== '*') return 'The address must begin with "/".'
  // As many parameters need as many characters.
  if (url.length > mostParameters && parametersIn(url) > mostParameters) return `A request may have ${mostParameters} parameters.`
  if (request.headers.host === undefined && request.httpVersion === '1.1') return 'The header host is missing.'
  const twice = repeated(request)
  return twice === undefined ? undefined : `The header ${twice} may come once only.`
}

function parametersIn (url: string): number {
  let count = 1
  for (let at = url.indexOf('&', url.indexOf('?')); at !== -1; at = url.indexOf('&', at + 1)) count++
  return url.includes('?') ? count : 0
}

function repeated (request: IncomingMessage): string | undefined {
  // As many members as there were headers: then none of them came twice.
  if (Object.keys(request.headers).length * 2 === request.rawHeaders.length) return undefined
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
export function refuseMalformed (error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return
  const tooLarge = error.code === 'HPE_HEADER_OVERFLOW'
  const timedOut = error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
  const [status, reason, message] = tooLarge
    ? [431, 'Request Header Fields Too Large', 'The headers are too large.']
    : timedOut ? [408, 'Request Timeout', 'The request did not arrive in time.'] : [400, 'Bad Request', 'The request is no valid HTTP.']
  const id = randomUUID()
  const body = JSON.stringify(errorBody(answerOf('VAL_001', message), id))
  const headers = {
    ...SECURITY_HEADERS,
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    'x-request-id': id,
    connection: 'close'
  }
  const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join('')
  if (socket.writable) socket.end(`HTTP/1.1 ${status} ${reason}\r\n${head}\r\n${body}`)
}

/** Aborted when the client goes away before it was answered. */
export function goneSignal (response: ServerResponse): AbortSignal {
  const gone = new AbortController()
  response.once('close', () => { if (!response.writableFinished) gone.abort() })
  return gone.signal
}

/** Resolves to whether a response, not yet sent, is written out whole. */
export function writtenOut (response: ServerResponse): Promise<boolean> {
  const { socket } = response
  if (response.closed) return Promise.resolve(response.writableFinished)
  return new Promise((resolve) => {
    // Node says `finish`, and `writableFinished`, also of a response whose connection broke on the way.
    response.once('finish', () => resolve(socket?.destroyed !== true))
    response.once('close', () => resolve(false))
  })
}
