import { once } from 'node:events'
import { createConnection, type AddressInfo, type Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import type { Answer } from './sidecar.js'

interface Teardown { teardown (handler: () => void): unknown }

/** A connection on which a test writes what it likes. Ended when the test ends. */
export interface RawConnection {
  socket: Socket
  write (text: string): void
  /** All that came, once the server has closed the connection. */
  closed (): Promise<string>
  /** The first answer, as soon as it is there whole; its body is parsed. */
  answer (): Promise<Answer>
}

/** The port of a server; it begins to listen if it does not yet. */
export async function portOf (app: FastifyInstance): Promise<number> {
  if (!app.server.listening) await app.listen({ port: 0, host: '127.0.0.1' })
  return (app.server.address() as AddressInfo).port
}

export async function openRaw (t: Teardown, port: number): Promise<RawConnection> {
  const socket = createConnection(port, '127.0.0.1')
  socket.setNoDelay(true)
  t.teardown(() => { socket.destroy() })
  let received = ''
  socket.setEncoding('utf8').on('data', (text: string) => { received += text })
  // A server that refuses to read on resets the connection.
  socket.on('error', () => {})
  const closing = once(socket, 'close')
  await Promise.race([once(socket, 'connect'), closing])
  return {
    socket,
    write: (text) => { socket.write(text) },
    async closed () {
      await closing
      return received
    },
    async answer () {
      for (;;) {
        const answer = parse(received)
        if (answer !== undefined) return answer
        const isClosed = await Promise.race([once(socket, 'data').then(() => false), closing.then(() => true)])
        if (isClosed && parse(received) === undefined) throw new Error(`The connection was closed before there was a whole answer: ${JSON.stringify(received.slice(0, 200))}`)
      }
    }
  }
}

function parse (received: string): Answer | undefined {
  const end = received.indexOf('\r\n\r\n')
  if (end === -1) return undefined
  const [line = '', ...lines] = received.slice(0, end).split('\r\n')
  const headers = Object.fromEntries(lines.map((header) => [header.slice(0, header.indexOf(':')).toLowerCase(), header.slice(header.indexOf(':') + 2)]))
  const text = received.slice(end + 4)
  if (Buffer.byteLength(text) < Number(headers['content-length'] ?? 0)) return undefined
  const body = Buffer.from(text).toString('utf8', 0, Number(headers['content-length'] ?? 0))
  return { status: Number(line.split(' ')[1]), headers, body: body === '' ? undefined : JSON.parse(body), text: body }
}
