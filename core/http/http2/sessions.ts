import type { RequestListener } from 'node:http'
import { constants, createServer, type Http2Server, type Http2ServerRequest, type Http2ServerResponse, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import type { TLSSocket } from 'node:tls'
import type { Settings } from '../../config/settings.js'
import { serverLimits, type ServerLimits } from '../server-limits.js'
import { boundRequest } from './request-bounds.js'
import { SessionBounds } from './session-bounds.js'

/** Beyond so much that a session holds in tables, headers and unsent frames, MiB, it takes no further streams. Node's own value. */
const SESSION_MEMORY_MB = 10
/** What is over a bound within these is answered; beyond them Node resets the stream. */
const HARD_FACTOR = 2
/** Of a request: `:method`, `:scheme`, `:authority`, `:path`. */
export const PSEUDO_HEADERS = 4
/** Frames that are not valid, and streams beyond the bound, which one session may send; then it is ended. */
const MOST_FAULTS = 100

/** Everybody who speaks HTTP/2 with one server: the same routes and, where Node has none for HTTP/2, the same bounds as for HTTP/1.1. */
export class Http2Sessions {
  readonly #server: Http2Server
  readonly #open = new Map<ServerHttp2Session, SessionBounds>()
  readonly #limits: ServerLimits
  readonly #mostStreams: number
  #streams = 0

  constructor (handler: RequestListener, settings: Pick<Settings, 'requests'>) {
    const { requests } = settings
    this.#limits = serverLimits(settings)
    this.#mostStreams = requests.max_connections
    this.#server = createServer({
      settings: {
        maxConcurrentStreams: requests.max_streams,
        maxHeaderListSize: this.#limits.http.maxHeaderSize * HARD_FACTOR,
        enablePush: false
      },
      maxHeaderListPairs: requests.max_headers * HARD_FACTOR + PSEUDO_HEADERS,
      maxSessionMemory: SESSION_MEMORY_MB,
      maxSessionInvalidFrames: MOST_FAULTS,
      maxSessionRejectedStreams: MOST_FAULTS
    })
    this.#server.setTimeout(this.#limits.connectionTimeout)
    this.#server.on('session', (session) => { this.#bound(session) })
    this.#server.on('stream', (stream: ServerHttp2Stream) => { this.#count(stream) })
    this.#server.on('request', (request, response) => {
      // Refused, or reset while it was still on its way here.
      if (request.stream.closed || request.stream.destroyed) return
      boundRequest(request, response, this.#limits)
      handler(...asHttp1(request, response))
    })
    // Nobody is let through to elsewhere.
    this.#server.on('connect', ({ stream }: Http2ServerRequest) => { stream.close(constants.NGHTTP2_CONNECT_ERROR) })
  }

  /** How many are open. */
  get open (): number {
    return this.#open.size
  }

  /** Begins to speak HTTP/2 on a connection. */
  take (socket: TLSSocket): void {
    this.#server.emit('connection', socket)
  }

  /** Takes no further requests; those under way are answered (RFC 9113, 6.8). */
  close (): void {
    for (const bounds of this.#open.values()) bounds.end()
  }

  /** Ends all at once. */
  destroy (): void {
    for (const session of this.#open.keys()) session.destroy()
  }

  #bound (session: ServerHttp2Session): void {
    this.#open.set(session, new SessionBounds(session, this.#limits))
    session.once('close', () => { this.#open.delete(session) })
  }

  #count (stream: ServerHttp2Stream): void {
    const { session } = stream
    const bounds = session === undefined ? undefined : this.#open.get(session as ServerHttp2Session)
    // It was reset before anybody looked at it.
    if (stream.closed || stream.destroyed || bounds === undefined) return
    // What was refused so may be sent again (RFC 9113, 8.7).
    if (this.#streams >= this.#mostStreams) return stream.close(constants.NGHTTP2_REFUSED_STREAM)
    this.#streams++
    stream.once('close', () => { this.#streams-- })
    bounds.opened(stream)
  }
}

/** Node's compatibility layer: what handlers ask for is there, under the same names. */
function asHttp1 (request: Http2ServerRequest, response: Http2ServerResponse): Parameters<RequestListener> {
  return [request, response] as unknown as Parameters<RequestListener>
}
