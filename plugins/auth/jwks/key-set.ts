import { createPublicKey, type JsonWebKey } from 'node:crypto'
import { apiError, messageOf, type Clock, type JsonObject, type Logger } from '../../../core/plugin-api.js'
import type { Algorithm } from '../shared/codec.js'
import { fetchJson } from './fetch-json.js'

export interface PublicKey {
  kid: string
  pem: string
  algorithms: readonly Algorithm[]
  jwk: JsonObject
}

export interface KeySetOptions {
  url: string
  algorithms: readonly Algorithm[]
  /** Age at which keys are fetched anew. */
  cacheSeconds: number
  /** Least time between two fetches, whatever is asked for. */
  cooldownSeconds: number
  /** How long keys are believed that could not be fetched anew. */
  staleSeconds: number
  timeoutMs: number
  clock: Clock
  log: Logger
}

const MAX_KEYS = 100
// NIST SP 800-57 part 1, table 2.
const LEAST_RSA_BITS = 2048
const CURVES: Record<string, Algorithm> = { 'P-256': 'ES256', 'P-384': 'ES384', 'P-521': 'ES512', Ed25519: 'EdDSA' }
/** What is public of a key (RFC 7518, section 6; RFC 8037). */
const MEMBERS = ['kty', 'n', 'e', 'crv', 'x', 'y', 'kid', 'use', 'alg']

/** The keys of an issuer by their `kid`: fetched when they are old, or when a token names one that is not known, but never more often than `cooldownSeconds`. */
export class KeySet {
  readonly #options: KeySetOptions
  #keys: ReadonlyMap<string, PublicKey> = new Map()
  /** ms since the epoch; of the last fetch that succeeded, and of the last one. */
  #fetchedAt = -Infinity
  #triedAt = -Infinity
  #fetching: Promise<void> | undefined

  constructor (options: KeySetOptions) {
    this.#options = options
  }

  /** Rejects where the keys cannot be had. */
  async open (): Promise<void> {
    await this.#fetch()
  }

  /** A key that is known and fresh, without waiting. */
  peek (kid: string): PublicKey | undefined {
    return this.#age < this.#options.cacheSeconds * 1000 ? this.#keys.get(kid) : undefined
  }

  /** `undefined` when the issuer has no such key. Rejects with `SRV_002` when that cannot be found out. */
  async find (kid: string): Promise<PublicKey | undefined> {
    const { cacheSeconds, cooldownSeconds, staleSeconds, clock, log } = this.#options
    const known = this.peek(kid)
    if (known !== undefined) return known
    if (this.#fetching !== undefined || Math.abs(clock() - this.#triedAt) >= cooldownSeconds * 1000) {
      await this.#fetch().catch((error: unknown) => log.warn({ reason: messageOf(error) }, 'the keys of the issuer could not be fetched'))
    }
    if (this.#age >= (cacheSeconds + staleSeconds) * 1000) {
      throw apiError('SRV_002', 'The keys of the issuer cannot be fetched at present, so no token can be verified.', { headers: { 'retry-after': String(cooldownSeconds) } })
    }
    return this.#keys.get(kid)
  }

  all (): PublicKey[] {
    return [...this.#keys.values()]
  }

  get #age (): number {
    // A clock that was set back makes keys old rather than young for ever.
    return Math.abs(this.#options.clock() - this.#fetchedAt)
  }

  async #fetch (): Promise<void> {
    this.#fetching ??= this.#take().finally(() => { this.#fetching = undefined })
    await this.#fetching
  }

  async #take (): Promise<void> {
    const { url, algorithms, timeoutMs, clock, log } = this.#options
    this.#triedAt = clock()
    const answer = await fetchJson(url, timeoutMs)
    const listed = (answer as { keys?: unknown } | null)?.keys
    if (!Array.isArray(listed) || listed.length > MAX_KEYS) throw new Error(`${url} answers no key set of at most ${MAX_KEYS} keys`)
    const keys = new Map<string, PublicKey>()
    for (const jwk of listed) {
      const key = publicKeyOf(jwk as JsonObject | null, algorithms)
      // Sets hold keys for other ends, too.
      if (key !== undefined && !keys.has(key.kid)) keys.set(key.kid, key)
    }
    if (keys.size === 0) throw new Error(`${url} holds no key for ${algorithms.join(', ')}`)
    this.#keys = keys
    this.#fetchedAt = clock()
    log.debug({ kids: [...keys.keys()] }, 'the keys of the issuer were fetched')
  }
}

function publicKeyOf (jwk: JsonObject | null, allowed: readonly Algorithm[]): PublicKey | undefined {
  if (typeof jwk !== 'object' || jwk === null || typeof jwk.kid !== 'string' || jwk.kid.length > 256) return undefined
  if (jwk.use !== undefined && jwk.use !== 'sig') return undefined
  const bare = Object.fromEntries(MEMBERS.flatMap((member) => (jwk[member] === undefined ? [] : [[member, jwk[member]!]])))
  try {
    const key = createPublicKey({ key: bare as JsonWebKey, format: 'jwk' })
    if (key.asymmetricKeyType === 'rsa' && (key.asymmetricKeyDetails?.modulusLength ?? 0) < LEAST_RSA_BITS) return undefined
    const fitting = allowed.filter((algorithm) => fits(bare, algorithm) && (bare.alg === undefined || bare.alg === algorithm))
    return fitting.length === 0 ? undefined : { kid: jwk.kid, pem: key.export({ type: 'spki', format: 'pem' }) as string, algorithms: fitting, jwk: bare }
  } catch {
    // A secret, or of a kind that Node does not know.
    return undefined
  }
}

/** A key is for the algorithms of its kind alone, whatever a token says. */
function fits ({ kty, crv }: JsonObject, algorithm: Algorithm): boolean {
  if (kty === 'RSA') return algorithm.startsWith('RS') || algorithm.startsWith('PS')
  return typeof crv === 'string' && Object.hasOwn(CURVES, crv) && CURVES[crv] === algorithm
}
