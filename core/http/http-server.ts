import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { Settings } from '../config/settings.js'
import { boundByAddress } from './address-bound.js'
import type { Certificate } from './certificate.js'
import { SecureServer } from './http2/secure-server.js'
import { serverLimits } from './server-limits.js'

/** A server that does not listen yet and holds whoever connects to the bounds of the settings; over TLS where there is a certificate, and then with HTTP/2 for those who offer it. */
export function createHttpServer (settings: Pick<Settings, 'requests' | 'tls'>, handler: RequestListener, certificate?: Certificate): Server {
  const { http, requestTimeout, keepAliveTimeout, connectionTimeout } = serverLimits(settings)
  const secure = { ...http, ...certificate, handshakeTimeout: http.headersTimeout }
  const server = certificate === undefined
    ? createServer(http, handler)
    // These have all that a plain one has, and are typed by what they do not inherit.
    : (settings.tls.http2 ? new SecureServer(secure, handler, settings) : createSecureServer(secure, handler)) as unknown as Server
  server.requestTimeout = requestTimeout
  server.keepAliveTimeout = keepAliveTimeout
  server.setTimeout(connectionTimeout)
  server.maxConnections = settings.requests.max_connections
  boundByAddress(server, settings.requests.max_connections_per_address)
  return server
}
