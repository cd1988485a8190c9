import { hostname } from 'node:os'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { redactSecrets } from '../secret-text.js'
import type { LineSink } from './log-lines.js'

/** As pino numbers them. */
const LEVELS = { debug: 20, info: 30 } as const

/** Writes one line for each answer, as the logger of the server would, and without the logger that it would make for each request. */
export function createRequestLog (sink: LineSink, level: keyof typeof LEVELS): (request: FastifyRequest, reply: FastifyReply, route: string | undefined) => void {
  const origin = `,"pid":${process.pid},"hostname":${JSON.stringify(hostname())},"reqId":`
  return (request, reply, route) => {
    const agent = request.caller === null ? '' : `,"agent":${JSON.stringify(request.caller.agent_id)}`
    const where = route === undefined ? '' : `,"route":${JSON.stringify(route)}`
    const ms = Math.round(reply.elapsedTime * 100) / 100
    const line = `{"level":${LEVELS[level]},"time":${Date.now()}${origin}${JSON.stringify(request.id)},"method":${JSON.stringify(request.method)}${where},"status":${reply.statusCode},"ms":${ms}${agent},"msg":"answered"}\n`
    // Of what is in it only the identifier can be what the client likes.
    sink.write(request.headers['x-request-id'] === undefined ? line : redactSecrets(line))
  }
}
