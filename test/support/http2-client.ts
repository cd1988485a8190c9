import { once } from 'node:events'
import { connect, type ClientHttp2Session, type ClientHttp2Stream, type OutgoingHttpHeaders } from 'node:http2'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import type { Answer } from './sidecar.js'

interface Teardown { teardown (handler: () => void): unknown }

export interface Http2Client {
  session: ClientHttp2Session
  /** A request without its end, for tests that go on by themselves. */
  open (headers: OutgoingHttpHeaders): ClientHttp2Stream
  /** A whole request and its answer; the body is sent as JSON. Rejects when the stream is reset. */
  ask (path: string, options?: { method?: string, body?: unknown, headers?: OutgoingHttpHeaders }): Promise<Answer>
}

/** One session of HTTP/2 with a server on this machine. Ended when the test ends. */
export async function openHttp2 (t: Teardown, port: number, ca: string, token?: string): Promise<Http2Client> {
  const session = connect(`https://localhost:${port}`, { ca, lookup: (_host, _options, done) => { done(null, [{ address: '127.0.0.1', family: 4 }] as never) } })
  t.teardown(() => { session.destroy() })
  session.on('error', () => {})
  await once(session, 'connect')
  const open = (headers: OutgoingHttpHeaders): ClientHttp2Stream => session.request({ ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...headers }, { endStream: false })
  return {
    session,
    open,
    async ask (path, { method = 'GET', body, headers = {} } = {}) {
      const stream = open({ ':path': path, ':method': method, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers })
      stream.end(body === undefined ? undefined : JSON.stringify(body))
      return await answerOf(stream)
    }
  }
}

/** The answer on a stream, once it is whole. Rejects with the code that the stream was reset with. */
export async function answerOf (stream: ClientHttp2Stream): Promise<Answer> {
  return await new Promise((resolve, reject) => {
    let headers: Answer['headers'] & { ':status'?: number } = {}
    let text = ''
    stream.setEncoding('utf8').on('response', (given) => { headers = given as typeof headers }).on('data', (part: string) => { text += part })
    stream.on('error', reject).on('close', () => {
      const { ':status': status } = headers
      if (status === undefined || !stream.readableEnded) reject(Object.assign(new Error(`The stream was reset with ${stream.rstCode}.`), { rstCode: stream.rstCode }))
      else resolve({ status, headers, body: text === '' ? undefined : JSON.parse(text), text })
    })
  })
}

export const FRAME = { data: 0, headers: 1, priority: 2, reset: 3, settings: 4, ping: 6, goaway: 7, windowUpdate: 8, continuation: 9 } as const
export const FLAG = { ack: 1, endStream: 1, endHeaders: 4 } as const

/** One frame (RFC 9113, 4.1). */
export function frame (type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** Header fields as literals that enter no table (RFC 7541, 6.2.2). */
export function fields (headers: readonly (readonly [name: string, value: string])[]): Buffer {
  return Buffer.concat(headers.flatMap(([name, value]) => [Buffer.from([0]), text(name), text(value)]))
}

function text (value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1')
  const length = [Math.min(bytes.length, 127)]
  // An integer with a prefix of seven bits (RFC 7541, 5.1).
  if (bytes.length >= 127) {
    let rest = bytes.length - 127
    for (; rest >= 128; rest = rest >> 7) length.push((rest & 127) | 128)
    length.push(rest)
  }
  return Buffer.concat([Buffer.from(length), bytes])
}

export const GET = (path: string): [string, string][] => [[':method', 'GET'], [':scheme', 'https'], [':authority', 'localhost'], [':path', path]]

export interface RawHttp2 {
  socket: TLSSocket
  send (...frames: Buffer[]): void
  /** The first frame of a kind that came, or `undefined` when the connection was closed before. */
  frame (type: number, matches?: (stream: number, payload: Buffer) => boolean): Promise<{ stream: number, payload: Buffer } | undefined>
  closed: Promise<unknown>
}

/** A connection on which HTTP/2 was agreed and on which a test sends what frames it likes; with nothing said yet unless `greet`. */
export async function openFrames (t: Teardown, port: number, ca: string, { greet = true, settings = Buffer.alloc(0) } = {}): Promise<RawHttp2> {
  const socket = connectTls({ host: '127.0.0.1', port, ca, ALPNProtocols: ['h2'] })
  t.teardown(() => { socket.destroy() })
  const closed = once(socket, 'close')
  socket.on('error', () => {})
  await once(socket, 'secureConnect')
  const frames: { type: number, stream: number, payload: Buffer }[] = []
  let received = Buffer.alloc(0)
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk])
    for (let length; received.length >= 9 && received.length >= (length = received.readUIntBE(0, 3) + 9); received = received.subarray(length)) {
      frames.push({ type: received[3]!, stream: received.readUInt32BE(5) & 0x7fffffff, payload: Buffer.from(received.subarray(9, length)) })
    }
    socket.emit('frames')
  })
  const send = (...parts: Buffer[]): void => { if (!socket.destroyed) socket.write(Buffer.concat(parts)) }
  if (greet) send(Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), frame(FRAME.settings, 0, 0, settings))
  return {
    socket,
    send,
    closed,
    async frame (type, matches = () => true) {
      for (;;) {
        const found = frames.find((one) => one.type === type && matches(one.stream, one.payload))
        if (found !== undefined || socket.destroyed) return found
        await Promise.race([once(socket, 'frames'), closed])
      }
    }
  }
}

/** Why a session was ended: the code of its GOAWAY, or of the reset of a stream. */
export function codeOf ({ payload }: { payload: Buffer }): number {
  return payload.readUInt32BE(payload.length === 4 ? 0 : 4)
}
