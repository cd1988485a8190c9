import { hostname } from 'node:os'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { redactSecrets } from '../secret-text.js'
import type { LineSink } from './log-lines.js'

/** As pino numbers them. */
const LEVELS = { debug: 20, info: 30 } as const

/** Writes a line about an answer. */
export type AnswerLog = (request: FastifyRequest, reply: FastifyReply) => void

/**
 * Makes what writes one line for each answer to a route, as the logger of the server would, and without the logger that it would make for each
 * request. `undefined` is no route.
 */
export function createRequestLog (sink: LineSink, level: keyof typeof LEVELS): (route: string | undefined) => AnswerLog {
  const start = `{"level":${LEVELS[level]},"time":`
  const origin = `,"pid":${process.pid},"hostname":${JSON.stringify(hostname())},"reqId":`
  return (route) => {
    const where = route === undefined ? '' : `,"route":${JSON.stringify(route)}`
    return (request, reply) => {
      const agent = request.caller === null ? '' : `,"agent":${JSON.stringify(request.caller.agent_id)}`
      const ms = Math.round(reply.elapsedTime * 100) / 100
      const line = `${start}${Date.now()}${origin}${JSON.stringify(request.id)},"http":"${request.raw.httpVersion}","method":${JSON.stringify(request.method)}${where},"status":${reply.statusCode},"ms":${ms}${agent},"msg":"answered"}\n`
      // Of what is in it only the identifier can be what the client likes.
      sink.write(request.headers['x-request-id'] === undefined ? line : redactSecrets(line))
    }
  }
}
