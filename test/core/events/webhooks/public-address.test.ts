import fc from 'fast-check'
import t from 'tap'
import { carriedAddress, isPublicAddress } from '../../../../core/events/webhooks/public-address.js'

const REFUSED = [
  '0.0.0.0', '0.255.255.255', '10.0.0.1', '10.255.255.255', '100.64.0.1', '100.127.255.255', '127.0.0.1', '127.255.255.254', '168.63.129.16',
  '169.254.169.254', '172.16.0.1', '172.31.255.255', '192.0.0.1', '192.0.2.1', '192.88.99.1', '192.168.1.1', '198.18.0.1', '198.19.255.255',
  '198.51.100.7', '203.0.113.9', '224.0.0.1', '239.255.255.255', '240.0.0.1', '255.255.255.255',
  '::', '::1', '::127.0.0.1', '::8.8.8.8', '::ffff:127.0.0.1', '::ffff:7f00:1', '::FFFF:10.0.0.1', '0:0:0:0:0:ffff:c0a8:101', '::ffff:0:127.0.0.1',
  '64:ff9b::127.0.0.1', '64:ff9b::a00:1', '64:ff9b::', '64:ff9b:1::8.8.8.8', '100::1', '2001::1', '2001:0:4136:e378:8000:63bf:3fff:fdd2', '2001:2::1',
  '2001:20::1', '2001:db8::1', '2002:7f00:1::', '2002:808:808::1', '3fff::1', '3fff:fff::1', '4000::1', '5f00::1', 'fc00::1', 'fd12:3456::1', 'fd00:ec2::254',
  'fe80::1', 'fe80::1%lo', '2606:4700::1%lo', 'fec0::1', 'ff02::1', 'ff0e::1',
  '', 'localhost', '127.1', '0x7f.0.0.1', '1.1.1.1.', ' 1.1.1.1', '1.1.1.1/32', ':::', '2606:4700::1::'
]
const PUBLIC = [
  '1.1.1.1', '8.8.8.8', '9.255.255.255', '11.0.0.0', '100.63.255.255', '100.128.0.0', '126.255.255.255', '128.0.0.1', '169.253.255.255', '169.255.0.0',
  '172.15.255.255', '172.32.0.0', '192.0.1.0', '192.167.255.255', '192.169.0.0', '198.17.255.255', '198.20.0.0', '223.255.255.255',
  '2000::1', '2001:200::1', '2001:4860:4860::8888', '2606:4700:4700::1111', '2a00:1450::1', '3ffe::1', '::ffff:8.8.8.8', '64:ff9b::8.8.8.8'
]

t.test('addresses that are not everybody\'s are told from public ones', async (t) => {
  t.strictSame(REFUSED.filter(isPublicAddress), [])
  t.strictSame(PUBLIC.filter((address) => !isPublicAddress(address)), [])
})

/** The same registry by arithmetic: first address and number of bits that count. */
const V4: [network: number, bits: number][] = [
  [0x00000000, 8], [0x0a000000, 8], [0x64400000, 10], [0x7f000000, 8], [0xa83f8110, 32], [0xa9fe0000, 16], [0xac100000, 12], [0xc0000000, 24],
  [0xc0000200, 24], [0xc0586300, 24], [0xc0a80000, 16], [0xc6120000, 15], [0xc6336400, 24], [0xcb007100, 24], [0xe0000000, 4], [0xf0000000, 4]
]
const isPublicV4 = (address: number): boolean => V4.every(([network, bits]) => Math.floor(address / 2 ** (32 - bits)) !== Math.floor(network / 2 ** (32 - bits)))
const dotted = (address: number): string => [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join('.')

/** Any address, and as often one at the edge of a range. */
const v4 = fc.oneof(
  fc.integer({ min: 0, max: 0xffffffff }),
  fc.tuple(fc.constantFrom(...V4), fc.integer({ min: -1, max: 1 }), fc.boolean()).map(([[network, bits], step, atEnd]) => (network + (atEnd ? 2 ** (32 - bits) - 1 : 0) + step + 2 ** 32) % 2 ** 32)
)

t.test('every IPv4 address is judged as the registry says, also where IPv6 carries it', async (t) => {
  fc.assert(fc.property(v4, (address) => {
    const text = dotted(address)
    const wanted = isPublicV4(address)
    return [text, `::ffff:${text}`, `64:ff9b::${text}`].every((spelling) => isPublicAddress(spelling) === wanted)
  }), { numRuns: 2000 })
  fc.assert(fc.property(v4, (address) => ['::ffff:', '64:ff9b::'].every((prefix) => carriedAddress(prefix + dotted(address)) === dotted(address))))
  t.pass('for 2000 addresses')
})

t.test('an IPv6 address is public only within what is given out for the whole world', async (t) => {
  const group = fc.oneof(fc.constantFrom(0, 0x2001, 0x0db8, 0xffff, 0x64, 0xff9b, 0xfe80, 0xfc00, 0x2002, 0x3fff), fc.integer({ min: 0, max: 0xffff }))
  fc.assert(fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), (groups) => {
    const [first, second, third] = groups as [number, number, number]
    const low = groups[6]! * 65536 + groups[7]!
    const isMapped = groups.slice(0, 5).every((one) => one === 0) && groups[5] === 0xffff
    const isNat64 = first === 0x64 && second === 0xff9b && groups.slice(2, 6).every((one) => one === 0)
    const isGlobal = first >= 0x2000 && first < 0x4000 && !(first === 0x2001 && second < 0x200) && !(first === 0x2001 && second === 0xdb8) &&
      first !== 0x2002 && !(first === 0x3fff && second < 0x1000)
    const wanted = isMapped || isNat64 ? isPublicV4(low) : isGlobal
    return third !== undefined && isPublicAddress(groups.map((one) => one.toString(16)).join(':')) === wanted
  }), { numRuns: 5000 })
  t.pass('for 5000 addresses')
})
