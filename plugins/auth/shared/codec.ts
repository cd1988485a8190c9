import fastifyJwt from '@fastify/jwt'
import type { FastifyInstance } from 'fastify'
import { apiError } from '../../../core/plugin-api.js'

export type Algorithm = 'RS256' | 'RS384' | 'RS512' | 'PS256' | 'PS384' | 'PS512' | 'ES256' | 'ES384' | 'ES512' | 'EdDSA'

/** Signs and checks a JSON Web Token with a given key; made of @fastify/jwt. */
export interface TokenCodec {
  sign (payload: object, key: { kid: string, private_pem: string }): string
  /** Checks form, algorithm and signature, neither times nor claims. Throws what does not hold. */
  verify (token: string, publicPem: string, algorithm: Algorithm): Record<string, unknown>
  /** The header, unchecked. Throws when there is none. */
  header (token: string): Record<string, unknown>
}

/** @fastify/jwt in a scope of its own, so that nothing else of the server is decorated. Keys are given with each call. */
export async function createCodec (app: FastifyInstance): Promise<TokenCodec> {
  let codec: TokenCodec | undefined
  await app.register(async (scope) => {
    await scope.register(fastifyJwt, {
      // Every call below names its key; without one nothing is signed and nothing verifies.
      secret: () => { throw new Error('no key was named') },
      sign: { algorithm: 'RS256' },
      decode: { complete: true }
    })
    codec = {
      sign: (payload, key) => scope.jwt.sign(payload, { key: key.private_pem, algorithm: 'RS256', kid: key.kid, mutatePayload: false }),
      verify: (token, publicPem, algorithm) => scope.jwt.verify(token, { key: publicPem, algorithms: [algorithm], ignoreExpiration: true, ignoreNotBefore: true }),
      header: (token) => (scope.jwt.decode<{ header: Record<string, unknown> }>(token))?.header ?? {}
    }
  })
  return codec!
}

const MAX_TOKEN_LENGTH = 8192

/** Short enough, and three parts in the one spelling that base64url has for their bytes: so that a token cannot be written in another way. */
export function isAcceptable (token: string): boolean {
  if (token.length > MAX_TOKEN_LENGTH) return false
  const parts = token.split('.')
  return parts.length === 3 && parts.every((part) => Buffer.from(part, 'base64url').toString('base64url') === part)
}

/** What a token is refused with, whoever has issued it. */
export function unacceptable (why: string, cause?: unknown): Error {
  return apiError('AUTH_001', `The token is not acceptable: ${why}.`, cause === undefined ? {} : { cause })
}
