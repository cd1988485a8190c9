import { constants, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import type { ServerLimits } from '../server-limits.js'
import { Allowance } from './allowance.js'

/**
 * What a session may do that asks for nothing: reset requests (CVE-2023-44487), ping, change settings. So much at once, and so much a second;
 * nghttp2 itself allows 1000 resets and 33 a second. A client that drops all its long polls at once is far below it.
 */
const IDLE_FRAMES = 500
const IDLE_FRAMES_PER_SECOND = 20

/** Holds one session to its bounds: the first request must come in time, no session stays without one, and nobody keeps it busy with nothing. */
export class SessionBounds {
  readonly #allowance = new Allowance(IDLE_FRAMES, IDLE_FRAMES_PER_SECOND)
  #open = 0
  #quiet: NodeJS.Timeout

  constructor (readonly session: ServerHttp2Session, readonly limits: ServerLimits) {
    this.#quiet = setTimeout(() => { session.destroy() }, limits.http.headersTimeout)
    session.once('close', () => { clearTimeout(this.#quiet) })
    session.on('ping', () => { this.#spend() })
    session.on('remoteSettings', () => { this.#spend() })
    session.on('stream', (stream) => { if (stream.aborted || stream.destroyed) this.#spend() })
  }

  opened (stream: ServerHttp2Stream): void {
    this.#open++
    clearTimeout(this.#quiet)
    stream.once('aborted', () => { this.#spend() })
    stream.once('close', () => { if (--this.#open === 0 && !this.session.destroyed) this.#rest() })
  }

  /** Takes no further requests, and ends with the last answer. */
  end (): void {
    this.session.close()
    if (this.#open === 0 && !this.session.destroyed) this.#destroyIn(this.limits.http.headersTimeout)
  }

  #rest (): void {
    if (this.session.closed) return this.#destroyIn(this.limits.http.headersTimeout)
    this.#quiet = setTimeout(() => { this.end() }, this.limits.keepAliveTimeout)
  }

  /** A peer that takes not even the farewell is not waited for. */
  #destroyIn (ms: number): void {
    clearTimeout(this.#quiet)
    this.#quiet = setTimeout(() => { this.session.destroy() }, ms)
  }

  #spend (): void {
    if (this.#allowance.take() || this.session.destroyed) return
    this.session.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM)
    this.session.destroy()
  }
}
