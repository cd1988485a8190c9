import { join } from 'node:path'
import fastifyJwt from '@fastify/jwt'
import type { FastifyInstance } from 'fastify'
import { definePlugin, Type } from '../../../core/plugin-api.js'
import { AUDIENCE, createTokens, ISSUER, type TokenCodec } from './tokens.js'

/** @fastify/jwt in a scope of its own, so that nothing else of the server is decorated. Keys are given with each call. */
async function createCodec (app: FastifyInstance): Promise<TokenCodec> {
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
      verify: (token, key) => scope.jwt.verify(token, {
        key: key.public_pem, algorithms: ['RS256'], allowedIss: ISSUER, allowedAud: AUDIENCE, ignoreExpiration: true, ignoreNotBefore: true
      }),
      header: (token) => (scope.jwt.decode<{ header: Record<string, unknown> }>(token))?.header ?? {}
    }
  })
  return codec!
}

export default definePlugin({
  kind: 'auth',
  name: 'jwt',
  description: 'RS256 tokens signed with keys of this sidecar',
  options: Type.Object({
    chainSeconds: Type.Integer({ minimum: 1, default: 28_800, description: 'How long a token can be refreshed in all.' })
  }, { additionalProperties: false }),
  create: async (options, { app, storage, clock, log }) => createTokens({
    directory: join(storage, 'keys'), codec: await createCodec(app), chainSeconds: options.chainSeconds, clock, log
  })
})
