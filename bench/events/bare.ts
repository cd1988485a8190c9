import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import Fastify, { type FastifyReply } from 'fastify'
import { compile, compileCoercing } from '../../core/validation.js'
import { PUBLISH_SCHEMA, publishAnswer } from '../shared/echo.js'
import { processor } from '../shared/processor.js'
import { answerCalls } from '../speed/child.js'
import { heldBytes } from './memory.js'

/** What the sidecar is measured against: a Fastify that validates a publish as the sidecar does and answers, a long poll of a few lines, and node:http. */
const app = Fastify({ routerOptions: { maxParamLength: 2200 } })
app.setValidatorCompiler(({ schema, httpPart }) => (httpPart === 'body' ? compile : compileCoercing)(schema as object))
app.setSerializerCompiler(() => (data) => JSON.stringify(data))

const schema = PUBLISH_SCHEMA
interface Publish { Params: { event_type: string }, Body: { topic: string, data: object } }
let last = 0

/** Takes an event and answers as a publish is answered. */
app.post<Publish>('/echo/:event_type', { schema }, async (request, reply) => await reply.code(202).send(publishAnswer(++last, request.body.topic)))

const parked = new Set<FastifyReply>()

/** A long poll without positions, filters, bounds and time-outs: all who wait get the next event. */
app.get('/wait', (_request, reply) => { parked.add(reply) })
app.post<Publish>('/publish/:event_type', { schema }, async (request, reply) => {
  const event = { event_id: `evt_${String(++last).padStart(26, '0')}`, event_type: request.params.event_type, publisher: 'bare', publisher_type: 'bare', ...request.body, timestamp: new Date().toISOString(), ttl_seconds: 86_400 }
  const waiting = [...parked]
  parked.clear()
  for (const waiter of waiting) waiter.send({ events: [event], more_available: false, next_cursor: `cur_${last}`, timestamp: new Date().toISOString() })
  return await reply.code(202).send({ event_id: event.event_id, published: true, subscriber_count: waiting.length })
})
await app.listen({ port: 0, host: '127.0.0.1' })

const idle = new Set<ServerResponse>()
const plain = createServer((_request, response) => {
  idle.add(response)
  response.once('close', () => idle.delete(response))
}).listen(0, '127.0.0.1')

const handlers = {
  address: () => ({ port: (app.server.address() as AddressInfo).port, plainPort: (plain.address() as AddressInfo).port }),
  waiting: () => parked.size,
  idle: () => idle.size,
  processor,
  memory: heldBytes
}

export type BareCalls = typeof handlers

answerCalls(handlers)
