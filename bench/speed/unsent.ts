import type { Server } from 'node:http'
import { Duplex } from 'node:stream'
import { renderRequest } from './client.js'

export interface Unsent { status: number, etag: string, bytes: number, milliseconds: number }

const END_OF_HEAD = '\r\n\r\n'

/**
 * A connection to a server of this process that leads to nobody, one request at a time: what is answered is counted and dropped. The
 * library that injects requests copies each answer, and copies of 10 MiB make the collector of garbage look through all memory all the time.
 */
export class UnsentConnection extends Duplex {
  readonly remoteAddress = '127.0.0.1'
  #head = ''
  #expected = Infinity
  #received = 0
  #started = 0
  #settle: { resolve (answer: Unsent): void, reject (error: Error): void } | undefined

  constructor (server: Server) {
    super()
    server.emit('connection', this)
  }

  async get (path: string, headers: Record<string, string>): Promise<Unsent> {
    this.#head = ''
    this.#expected = Infinity
    this.#received = 0
    return await new Promise((resolve, reject) => {
      this.#settle = { resolve, reject }
      this.#started = performance.now()
      this.push(renderRequest('GET', path, headers))
    })
  }

  override _read (): void {}

  override _write (chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#received += chunk.length
    if (this.#expected === Infinity) this.#readHead(chunk)
    if (this.#received >= this.#expected) this.#answer()
    done()
  }

  /** The server ends what has asked nothing for long. */
  override _final (done: () => void): void {
    this.destroy()
    done()
  }

  override _destroy (error: Error | null, done: (error: Error | null) => void): void {
    this.#settle?.reject(error ?? new Error('The server closed a connection that leads to nobody.'))
    done(error)
  }

  #readHead (chunk: Buffer): void {
    this.#head += chunk.toString('latin1')
    const end = this.#head.indexOf(END_OF_HEAD)
    if (end < 0) return
    this.#head = this.#head.slice(0, end)
    const length = /\r\ncontent-length: (\d+)/i.exec(this.#head)?.[1]
    if (length === undefined) this.destroy(new Error('The answer does not say how long it is.'))
    else this.#expected = end + END_OF_HEAD.length + Number(length)
  }

  #answer (): void {
    const milliseconds = performance.now() - this.#started
    const settle = this.#settle
    this.#settle = undefined
    settle?.resolve({ status: Number(this.#head.slice(9, 12)), etag: /\r\netag: ([^\r]*)/i.exec(this.#head)?.[1] ?? '', bytes: this.#received, milliseconds })
  }
}
