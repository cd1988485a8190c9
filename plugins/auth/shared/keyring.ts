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
  /** Longest life that a token signed with it can have had so far, seconds: so much longer it must verify once it signs no more. */
  max_life_seconds?: number
  /** RFC 3339, UTC; of a key that signs no more. */
  verifies_until?: string
}

// NIST SP 800-57 part 1, table 2: 2048 bits are acceptable for signatures through 2030.
const MODULUS_BITS = 2048

/** What earlier versions, which did not record it, allowed at most. */
const UNKNOWN_LIFE_SECONDS = 2_592_000

/**
 * The signing keys of this sidecar, newest first: the first signs, all verify. Made on the first start; those whose last token has ended are
 * dropped. `lifeSeconds` is the longest life of tokens from now on.
 */
export async function openKeyring (path: string, now: number, lifeSeconds = 0): Promise<SigningKey[]> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
    const keys = [{ ...await createKey(now), max_life_seconds: lifeSeconds }]
    await makeDirectory(dirname(path))
    await writeKeyring(path, keys)
    return keys
  }
  const found = parseKeyring(text, path)
  const [first, ...rest] = found as [SigningKey, ...SigningKey[]]
  const longest = Math.max(first.max_life_seconds ?? UNKNOWN_LIFE_SECONDS, lifeSeconds)
  const keys = [{ ...first, max_life_seconds: longest }, ...rest.filter((key) => isNeeded(key, now))]
  if (longest !== first.max_life_seconds || keys.length < found.length) await writeKeyring(path, keys)
  return keys
}

/** Puts a new key before the others. */
export async function rotateKeyring (path: string, keys: readonly SigningKey[], now: number, lifeSeconds: number): Promise<SigningKey[]> {
  const [first, ...rest] = keys as [SigningKey, ...SigningKey[]]
  const retired = { ...first, verifies_until: new Date(now + (first.max_life_seconds ?? UNKNOWN_LIFE_SECONDS) * 1000).toISOString() }
  const rotated = [{ ...await createKey(now), max_life_seconds: lifeSeconds }, retired, ...rest.filter((key) => isNeeded(key, now))]
  await writeKeyring(path, rotated)
  return rotated
}

/** Whether a token that it signed may be valid; one that somebody has put there himself counts until he takes it away. */
function isNeeded ({ verifies_until: until }: SigningKey, now: number): boolean {
  return until === undefined || Date.parse(until) > now
}

async function writeKeyring (path: string, keys: readonly SigningKey[]): Promise<void> {
  await writeFileDurably(path, `${JSON.stringify({ keys }, null, 2)}\n`)
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
