import { lookup as resolveName, type LookupAddress } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { promisify } from 'node:util'
import { apiError, codeOf, messageOf, startError } from '../../errors.js'
import { blockListOf, carriedAddress, isPublicAddress } from './public-address.js'

const MAX_URL = 2048
const HOST_NAME = /^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/

/** Decides where pushes may go, so that nobody reaches through the sidecar what only the sidecar can reach. */
export interface TargetGuard {
  /** What the text alone shows: http or https, no credentials, no address that is refused. Throws `VAL_001`. */
  parse (text: string): URL
  /** The same, and that the host's name leads only to addresses that are allowed. Rejects with `VAL_001`. */
  check (text: string): Promise<URL>
  /**
   * For `http.request`: the connection goes to an address that was checked just now, so that a name that leads
   * somewhere else after the check gains nothing. Not asked where the host is an address: `parse` has refused those.
   */
  lookup: LookupFunction
}

export interface TargetGuardOptions {
  /** Host names, addresses and ranges (`10.1.0.0/16`) that are allowed though they are not public. */
  allow: readonly string[]
  /** All addresses of a name; the system's resolver by default. */
  resolve? (hostname: string): Promise<LookupAddress[]>
}

const systemResolve = promisify(resolveName)

/** Throws `SIDECAR_ERR_CONFIG_INVALID` for an entry of `allow` that is neither a name nor an address nor a range. */
export function createTargetGuard ({ allow, resolve = async (hostname) => await systemResolve(hostname, { all: true }) }: TargetGuardOptions): TargetGuard {
  const names = new Set(allow.map(nameOf).filter((name) => isIP(name) === 0 && HOST_NAME.test(name)))
  const ranges = rangesOf(allow.filter((entry) => !names.has(nameOf(entry))))

  const isAllowed = (hostname: string, address: string): boolean => {
    if (names.has(nameOf(hostname)) || isPublicAddress(address)) return true
    const carried = carriedAddress(address)
    const version = isIP(address)
    return (version !== 0 && !address.includes('%') && ranges.check(address, version === 4 ? 'ipv4' : 'ipv6')) ||
      (carried !== undefined && ranges.check(carried, 'ipv4'))
  }

  const parse = (text: string): URL => {
    if (text.length > MAX_URL) throw refused(`is longer than ${MAX_URL} characters`)
    if (!URL.canParse(text)) throw refused('is no absolute URL')
    const url = new URL(text)
    if (url.protocol !== 'http:' && url.protocol !== 'https:') throw refused('must begin with http:// or https://')
    if (url.username !== '' || url.password !== '') throw refused('must not carry a user name or password; the signature shows who pushes')
    const host = hostOf(url)
    if (isIP(host) !== 0 && !isAllowed(host, host)) throw refusedAddress(host, host)
    url.hash = ''
    return url
  }

  const addressesOf = async (hostname: string): Promise<LookupAddress[]> => {
    const addresses = await resolve(hostname)
    // One that is refused is enough: which of them is connected to is not the caller's to choose.
    const wrong = addresses.find(({ address }) => !isAllowed(hostname, address))
    if (wrong !== undefined) throw refusedAddress(hostname, wrong.address)
    return addresses
  }

  return {
    parse,
    async check (text) {
      const url = parse(text)
      const host = hostOf(url)
      if (isIP(host) !== 0) return url
      await addressesOf(host).catch((error: unknown) => {
        throw codeOf(error) === 'VAL_001' ? error : refused(`names the host '${host}', which cannot be resolved (${codeOf(error) ?? messageOf(error)})`)
      })
      return url
    },
    lookup (hostname, options, callback) {
      addressesOf(hostname).then((addresses) => {
        const wanted = addresses.filter(({ family }) => options.family === undefined || options.family === 0 || familyOf(options.family) === family)
        const [first] = wanted
        if (first === undefined) callback(Object.assign(new Error(`'${hostname}' has no address`), { code: 'ENOTFOUND' }), '')
        else if (options.all === true) callback(null, wanted)
        else callback(null, first.address, first.family)
      }, (error: unknown) => callback(error as NodeJS.ErrnoException, ''))
    }
  }
}

function rangesOf (entries: readonly string[]): ReturnType<typeof blockListOf> {
  try {
    return blockListOf(entries)
  } catch (error) {
    throw startError('SIDECAR_ERR_CONFIG_INVALID', `events.webhook_allow takes host names, addresses and ranges like 10.1.0.0/16: ${messageOf(error)}.`, { cause: error })
  }
}

/** An IPv6 address stands in brackets in a URL only. */
export function hostOf (url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '')
}

/** A name as it is compared: without the dot of the root, in lower case. */
function nameOf (hostname: string): string {
  return hostname.toLowerCase().replace(/\.$/, '')
}

function familyOf (family: number | 'IPv4' | 'IPv6'): number {
  return typeof family === 'number' ? family : Number(family.slice(3))
}

function refusedAddress (hostname: string, address: string): Error {
  const host = hostname === address ? `the address ${address}` : `the host '${hostname}' at ${address}`
  return refused(`leads to ${host}, which is not public; an operator can allow it by the setting events.webhook_allow`)
}

function refused (message: string): Error {
  return apiError('VAL_001', `url ${message}.`, { details: { issues: [{ path: 'url', message }] } })
}
