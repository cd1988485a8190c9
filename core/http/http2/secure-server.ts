import type { RequestListener, Server as HttpServer } from 'node:http'
import { Server, type ServerOptions } from 'node:https'
import type { TLSSocket } from 'node:tls'
import type { Settings } from '../../config/settings.js'
import { Http2Sessions } from './sessions.js'

/**
 * A server of HTTPS that hands connections on which HTTP/2 was agreed (ALPN, RFC 7301) to sessions of its own. Node's own server for both
 * knows fewer bounds of HTTP/1.1 than its HTTPS server does.
 */
export class SecureServer extends Server {
  readonly #sessions: Http2Sessions

  constructor (options: ServerOptions, handler: RequestListener, settings: Pick<Settings, 'requests'>) {
    super({ ...options, ALPNProtocols: ['h2', 'http/1.1'] }, handler)
    this.#sessions = new Http2Sessions(handler, settings)
    const speakHttp1 = this.listeners('secureConnection') as ((socket: TLSSocket) => void)[]
    this.removeAllListeners('secureConnection')
    this.on('secureConnection', (socket) => {
      if (socket.alpnProtocol === 'h2') this.#sessions.take(socket)
      else for (const listener of speakHttp1) listener.call(this, socket)
    })
  }

  /** Sessions of HTTP/2 that are open. */
  get sessions (): number {
    return this.#sessions.open
  }

  /** Also tells clients of HTTP/2 to send nothing further; their sessions end with the answers under way. */
  override closeIdleConnections (): void {
    super.closeIdleConnections()
    this.#sessions.close()
  }

  override closeAllConnections (): void {
    super.closeAllConnections()
    this.#sessions.destroy()
  }
}

/** Sessions of HTTP/2 that are open with some servers, of which not all need speak it. */
export function sessionsOf (servers: readonly HttpServer[]): number {
  return servers.reduce((sum, server) => sum + ((server as object) instanceof SecureServer ? (server as unknown as SecureServer).sessions : 0), 0)
}
