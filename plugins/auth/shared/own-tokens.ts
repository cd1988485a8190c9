import { join } from 'node:path'
import { LRUCache } from 'lru-cache'
import { apiError, createIds, type Auth, type Claims, type Clock, type Identity, type IssuedToken, type KeyFacts, type Logger, type Permission } from '../../../core/plugin-api.js'
import { isAcceptable, unacceptable, type TokenCodec } from './codec.js'
import { Revocations, type Revocable } from './revocations.js'
import { chainOf, continuing, momentOf } from './chain.js'
import { openKeyring, publicJwk, rotateKeyring, type SigningKey } from './keyring.js'

/** `iss` of every token of a sidecar's own. */
export const ISSUER = 'cco-sidecar'
const AUDIENCE = 'cco-agents'
const PERMISSIONS: readonly Permission[] = ['read_context', 'write_results', 'publish_events', 'spawn_agents', 'admin']
/** How long before its end a token can be refreshed, seconds. */
const REFRESH_WINDOW = 300
const CACHED_TOKENS = 10_000
/**
 * Seconds that a token may come from the future. RFC 7519, section 4.1.4, allows "some small leeway, usually no more than a few minutes" for
 * clocks that differ; issuer and verifier are one machine here, whose clock may be set back a little over a restart.
 */
const LEEWAY = 30
const JTI_PREFIX = 'tok_'

export interface OwnTokensOptions {
  directory: string
  codec: TokenCodec
  /** Seconds that a token can be refreshed in all. */
  chainSeconds: number
  clock: Clock
  log: Logger
}

