import { createHmac } from 'node:crypto'
import t from 'tap'
import type { Auth, Claims, Clock, JsonObject } from '../../../core/contracts/index.js'
import { apiError, codeOf } from '../../../core/errors.js'
import { authContract, type TestFunction } from '../../../core/testing/index.js'
import { claimsFor, createAuthStorage, createFakeAuth, mint, type AuthStorage } from './fakes/auth.js'
import { failureIn, failuresOf } from './suite-run.js'

interface Fault {
  name: string
  fails: string
  breaks (auth: Auth, storage: AuthStorage, clock: Clock): Partial<Auth>
}

function suiteOver (fault?: Fault): (test: TestFunction) => void {
  return (test) => authContract({
    test,
    async create ({ clock }) {
      const storage = createAuthStorage()
      const make = (): Auth => {
        const auth = createFakeAuth(clock, storage)
        return { ...auth, ...fault?.breaks(auth, storage, clock) }
      }
      return { instance: make(), reopen: async () => make(), dispose: async () => {} }
    }
  })
}

function payloadOf (token: string): Claims {
  return JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as Claims
}

const faults: Fault[] = [
  { name: 'forgets the project', fails: 'a token is verified as the identity that it was issued for', breaks: (auth) => ({ verify: async (token) => ({ ...await auth.verify(token), project_id: 'all' }) }) },
  { name: 'returns other claims than it issues', fails: 'issue returns the claims that verify returns', breaks: (auth) => ({ async issue (identity, options) { const issued = await auth.issue(identity, options); return { ...issued, claims: { ...issued.claims, expires_at: issued.claims.expires_at + 1 } } } }) },
  { name: 'gives two tokens one jti', fails: 'every token has a jti of its own', breaks: (_, storage, clock) => ({ async issue (identity, { ttlSeconds }) { const claims = { ...claimsFor(clock, identity, ttlSeconds), jti: `${identity.agent_id} at ${clock()}` }; return { claims, token: mint(storage, claims) } } }) },
  { name: 'throws a bare error for garbage', fails: 'garbage is refused with AUTH_001', breaks: (auth) => ({ async verify (token) { JSON.parse(Buffer.from(token.split('.')[0]!, 'base64url').toString()); return auth.verify(token) } }) },
  { name: 'does not check signatures', fails: 'a token that was tampered with is refused with AUTH_001', breaks: (auth) => ({ verify: (token) => auth.verify(token).catch((error: unknown) => { try { return payloadOf(token) } catch { throw error } }) }) },
  { name: 'accepts the algorithm none', fails: 'a token without a signature, or signed with a public key as secret, is refused with AUTH_001', breaks: (auth) => ({ verify: async (token) => token.endsWith('.') && token.length > 100 ? payloadOf(token) : auth.verify(token) }) },
  {
    name: 'lets the token choose the algorithm',
    fails: 'a token without a signature, or signed with a public key as secret, is refused with AUTH_001',
    breaks: (auth, storage) => ({
      async verify (token) {
        const [header, payload, signature] = token.split('.')
        const expected = createHmac('sha256', storage.publicKey.export({ type: 'spki', format: 'pem' })).update(`${header}.${payload}`).digest('base64url')
        return signature === expected ? payloadOf(token) : auth.verify(token)
      }
    })
  },
  { name: 'has the keys of everybody', fails: 'a token of another issuer is refused with AUTH_001', breaks: (() => { const shared = createAuthStorage(); return (_: Auth, storage: AuthStorage) => Object.assign(storage, { privateKey: shared.privateKey, publicKey: shared.publicKey }) && {} })() },
  { name: 'never expires', fails: 'a token is refused with AUTH_002 once it has expired by the clock', breaks: (auth) => ({ verify: (token) => auth.verify(token).catch((error: unknown) => { if (codeOf(error) === 'AUTH_002') return payloadOf(token); throw error }) }) },
  { name: 'expires by the clock of the wall', fails: 'a token is verified as the identity that it was issued for', breaks: (auth) => ({ async verify (token) { const claims = await auth.verify(token); if (claims.expires_at < Date.now() / 1_000 + 1e9) throw apiError('AUTH_002', 'expired'); return claims } }) },
  { name: 'calls what has expired not acceptable', fails: 'a token is refused with AUTH_002 once it has expired by the clock', breaks: (auth) => ({ verify: (token) => auth.verify(token).catch(() => { throw apiError('AUTH_001', 'no') }) }) },
  { name: 'tells the token in its error', fails: 'what is refused says why in words, and shows no token', breaks: (auth) => ({ verify: (token) => auth.verify(token).catch(() => { throw apiError('AUTH_001', `Not acceptable: ${token}`) }) }) },
  { name: 'ignores revocations', fails: 'a token revoked by its jti is refused with AUTH_001, another of the same agent is not', breaks: () => ({ revoke: async () => ({ revoked: 1 }) }) },
  { name: 'revokes the agent with the token', fails: 'a token revoked by its jti is refused with AUTH_001, another of the same agent is not', breaks: (auth, storage) => ({ async revoke (target) { storage.agents.add('shop/test-engineer-1'); return auth.revoke(target) } }) },
  { name: 'revokes an agent in every project', fails: 'all tokens of a revoked agent are refused with AUTH_001, those of its neighbours are not', breaks: (auth) => { const names = new Set<string>(); return { async revoke (target) { if ('agent_id' in target) names.add(target.agent_id); return auth.revoke(target) }, async verify (token) { const claims = await auth.verify(token); if (names.has(claims.agent_id)) throw apiError('AUTH_001', 'revoked'); return claims } } } },
  { name: 'revokes the token and lets its chain go on', fails: 'revoking a token revokes those that continue its chain, and no other', breaks: (auth, storage) => ({ async revoke (target) { if ('agent_id' in target) return auth.revoke(target); storage.jtis.add(target.jti); return { revoked: 1 } } }) },
  { name: 'throws on revoking what is not there', fails: 'revoking what nobody holds resolves and harms nobody', breaks: (auth) => ({ async revoke (target) { if ('jti' in target && !target.jti.startsWith('jti-')) throw apiError('NOT_001', 'no such token'); return auth.revoke(target) } }) },
  { name: 'forgets revocations on reopening', fails: 'revocations are there after reopening without close', breaks: (_, storage) => { storage.chains.clear(); return {} } },
  { name: 'leaves the old token after a refresh', fails: 'refresh gives the same identity a new life, and revokes the old token', breaks: (auth, storage) => ({ async refresh (claims) { const issued = await auth.refresh(claims); storage.jtis.delete(claims.jti); return issued } }) },
  { name: 'refreshes at any time', fails: 'refresh is refused with VAL_001 while the token is young, which stays valid', breaks: (auth, _, clock) => ({ refresh: (claims) => auth.refresh({ ...claims, expires_at: Math.floor(clock() / 1_000) + 60 }) }) },
  { name: 'refreshes for ever', fails: 'a chain of refreshes has an end, and is refused with VAL_001 there', breaks: (_, storage, clock) => ({ async refresh (claims) { const next = { ...claimsFor(clock, claims, 3_600, claims.chain_started_at), permissions: [] }; return { claims: next, token: 'not signed, to be quick' } } }) },
  { name: 'begins the chain anew at each refresh', fails: 'refresh gives the same identity a new life, and revokes the old token', breaks: (auth, _, clock) => ({ async refresh (claims) { clock(); const issued = await auth.refresh(claims); return { ...issued, claims: { ...issued.claims, chain_started_at: issued.claims.issued_at } } } }) },
  { name: 'publishes its private key', fails: 'publicKeys is a key set without private parts', breaks: (_, storage) => ({ publicKeys: async () => ({ keys: [storage.privateKey.export({ format: 'jwk' }) as JsonObject] }) }) },
  { name: 'publishes another key', fails: 'a token can be verified by anybody with the public keys', breaks: (_, __, clock) => { const other = createAuthStorage(); return { publicKeys: () => createFakeAuth(clock, other).publicKeys() } } },
  { name: 'makes new keys on reopening', fails: 'keys are there after reopening without close', breaks: (_, storage) => Object.assign(storage, createAuthStorage()) && {} }
]

