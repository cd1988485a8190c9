import { createHmac, timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

interface Teardown { teardown (handler: () => Promise<void>): unknown }

export interface Received {
  headers: IncomingHttpHeaders
  text: string
  body: { type: string, timestamp: string, data: { event_id: string, data: Record<string, unknown> } & Record<string, unknown> }
}

export interface Receiver {
  url: string
  port: number
  /** What came so far, whole messages only. */
  received: Received[]
  /** How many connections were made to it. */
  connections (): number
  close (): Promise<void>
}

/** Answers a message, the first being number 0; `undefined` leaves the answer to it. */
export type Answering = (response: ServerResponse, message: Received, number: number) => number | undefined | Promise<number | undefined>

/** A server that receives webhooks and does as it is told; by default it accepts. */
export async function startReceiver (t: Teardown, answering: Answering = () => 204, port = 0): Promise<Receiver> {
  const received: Received[] = []
  let connections = 0
  const server = createServer((request, response) => {
    read(request).then(async (message) => {
      received.push(message)
      const status = await answering(response, message, received.length - 1)
      if (status !== undefined) response.writeHead(status).end()
    }, () => response.destroy())
  })
  server.on('connection', () => { connections++ })
  await once(server.listen(port, '127.0.0.1'), 'listening')
  const close = async (): Promise<void> => {
    if (!server.listening) return
    server.close()
    server.closeAllConnections()
    await once(server, 'close')
  }
  t.teardown(close)
  const { port: bound } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${bound}/hook`, port: bound, received, connections: () => connections, close }
}

async function read (request: IncomingMessage): Promise<Received> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const text = Buffer.concat(chunks).toString('utf8')
  return { headers: request.headers, text, body: JSON.parse(text) as Received['body'] }
}

/** As a receiver checks a message, by the text of the specification. */
export function isSignedBy (secret: string, { headers, text }: Received): boolean {
  const { 'webhook-id': id, 'webhook-timestamp': seconds, 'webhook-signature': signatures } = headers
  const wanted = createHmac('sha256', Buffer.from(secret.slice('whsec_'.length), 'base64')).update(`${String(id)}.${String(seconds)}.${text}`).digest()
  return String(signatures).split(' ').some((signature) => {
    const [version, value = ''] = signature.split(',')
    const given = Buffer.from(value, 'base64')
    return version === 'v1' && given.length === wanted.length && timingSafeEqual(given, wanted)
  })
}
