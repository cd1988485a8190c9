import type { IncomingMessage } from 'node:http'
import type { Settings } from '../config/settings.js'
import { isLoopbackHost } from '../connection.js'

const NAMES = ['localhost', '127.0.0.1', '[::1]']
const PORT = /:\d{1,5}$/
/** Many names may be asked for, few are right; those are remembered with their ports. */
const MAX_REMEMBERED = 100

/**
 * Whether a request names a host that this server goes by. A page of a stranger can have its own name point to this machine and then counts as of the same
 * origin (DNS rebinding); what it cannot do is send another `Host`. Not asked where the server is reached by names that it cannot know: on an address that is
 * no loopback, without `access.hosts`.
 */
export function createHostCheck ({ host, access }: Pick<Settings, 'host' | 'access'>): (request: IncomingMessage) => boolean {
  if (!isLoopbackHost(host) && access.hosts.length === 0) return () => true
  const known = new Set([...NAMES, host, `[${host}]`, ...access.hosts].map((name) => name.toLowerCase()))
  const accepted = new Set<string>()
  return ({ headers }) => {
    const named = headers[':authority'] as string | undefined ?? headers.host
    // Old clients name none, and browsers always do.
    if (named === undefined || accepted.has(named)) return true
    if (!known.has(named.toLowerCase().replace(PORT, ''))) return false
    if (accepted.size < MAX_REMEMBERED) accepted.add(named)
    return true
  }
}
