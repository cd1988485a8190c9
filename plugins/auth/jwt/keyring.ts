import { createHash, createPublicKey, generateKeyPair } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { codeOf, makeDirectory, messageOf, SidecarError, writeFileDurably, type JsonObject } from '../../../core/plugin-api.js'

export interface SigningKey {
  kid: string
  private_pem: string
  public_pem: string
  /** RFC 3339, UTC. */
  created_at: string
}

// NIST SP 800-57 part 1, table 2: 2048 bits are acceptable for signatures through 2030.
const MODULUS_BITS = 2048

/** The signing keys of this sidecar, newest first: the first signs, all verify. Made on the first start. */
export async function openKeyring (path: string, now: number): Promise<SigningKey[]> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
    const keys = [await createKey(now)]
    await makeDirectory(dirname(path))
    await writeFileDurably(path, `${JSON.stringify({ keys }, null, 2)}\n`)
    return keys
  }
  return parseKeyring(text, path)
}

function parseKeyring (text: string, path: string): SigningKey[] {
  const damaged = (why: string, cause?: unknown): Error => new SidecarError(
    'SIDECAR_ERR_STORAGE_INVALID',
    `The signing keys in ${path} ${why}. Restore the file from a backup, or remove it: then new keys are made and all tokens end.`,
    { cause }
  )
  let content: { keys?: unknown } | null
  try {
    content = JSON.parse(text) as { keys?: unknown } | null
  } catch (error) {
    throw damaged(`are no JSON (${messageOf(error)})`, error)
  }
  const keys = content?.keys
  if (!Array.isArray(keys) || keys.length === 0 || !keys.every(isWhole)) throw damaged('are damaged')
  return keys
}

/** Whether both halves are those that the identifier names. */
function isWhole (key: Partial<SigningKey> | null): key is SigningKey {
  try {
    return typeof key?.kid === 'string' && [key.public_pem, key.private_pem].every((pem) => thumbprint(pem!) === key.kid)
  } catch {
    return false
  }
}

async function createKey (now: number): Promise<SigningKey> {
  const pair = await promisify(generateKeyPair)('rsa', {
    modulusLength: MODULUS_BITS,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' }
  })
  return { kid: thumbprint(pair.publicKey), private_pem: pair.privateKey, public_pem: pair.publicKey, created_at: new Date(now).toISOString() }
}

/** RFC 7638, of either half of a key. */
function thumbprint (pem: string): string {
  const { e, kty, n } = createPublicKey(pem).export({ format: 'jwk' })
  return createHash('sha256').update(JSON.stringify({ e, kty, n })).digest('base64url')
}

export function publicJwk (key: SigningKey): JsonObject {
  return { ...createPublicKey(key.public_pem).export({ format: 'jwk' }) as JsonObject, kid: key.kid, use: 'sig', alg: 'RS256' }
}