t.test('a correct auth passes the whole suite', async (t) => {
  t.strictSame(await failuresOf(suiteOver()), [])
})

for (const fault of faults) {
  t.test(`an auth that ${fault.name} fails '${fault.fails}'`, async (t) => {
    t.type(await failureIn(fault.fails, suiteOver(fault)), 'string')
  })
}

const fromOutside = (fault: (auth: Auth) => Partial<Auth> = () => ({})) => (test: TestFunction) => authContract({
  test,
  async create ({ clock }) {
    const storage = createAuthStorage()
    const no = async (): Promise<never> => { throw apiError('VAL_001', 'Tokens come from outside.') }
    const make = (): Auth => {
      const auth = createFakeAuth(clock, storage)
      return { ...auth, supports: { issue: false }, issue: no, refresh: no, ...fault(auth) }
    }
    return {
      instance: make(),
      reopen: async () => make(),
      mint: async (identity, { ttlSeconds }) => mint(storage, claimsFor(clock, identity, ttlSeconds)),
      dispose: async () => {}
    }
  }
})

t.test('an auth whose tokens come from outside passes, and its faults show through mint()', async (t) => {
  t.strictSame(await failuresOf(fromOutside()), [])
  t.type(await failureIn('a token revoked by its jti is refused with AUTH_001, another of the same agent is not', fromOutside(() => ({ revoke: async () => ({ revoked: 1 }) }))), 'string')
  t.type(await failureIn('a token of an outside issuer is neither refreshed nor continued, however old it is', fromOutside((auth) => ({ refresh: auth.refresh }))), 'string')
  t.type(await failureIn('issue returns the claims that verify returns', fromOutside((auth) => ({ issue: auth.issue }))), 'string')
})
