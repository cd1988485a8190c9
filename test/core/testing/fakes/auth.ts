import { createSign, createVerify, generateKeyPairSync, type KeyObject } from 'node:crypto'
import type { Auth, Claims, Clock, Identity, IssuedToken, JsonObject } from '../../../../core/contracts/index.js'
import { apiError } from '../../../../core/errors.js'

export interface AuthStorage {
  privateKey: KeyObject
  publicKey: KeyObject
  jtis: Set<string>
  agents: Set<string>
  /** `jti` of the first token of a chain, by that of each. */
  roots: Map<string, string>
  chains: Set<string>
}

const REFRESH_SECONDS = 300
const CHAIN_SECONDS = 4 * 3_600

// Making keys is slow; neighbours in time get different ones.
const KEY_PAIRS = Array.from({ length: 3 }, () => generateKeyPairSync('rsa', { modulusLength: 2048 }))
let storages = 0

export function createAuthStorage (): AuthStorage {
  return { ...KEY_PAIRS[storages++ % KEY_PAIRS.length]!, jtis: new Set(), agents: new Set(), roots: new Map(), chains: new Set() }
}

function encode (part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url')
}

let tokens = 0

export function mint (storage: AuthStorage, claims: Claims): string {
  const signed = `${encode({ alg: 'RS256', kid: 'key-1' })}.${encode(claims)}`
  return `${signed}.${createSign('RSA-SHA256').update(signed).sign(storage.privateKey, 'base64url')}`
}

export function claimsFor (clock: Clock, identity: Identity, ttlSeconds: number, chainStartedAt?: number): Claims {
  const now = Math.floor(clock() / 1_000)
  return { ...identity, jti: `jti-${++tokens}`, issued_at: now, expires_at: now + ttlSeconds, chain_started_at: chainStartedAt ?? now }
}

function rootOf (storage: AuthStorage, jti: string): string {
  return storage.roots.get(jti) ?? jti
}

/** A correct auth whose storage outlives it. */
export function createFakeAuth (clock: Clock, storage: AuthStorage): Auth {
  const issue = (identity: Identity, ttlSeconds: number, continues?: Claims): IssuedToken => {
    const claims = claimsFor(clock, identity, ttlSeconds, continues?.chain_started_at)
    storage.roots.set(claims.jti, continues === undefined ? claims.jti : rootOf(storage, continues.jti))
    return { token: mint(storage, claims), claims }
  }
  return {
    supports: { issue: true },
    issue: async ({ agent_id, agent_type, project_id, permissions }, { ttlSeconds, continues }) => issue({ agent_id, agent_type, project_id, permissions }, ttlSeconds, continues),
    async verify (token) {
      const [header, payload, signature, more] = token.split('.')
      let claims: Claims
      try {
        const { alg } = JSON.parse(Buffer.from(header!, 'base64url').toString()) as { alg: string }
        if (alg !== 'RS256' || more !== undefined) throw new Error('not of this auth')
        if (!createVerify('RSA-SHA256').update(`${header}.${payload}`).verify(storage.publicKey, signature!, 'base64url')) throw new Error('not signed by this auth')
        claims = JSON.parse(Buffer.from(payload!, 'base64url').toString()) as Claims
      } catch {
        throw apiError('AUTH_001', 'The token is not acceptable.')
      }
      if (storage.jtis.has(claims.jti) || storage.chains.has(rootOf(storage, claims.jti)) || storage.agents.has(`${claims.project_id}/${claims.agent_id}`)) throw apiError('AUTH_001', 'The token was revoked.')
      if (claims.expires_at <= clock() / 1_000) throw apiError('AUTH_002', 'The token has expired.')
      return claims
    },
    async refresh (claims) {
      const now = clock() / 1_000
      if (claims.expires_at - now > REFRESH_SECONDS) throw apiError('VAL_001', 'It is too early.')
      if (now - claims.chain_started_at > CHAIN_SECONDS) throw apiError('VAL_001', 'The chain has reached its bound.')
      storage.jtis.add(claims.jti)
      const { agent_id, agent_type, project_id, permissions } = claims
      return issue({ agent_id, agent_type, project_id, permissions }, claims.expires_at - claims.issued_at, claims)
    },
    async revoke (target) {
      if ('jti' in target) storage.chains.add(rootOf(storage, target.jti))
      else storage.agents.add(`${target.project_id}/${target.agent_id}`)
      return { revoked: 1 }
    },
    publicKeys: async () => ({ keys: [{ ...storage.publicKey.export({ format: 'jwk' }) as JsonObject, kid: 'key-1', alg: 'RS256', use: 'sig' }] })
  }
}
