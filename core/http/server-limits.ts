import type { ServerOptions } from 'node:http'
import type { Settings } from '../config/settings.js'

const CHECKS_PER_LIMIT = 4
const LONGEST_CHECK_MS = 5000

/** Bounds of one server, milliseconds and bytes. */
export interface ServerLimits {
  requestTimeout: number
  /** Without a byte in either direction; so a reader that takes nothing is let go, too. */
  connectionTimeout: number
  /** How long a connection may stay that carries no request. */
  keepAliveTimeout: number
  http: ServerOptions & { maxHeaderSize: number, headersTimeout: number }
}

/** How long a connection may take, and how large the head of a request may be. Answers may take as long as a long poll does. */
export function serverLimits ({ requests }: Pick<Settings, 'requests'>): ServerLimits {
  const requestMs = requests.request_seconds * 1000
  // Node wants the whole to take longer than its part.
  const headersMs = Math.min(requests.headers_seconds * 1000, requestMs - 1)
  return {
    requestTimeout: requestMs,
    connectionTimeout: requests.idle_seconds * 1000,
    keepAliveTimeout: 72_000,
    http: {
      maxHeaderSize: requests.header_kb * 1024,
      headersTimeout: headersMs,
      connectionsCheckingInterval: Math.min(LONGEST_CHECK_MS, Math.ceil(headersMs / CHECKS_PER_LIMIT)),
      // What lacks one is answered with the body that every error has, which Node's own answer is not.
      requireHostHeader: false
    }
  }
}
