import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import Fastify from 'fastify'
import { processor } from '../shared/processor.js'
import { answerCalls } from './child.js'

/** A Fastify that does nothing but answer: what the sidecar's answers are measured against. */
const app = Fastify()
const buffers = new Map<string, Buffer>()
app.get('/hello', async () => ({ hello: 'world' }))
app.get<{ Params: { name: string } }>('/buffer/:name', async (request, reply) => await reply.type('application/json; charset=utf-8').send(buffers.get(request.params.name)))
await app.listen({ port: 0, host: '127.0.0.1' })

const handlers = {
  port: () => (app.server.address() as AddressInfo).port,
  /** Takes what it is to serve from a file. */
  load: ({ name, file }: { name: string, file: string }) => { buffers.set(name, readFileSync(file)) },
  processor
}

export type BareCalls = typeof handlers

answerCalls(handlers)
