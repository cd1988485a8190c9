import { join } from 'node:path'
import { definePlugin, Type } from '../../../core/plugin-api.js'
import { createCodec } from '../shared/codec.js'
import { createOwnTokens } from '../shared/own-tokens.js'

export default definePlugin({
  kind: 'auth',
  name: 'jwt',
  description: 'RS256 tokens signed with keys of this sidecar',
  options: Type.Object({
    chainSeconds: Type.Integer({ minimum: 1, default: 28_800, description: 'How long a token can be refreshed in all.' })
  }, { additionalProperties: false }),
  create: async (options, { app, storage, clock, log }) => createOwnTokens({
    directory: join(storage, 'keys'), codec: await createCodec(app), chainSeconds: options.chainSeconds, clock, log
  })
})
