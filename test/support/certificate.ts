import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto'

/** One value of DER (X.690): tag, length, content. */
function der (tag: number, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts)
  const length = content.length < 128 ? Buffer.from([content.length]) : content.length < 256 ? Buffer.from([0x81, content.length]) : Buffer.from([0x82, content.length >> 8, content.length & 255])
  return Buffer.concat([Buffer.from([tag]), length, content])
}

const sequence = (...parts: Buffer[]): Buffer => der(0x30, ...parts)
const object = (hex: string): Buffer => der(0x06, Buffer.from(hex, 'hex'))
const time = (text: string): Buffer => der(0x18, Buffer.from(text))
const bits = (content: Buffer): Buffer => der(0x03, Buffer.from([0]), content)

const COMMON_NAME = '550403'
const SUBJECT_KEY_IDENTIFIER = '551d0e'
const KEY_USAGE = '551d0f'
const ALTERNATIVE_NAMES = '551d11'
const BASIC_CONSTRAINTS = '551d13'
const ECDSA_WITH_SHA256 = '2a8648ce3d040302'
const CRITICAL = der(0x01, Buffer.from([255]))

/** A certificate of its own for localhost and 127.0.0.1 (RFC 5280), with a serial number of its own: no key lies in the repository, and none grows old. */
export function makeCertificate ({ issuer = 'localhost' } = {}): { cert: string, key: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const key = publicKey.export({ type: 'spki', format: 'der' })
  const nameOf = (text: string): Buffer => sequence(der(0x31, sequence(object(COMMON_NAME), der(0x0c, Buffer.from(text)))))
  const algorithm = sequence(object(ECDSA_WITH_SHA256))
  const alternatives = sequence(der(0x82, Buffer.from('localhost')), der(0x87, Buffer.from([127, 0, 0, 1])))
  const extensions = der(0xa3, sequence(
    sequence(object(BASIC_CONSTRAINTS), CRITICAL, der(0x04, sequence(der(0x01, Buffer.from([255]))))),
    // Signs, and signs certificates; strict clients want it said.
    sequence(object(KEY_USAGE), CRITICAL, der(0x04, der(0x03, Buffer.from([2, 0x84])))),
    sequence(object(SUBJECT_KEY_IDENTIFIER), der(0x04, der(0x04, createHash('sha1').update(key).digest()))),
    sequence(object(ALTERNATIVE_NAMES), der(0x04, alternatives))
  ))
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    algorithm,
    nameOf(issuer),
    sequence(time('20200101000000Z'), time('20991231000000Z')),
    nameOf('localhost'),
    key,
    extensions
  )
  const content = sequence(body, algorithm, bits(sign('sha256', body, privateKey))).toString('base64').replace(/.{64}(?=.)/g, '$&\n')
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${content}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
  }
}
