import { BlockList, isIP } from 'node:net'

// IANA's registry of special-purpose IPv4 addresses, multicast and what is reserved.
const SPECIAL_V4 = [
  '0.0.0.0/8', // this network
  '10.0.0.0/8', // private
  '100.64.0.0/10', // shared by a carrier's customers
  '127.0.0.0/8', // loopback
  '168.63.129.16/32', // a cloud's own services, reachable from its machines only though it looks public
  '169.254.0.0/16', // link-local, metadata of clouds
  '172.16.0.0/12', // private
  '192.0.0.0/24', // protocol assignments
  '192.0.2.0/24', // documentation
  '192.88.99.0/24', // relays of 6to4
  '192.168.0.0/16', // private
  '198.18.0.0/15', // benchmarks
  '198.51.100.0/24', // documentation
  '203.0.113.0/24', // documentation
  '224.0.0.0/4', // multicast
  '240.0.0.0/4' // reserved, broadcast
]

// Of IPv6 only 2000::/3 is given out for the whole world; loopback, unique local, link-local and multicast lie outside.
const GLOBAL_V6 = ['2000::/3']
const SPECIAL_V6 = [
  '2001::/23', // protocol assignments, Teredo and benchmarks among them
  '2001:db8::/32', // documentation
  '2002::/16', // 6to4: carries an IPv4 address to a relay
  '3fff::/20' // documentation
]

/** IPv6 addresses that stand for the IPv4 address in their last four bytes: mapped ones, and those of NAT64 (RFC 6052). */
const CARRIERS = ['::ffff:0:0/96', '64:ff9b::/96']

const specialV4 = blockListOf(SPECIAL_V4)
const globalV6 = blockListOf(GLOBAL_V6)
const specialV6 = blockListOf(SPECIAL_V6)
const carriers = blockListOf(CARRIERS)

/** Whether an IP address is one that anybody on the internet may have; `false` for what is no address. */
export function isPublicAddress (address: string): boolean {
  switch (isIP(address)) {
    case 4:
      return !specialV4.check(address, 'ipv4')
    case 6: {
      // A zone belongs to an address that only this machine's links know.
      if (address.includes('%')) return false
      const carried = carriedAddress(address)
      if (carried !== undefined) return isPublicAddress(carried)
      return globalV6.check(address, 'ipv6') && !specialV6.check(address, 'ipv6')
    }
    default:
      return false
  }
}

/** The IPv4 address that an IPv6 address stands for, or `undefined`. */
export function carriedAddress (address: string): string | undefined {
  if (isIP(address) !== 6 || address.includes('%') || !carriers.check(address, 'ipv6')) return undefined
  const [high = 0, low = 0] = groupsOf(address).slice(6)
  return [high >> 8, high & 255, low >> 8, low & 255].join('.')
}

/** The eight groups of an IPv6 address, which the URL parser writes with `::` for the longest run of zeros. */
function groupsOf (address: string): number[] {
  const [head = '', tail = ''] = new URL(`http://[${address}]/`).hostname.slice(1, -1).split('::')
  const before = head.split(':').filter(Boolean)
  const after = tail.split(':').filter(Boolean)
  return [...before, ...Array<string>(8 - before.length - after.length).fill('0'), ...after].map((group) => Number.parseInt(group, 16))
}

/** Throws for text that is no address range. */
export function blockListOf (ranges: readonly string[]): BlockList {
  const list = new BlockList()
  for (const range of ranges) {
    const [network = '', prefix] = range.split('/')
    const version = isIP(network)
    if (version === 0) throw new RangeError(`'${range}' is no address range`)
    const family = version === 4 ? 'ipv4' : 'ipv6'
    if (prefix === undefined) list.addAddress(network, family)
    else list.addSubnet(network, Number(prefix), family)
  }
  return list
}
