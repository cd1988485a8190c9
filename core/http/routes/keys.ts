import Type from '../../typebox.js'
import type { Auth, KeyFacts } from '../../contracts/auth.js'
import { apiError } from '../../errors.js'
import { BODY_ERRORS, Nullable, responses, Time } from '../schemas.js'
import type { App, Services } from '../types.js'

const Key = Type.Object({
  kid: Type.String(),
  created_at: Time,
  state: Type.Enum(['signs', 'verifies']),
  verifies_until: Nullable(Type.String({ format: 'date-time', description: 'When the last token that it may have signed has ended.' }))
})

const Keys = Type.Object({ keys: Type.Array(Key), timestamp: Time })

/** Signing keys without their private halves. */
export async function keyRoutes (app: App, { auth, clock }: Services): Promise<void> {
  const answer = (keys: KeyFacts[]) => ({ keys, timestamp: new Date(clock()).toISOString() })

  app.get('/api/keys', {
    config: { access: 'admin', scope: 'sidecar' },
    schema: { summary: 'The signing keys, the one that signs first', tags: ['tokens'], response: responses({ 200: Keys }, 404) }
  }, async () => answer(await ownKeys(auth).listKeys()))

  app.post('/api/keys/rotate', {
    config: { access: 'admin', scope: 'sidecar', audit: 'key.rotated' },
    schema: { summary: 'Signs with a new key; earlier ones verify until their tokens have ended', tags: ['tokens'], response: responses({ 200: Keys }, 404, ...BODY_ERRORS) }
  }, async (request) => {
    const keys = await ownKeys(auth).rotateKeys()
    request.act = { resource: `key/${keys[0]?.kid ?? 'unknown'}`, details: { kids: keys.map(({ kid }) => kid) } }
    return answer(keys)
  })
}

function ownKeys (auth: Auth): Required<Pick<Auth, 'listKeys' | 'rotateKeys'>> {
  if (auth.listKeys === undefined || auth.rotateKeys === undefined) throw apiError('NOT_001', 'This sidecar has no signing keys of its own: its tokens come from elsewhere; list and rotate their keys there.')
  return { listKeys: async () => await auth.listKeys!(), rotateKeys: async () => await auth.rotateKeys!() }
}
