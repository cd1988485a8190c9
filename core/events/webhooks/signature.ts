import { createHmac, randomBytes } from 'node:crypto'
import { apiError } from '../../errors.js'

/** Standard Webhooks 1.0.0, "Signature scheme": a key of 24 to 64 bytes in base64 behind this prefix. */
const PREFIX = 'whsec_'
const LEAST_BYTES = 24
const MOST_BYTES = 64
const MADE_BYTES = 32

export function createSecret (): string {
  return PREFIX + randomBytes(MADE_BYTES).toString('base64')
}

/** Throws `VAL_001`, without the secret, when it is not of the form that receivers' libraries read. */
export function checkSecret (secret: string): void {
  const text = secret.startsWith(PREFIX) ? secret.slice(PREFIX.length) : ''
  const key = Buffer.from(text, 'base64')
  const isBase64 = key.toString('base64').replace(/=+$/, '') === text.replace(/=+$/, '')
  if (text !== '' && isBase64 && key.length >= LEAST_BYTES && key.length <= MOST_BYTES) return
  const message = `must be '${PREFIX}' and ${LEAST_BYTES} to ${MOST_BYTES} bytes in base64`
  throw apiError('VAL_001', `secret ${message}.`, { details: { issues: [{ path: 'secret', message }] } })
}

/**
 * The headers by which a receiver knows a message and its sender: a signature per secret over `id.seconds.body`.
 * The id stays the same when a message is tried again, the time is that of the attempt.
 */
export function signedHeaders (secrets: readonly string[], id: string, time: number, body: string): Record<string, string> {
  const seconds = Math.floor(time / 1000)
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.slice(PREFIX.length), 'base64')
    return `v1,${createHmac('sha256', key).update(`${id}.${seconds}.${body}`).digest('base64')}`
  })
  return { 'webhook-id': id, 'webhook-timestamp': String(seconds), 'webhook-signature': signatures.join(' ') }
}
