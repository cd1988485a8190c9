import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { LRUCache } from 'lru-cache'
import { apiError, isApiError, makeDirectory, SidecarError, messageOf, type Auth, type Claims, type Clock, type Logger } from '../../../core/plugin-api.js'
import { isAcceptable, unacceptable, type Algorithm, type TokenCodec } from '../shared/codec.js'
import { Revocations, type Revocable } from '../shared/revocations.js'
import { identityOf, type MappingOptions } from './claims.js'
import { KeySet, type KeySetOptions } from './key-set.js'

const CACHED_TOKENS = 10_000
const TYPES: ReadonlySet<unknown> = new Set([undefined, 'JWT', 'jwt', 'at+jwt', 'application/at+jwt'])

export interface OutsideTokensOptions extends MappingOptions, KeySetOptions {
  directory: string
  codec: TokenCodec
  issuer: string
  /** One of which a token must be for. */
  audience: readonly string[]
  /** How far clocks may differ. */
  toleranceSeconds: number
  /** Longer lives are refused: so long must a revocation be remembered. */
  maxLifeSeconds: number
  clock: Clock
  log: Logger
}

interface Verified { claims: Claims, kid: string, pem: string, notBefore: number, subject: Revocable }

/** Verifies tokens of an outside issuer. None is issued here, and none refreshed or continued; revoking is ours, and durable. */
export function createOutsideTokens (options: OutsideTokensOptions): Auth {
  const { directory, codec, toleranceSeconds, maxLifeSeconds, clock, log } = options
  const keys = new KeySet(options)
  const revocations = new Revocations(join(directory, 'jwks-revocations.jsonl'), log)
  const verified = new LRUCache<string, Verified>({ max: CACHED_TOKENS })
  const now = (): number => Math.floor(clock() / 1000)
  const elsewhere = async (): Promise<never> => { throw apiError('VAL_001', `Tokens come from ${options.issuer}; ask there for one.`) }

  async function verifySignature (token: string): Promise<Verified> {
    if (!isAcceptable(token)) throw unacceptable('it has no acceptable form')
    let payload: Record<string, unknown>
    let key: Awaited<ReturnType<typeof keyFor>>
    try {
      key = await keyFor(codec.header(token))
      payload = codec.verify(token, key.pem, key.algorithm)
    } catch (error) {
      if (isApiError(error)) throw error
      throw unacceptable('it was not signed by the issuer', error)
    }
    return { ...claimsOf(payload, token, options), kid: key.kid, pem: key.pem }
  }

  async function keyFor ({ kid, alg, typ, crit }: Record<string, unknown>): Promise<{ kid: string, pem: string, algorithm: Algorithm }> {
    const algorithm = options.algorithms.find((allowed) => allowed === alg)
    if (typeof kid !== 'string' || kid.length > 256 || algorithm === undefined || crit !== undefined || !TYPES.has(typ)) throw new Error('unknown key, algorithm or type')
    const key = await keys.find(kid)
    if (key === undefined || !key.algorithms.includes(algorithm)) throw new Error('unknown key, or not one for this algorithm')
    return { kid, pem: key.pem, algorithm }
  }

  return {
    supports: { issue: false },
    async open () {
      await makeDirectory(directory)
      await revocations.open(now())
      try {
        await keys.open()
      } catch (error) {
        throw new SidecarError('SIDECAR_ERR_PLUGIN_OPEN', `The keys of ${options.issuer} cannot be fetched from ${options.url}: ${reasonOf(error)}. Is the address right, and reached from here?`, { cause: error })
      }
    },
    issue: elsewhere,
    refresh: elsewhere,
    async verify (token) {
      let known = verified.get(token)
      // A key that the issuer took back or replaced verifies no more, whatever was verified with it.
      if (known === undefined || (keys.peek(known.kid) ?? await keys.find(known.kid))?.pem !== known.pem) {
        verified.delete(token)
        verified.set(token, known = await verifySignature(token))
      }
      const { claims, notBefore, subject } = known
      const seconds = now()
      if (Math.max(claims.issued_at, notBefore) > seconds + toleranceSeconds) throw unacceptable('it is not valid yet')
      if (claims.expires_at + toleranceSeconds <= seconds) throw apiError('AUTH_002', 'The token has expired; ask its issuer for a new one.')
      if (revocations.isRevoked(subject)) throw unacceptable('it was revoked')
      return claims
    },
    async revoke (target) {
      const until = now() + maxLifeSeconds + toleranceSeconds
      const isNew = await revocations.add('jti' in target
        ? { jti: target.jti, until }
        : { project_id: target.project_id, agent_id: target.agent_id, mark: momentOf(now()), until })
      return { revoked: isNew ? 1 : 0 }
    },
    publicKeys: async () => ({ keys: keys.all().map(({ jwk }) => jwk) })
  }
}

function claimsOf (payload: Record<string, unknown>, token: string, options: OutsideTokensOptions): Omit<Verified, 'kid' | 'pem'> {
  const { iss, aud, exp, iat, nbf, jti } = payload
  if (iss !== options.issuer) throw unacceptable('it is of another issuer')
  const audience: unknown[] = Array.isArray(aud) ? aud : [aud]
  if (!audience.some((one) => typeof one === 'string' && options.audience.includes(one))) throw unacceptable('it is meant for others')
  if (!isTime(exp) || !isTime(iat) || !(nbf === undefined || isTime(nbf))) throw unacceptable('its times are missing or no times')
  if (exp - iat > options.maxLifeSeconds) throw unacceptable(`it lives longer than ${options.maxLifeSeconds} seconds`)
  if (!(jti === undefined || (typeof jti === 'string' && jti !== '' && jti.length <= 256))) throw unacceptable('its identifier is none')
  const claims: Claims = {
    ...identityOf(payload, options),
    // One that its issuer did not name is named by its content, so that it can be revoked.
    jti: jti ?? `sha256-${createHash('sha256').update(token).digest('hex')}`,
    issued_at: Math.floor(iat),
    expires_at: Math.floor(exp),
    chain_started_at: Math.floor(iat),
    issuer: options.issuer
  }
  return { claims, notBefore: nbf ?? 0, subject: { ...claims, chain: claims.jti, moment: momentOf(claims.issued_at) } }
}

/** NumericDate of RFC 7519, which may have a fraction. */
function isTime (value: unknown): value is number {
  return typeof value === 'number' && value > 0 && value <= Number.MAX_SAFE_INTEGER
}

/** Seconds since the epoch as a text that sorts like them. */
function momentOf (seconds: number): string {
  return String(seconds).padStart(16, '0')
}

function reasonOf (error: unknown): string {
  const cause = (error as { cause?: unknown } | null)?.cause
  return messageOf(cause ?? error).replace(/\.$/, '')
}