/** Issues and verifies the tokens of this sidecar, signed with keys of its own, and refreshes them up to the bound of their chain. */
export function createOwnTokens ({ directory, codec, chainSeconds, clock, log }: OwnTokensOptions): Auth {
  const revocations = new Revocations(join(directory, 'revocations.jsonl'), log)
  const verified = new LRUCache<string, { claims: Claims, subject: Revocable }>({ max: CACHED_TOKENS })
  let nextJti = createIds(JTI_PREFIX, clock)
  let keys: SigningKey[] = []
  let rotating: Promise<unknown> = Promise.resolve()
  const ring = join(directory, 'keyring.json')
  // A clock that is set back makes no token a thing of the future that was issued before.
  let latest = 0
  const now = (): number => {
    const seconds = Math.floor(clock() / 1000)
    if (seconds > latest) latest = seconds
    return seconds
  }
  // Of all keys: those of before a change of the setting may have signed for longer.
  const longestLife = (): number => Math.max(chainSeconds, ...keys.map((key) => key.max_life_seconds ?? 0))
  const listKeys = async (): Promise<KeyFacts[]> => keys.map(({ kid, created_at, verifies_until }, index) => ({
    kid, created_at, state: index === 0 ? 'signs' : 'verifies', verifies_until: verifies_until ?? null
  }))

  const verifySignature = (token: string): Claims => {
    if (!isAcceptable(token)) throw unacceptable('it has no acceptable form')
    let payload: Record<string, unknown>
    try {
      const { kid, alg } = codec.header(token)
      const key = alg === 'RS256' ? keys.find((candidate) => candidate.kid === kid) : undefined
      if (key === undefined) throw new Error('unknown key or algorithm')
      payload = codec.verify(token, key.public_pem, 'RS256')
    } catch (error) {
      throw unacceptable('it was not signed by this sidecar', error)
    }
    return claimsOf(payload)
  }

  const auth: Auth = {
    supports: { issue: true },
    async open () {
      keys = await openKeyring(ring, clock(), chainSeconds)
      await revocations.open(now())
      // Where the clock was set back, tokens issued now are still told from those that were revoked before.
      nextJti = createIds(JTI_PREFIX, clock, revocations.lastMark)
    },
    async issue (identity, { ttlSeconds, continues }) {
      const issuedAt = now()
      const chain = continues?.chain_started_at ?? issuedAt
      const jti = continues === undefined ? nextJti() : continuing(chainOf(continues.jti), nextJti())
      const expiresAt = Math.min(issuedAt + ttlSeconds, chain + chainSeconds)
      const claims: Claims = { ...pick(identity), jti, issued_at: issuedAt, expires_at: expiresAt, chain_started_at: chain }
      const token = codec.sign({
        sub: claims.agent_id,
        agent_type: claims.agent_type,
        project_id: claims.project_id,
        permissions: claims.permissions,
        iss: ISSUER,
        aud: AUDIENCE,
        iat: issuedAt,
        exp: expiresAt,
        jti: claims.jti,
        chain
      }, keys[0]!)
      return { token, claims }
    },
    async verify (token) {
      let known = verified.get(token)
      if (known === undefined) {
        const claims = verifySignature(token)
        verified.set(token, known = { claims, subject: { ...claims, chain: chainOf(claims.jti), moment: momentOf(claims.jti) } })
      }
      const { claims, subject } = known
      const seconds = now()
      if (claims.issued_at > latest + LEEWAY) throw unacceptable('it is not valid yet')
      if (claims.expires_at <= seconds) throw apiError('AUTH_002', 'The token has expired: refresh it in its last five minutes, or ask for a new one.')
      if (revocations.isRevoked(subject)) throw unacceptable('it was revoked')
      return claims
    },
    async refresh (claims): Promise<IssuedToken> {
      if (claims.expires_at - now() > REFRESH_WINDOW) {
        throw apiError('VAL_001', `A token can be refreshed in its last ${REFRESH_WINDOW} seconds; this one is valid until ${new Date(claims.expires_at * 1000).toISOString()}.`)
      }
      if (claims.chain_started_at + chainSeconds <= claims.expires_at) {
        throw apiError('VAL_001', 'The token has been refreshed as long as is allowed; ask the operator for a new one.')
      }
      const renewed = await auth.issue(claims, { ttlSeconds: claims.expires_at - claims.issued_at, continues: claims })
      // Of two refreshes at once one wins. This token alone goes: the chain goes on.
      if (!await revocations.add({ jti: claims.jti, until: now() + longestLife() })) throw unacceptable('it was revoked')
      return renewed
    },
    async revoke (target) {
      // Longer than any token can live: until then the revocation must be known.
      const until = now() + longestLife()
      const isNew = await revocations.add('jti' in target
        ? { chain: chainOf(target.jti), until }
        : { project_id: target.project_id, agent_id: target.agent_id, mark: nextJti(), until })
      return { revoked: isNew ? 1 : 0 }
    },
    publicKeys: async () => ({ keys: keys.map(publicJwk) }),
    listKeys,
    async rotateKeys () {
      const rotation = rotating.then(async () => { keys = await rotateKeyring(ring, keys, clock(), chainSeconds) })
      rotating = rotation.catch(() => {})
      await rotation
      return await listKeys()
    }
  }
  return auth
}

function pick ({ agent_id, agent_type, project_id, permissions }: Identity): Identity {
  return { agent_id, agent_type, project_id, permissions: [...permissions] }
}

function claimsOf (payload: Record<string, unknown>): Claims {
  const { iss, aud, sub, agent_type: agentType, project_id: project, permissions, iat, exp, jti, chain, nbf } = payload
  const isOurs = iss === ISSUER && aud === AUDIENCE
  const isText = [sub, agentType, project, jti].every((value) => typeof value === 'string')
  const isNumber = [iat, exp, chain].every((value) => Number.isSafeInteger(value))
  const isList = Array.isArray(permissions) && permissions.every((permission) => PERMISSIONS.includes(permission as Permission))
  if (!isOurs || !isText || !isNumber || !isList || nbf !== undefined) throw unacceptable('its claims are not those of this sidecar')
  return {
    agent_id: sub as string,
    agent_type: agentType as string,
    project_id: project as string,
    permissions: permissions as Permission[],
    jti: jti as string,
    issued_at: iat as number,
    expires_at: exp as number,
    chain_started_at: chain as number
  }
}
