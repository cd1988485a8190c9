import type { LoadedConfig } from '../../core/config/load.js'
import { isLoopbackHost } from '../../core/connection.js'
import { startError } from '../../core/errors.js'

/** Refuses to offer source code and processes to a network in the clear, unless somebody said so. Answers a warning where he did. */
export function checkExposure ({ host, tls, access }: LoadedConfig['settings']): string | undefined {
  if (isLoopbackHost(host) || tls.cert !== undefined) return undefined
  if (access.plain_http) return `Everybody who can reach ${host} can read the tokens and the source code that travel there: there is no TLS.`
  throw startError('SIDECAR_ERR_LISTEN', `${host} can be reached by others, and without TLS they could read tokens and source code on their way. Give --tls-cert and --tls-key, or --access-plain-http where the network is yours alone.`)
}
