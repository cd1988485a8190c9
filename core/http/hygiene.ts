import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import type { Settings } from '../config/settings.js'
import { apiError } from '../errors.js'
import { answerOf, errorBody } from './errors.js'
import { createHostCheck } from './host-check.js'
import { SECURITY_HEADERS, setCommonHeaders } from './headers.js'
import { PSEUDO_HEADERS } from './http2/sessions.js'
import { isWritten } from './response-state.js'

/** Headers that mean two different things when they come twice. */
const SINGLE = new Set(['authorization', 'host', 'content-length', 'content-type', 'idempotency-key'])

/** Headers of every response, and what no request may bring. */
export function mountHygiene (app: FastifyInstance, settings: Pick<Settings, 'access' | 'host' | 'requests'>, isClosing: () => boolean): void {
  const { requests } = settings
  const isOurs = createHostCheck(settings)
  app.addHook('onRequest', (request, reply, done) => {
    setCommonHeaders(request, reply)
    if (isClosing()) {
      // In HTTP/2 there is no such header: the session says so itself.
      if (request.raw.httpVersionMajor === 1) reply.header('connection', 'close')
      throw apiError('SRV_002', 'The sidecar is shutting down; try again when it is back.')
    }
    // What Node's server of HTTP/2 does not answer itself.
    if (request.raw.httpVersionMajor === 2 && headerBytes(request.raw) > requests.header_kb * 1024) throw Object.assign(new Error('too many bytes'), { statusCode: 431 })
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
  const { ':authority': authority, host = authority } = request.headers
  if (rawHeaders.length - (request.httpVersionMajor === 2 ? PSEUDO_HEADERS * 2 : 0) > mostHeaders * 2) return `A request may have ${mostHeaders} headers.`
  // To a proxy the other form names another server.
  if (url[0] !== '/' && url !== '*') return 'The address must begin with "/".'
  // As many parameters need as many characters.
  if (url.length > mostParameters && parametersIn(url) > mostParameters) return `A request may have ${mostParameters} parameters.`
  if (host === undefined && request.httpVersion !== '1.0') return 'The header host is missing.'
  if (authority !== undefined && host !== authority) return 'The header host and :authority name different hosts.'
  const twice = repeated(request)
  return twice === undefined ? undefined : `The header ${twice} may come once only.`
}

/** The head of a request of HTTP/2, as it would have been sent in HTTP/1.1. */
function headerBytes ({ rawHeaders }: IncomingMessage): number {
  return rawHeaders.reduce((sum, text) => sum + Buffer.byteLength(text, 'latin1') + ': '.length, 0)
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
  if (socket.destroyed) return
  // Nothing was said in HTTP: a handshake of TLS that failed or did not end, a connection that broke. An answer would never be sent, and the connection never closed.
  if (error.code === undefined || !/^(HPE|ERR_HTTP)_/.test(error.code)) {
    socket.destroy()
    return
  }
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
  response.once('close', () => { if (!isWritten(response)) gone.abort() })
  return gone.signal
}
