import { connect, type Socket } from 'node:net'

export interface Reply {
  status: number
  etag: string
  retryAfter: string
  body: Buffer
  milliseconds: number
}

const END_OF_HEAD = Buffer.from('\r\n\r\n')
const NOTHING = Buffer.alloc(0)

async function connectTo (port: number): Promise<Socket> {
  return await new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.off('error', reject)
      resolve(socket)
    })
    socket.once('error', reject)
  })
}

/**
 * A connection that is kept open, with one request at a time. It does next to nothing itself: what a client costs counts for both sides of
 * a comparison and so would hide how they differ.
 */
export class Connection {
  #socket: Socket
  #chunks: Buffer[] = []
  #received = 0
  #expected = -1
  #head = ''
  #started = 0
  #isBodyWanted = true
  #settle: { resolve (reply: Reply): void, reject (error: Error): void } | undefined

  readonly #port: number

  private constructor (port: number, socket: Socket) {
    this.#port = port
    this.#socket = this.#listen(socket)
  }

  static async open (port: number): Promise<Connection> {
    return new Connection(port, await connectTo(port))
  }

  #listen (socket: Socket): Socket {
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => this.#take(chunk))
    socket.on('error', (error) => this.#fail(error))
    socket.on('close', () => this.#fail(new Error('The server closed the connection.')))
    return socket
  }

  async get (path: string, headers: Record<string, string>): Promise<Reply> {
    return await this.send(renderRequest('GET', path, headers))
  }

  /** Sends a whole request as it is. Of an answer whose body is not wanted that is empty: to put it together takes as long as to receive it. */
  async send (request: string, isBodyWanted = true): Promise<Reply> {
    this.#isBodyWanted = isBodyWanted
    this.#chunks = []
    this.#received = 0
    this.#expected = -1
    // A server closes what was idle for long.
    if (!this.#socket.writable) this.#socket = this.#listen(await connectTo(this.#port))
    return await new Promise((resolve, reject) => {
      this.#settle = { resolve, reject }
      this.#started = performance.now()
      this.#socket.write(request)
    })
  }

  close (): void {
    this.#socket.removeAllListeners('close')
    this.#socket.destroy()
  }

  #take (chunk: Buffer): void {
    if (this.#isBodyWanted || this.#expected < 0) this.#chunks.push(chunk)
    this.#received += chunk.length
    if (this.#expected < 0 && !this.#readHead()) return
    if (this.#received < this.#expected) return
    const milliseconds = performance.now() - this.#started
    const settle = this.#settle
    this.#settle = undefined
    settle?.resolve({
      status: Number(this.#head.slice(9, 12)),
      etag: /\r\netag: ([^\r]*)/i.exec(this.#head)?.[1] ?? '',
      retryAfter: /\r\nretry-after: ([^\r]*)/i.exec(this.#head)?.[1] ?? '',
      body: this.#isBodyWanted ? this.#whole().subarray(this.#head.length + END_OF_HEAD.length) : NOTHING,
      milliseconds
    })
  }

  /** Whether all of the head has come. */
  #readHead (): boolean {
    const start = this.#whole()
    const end = start.indexOf(END_OF_HEAD)
    if (end < 0) return false
    this.#head = start.toString('latin1', 0, end)
    const length = /\r\ncontent-length: (\d+)/i.exec(this.#head)?.[1]
    if (length === undefined && !/^HTTP\/1\.1 (?:204|304)/.test(this.#head)) {
      this.#fail(new Error('The answer does not say how long it is.'))
      this.#socket.destroy()
      return false
    }
    this.#expected = end + END_OF_HEAD.length + Number(length ?? 0)
    return true
  }

  /** What was received and kept. */
  #whole (): Buffer {
    return this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks)
  }

  #fail (error: Error): void {
    this.#settle?.reject(error)
    this.#settle = undefined
  }
}

/** A request as it is written to the socket; what has a body is JSON. */
export function renderRequest (method: string, path: string, headers: Record<string, string>, body?: string): string {
  const all = body === undefined ? headers : { ...headers, 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`).join('')
  return `${method} ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n${lines}\r\n${body ?? ''}`
}

export async function openAll (port: number, count: number): Promise<Connection[]> {
  return await Promise.all(Array.from({ length: count }, async () => await Connection.open(port)))
}

export interface Load {
  /** Requests a second. */
  rate: number
  requests: number
  /** Answers of another status than was expected. */
  unexpected: number
}

/** Every connection asks again as soon as it has its answer. */
export async function load (connections: readonly Connection[], milliseconds: number, path: string, headers: Record<string, string>, status: number): Promise<Load> {
  return await loadWith(connections, milliseconds, renderRequest('GET', path, headers), status)
}

/** As `load`, with a request that is rendered, or with one for each connection. */
export async function loadWith (connections: readonly Connection[], milliseconds: number, request: string | readonly string[], status: number): Promise<Load> {
  const started = performance.now()
  let requests = 0
  let unexpected = 0
  await Promise.all(connections.map(async (connection, index) => {
    const own = typeof request === 'string' ? request : request[index]!
    while (performance.now() - started < milliseconds) {
      const reply = await connection.send(own, false)
      requests++
      if (reply.status !== status) unexpected++
    }
  }))
  return { rate: requests / (performance.now() - started) * 1000, requests, unexpected }
}
