import type { IncomingMessage } from 'node:http'
import type { ServerHttp2Stream } from 'node:http2'
import { isIPv6 } from 'node:net'

/** The connection that a request came over: the same object for all of its requests. Of HTTP/2, where each has a socket of its own to look at, the session. */
export function connectionOf (request: IncomingMessage): object {
  return (request as { stream?: ServerHttp2Stream }).stream?.session ?? request.socket
}

/** What one client can be expected to hold: an IPv4 address, the first 64 bits of an IPv6 address; `undefined` on this machine. */
export function networkOf (address: string | undefined): string | undefined {
  const plain = address?.replace(/^::ffff:(?=\d+\.)/i, '').split('%')[0]
  if (plain === undefined || plain === '' || plain === '::1' || plain.startsWith('127.')) return undefined
  if (!isIPv6(plain)) return plain
  const [before = '', after] = plain.split('::')
  const groups = before === '' ? [] : before.split(':')
  // What `::` stands for, as far as it lies within the first four.
  const rest = after === undefined || after === '' ? [] : after.split(':')
  const zeros = after === undefined ? 0 : 8 - groups.length - rest.length
  return `${[...groups, ...new Array<string>(Math.max(0, zeros)).fill('0'), ...rest].slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16)).join(':')}::/64`
}

/** Whether a host, as a setting or a URL has it, is an address of this machine that no other reaches. */
export function isLoopbackHost (host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host)
}
