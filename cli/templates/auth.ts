import { pascalCase, suiteTest, type Template } from './template.js'

export const auth: Template = {
  about: 'issues and verifies the tokens of agents',
  plugin: (name) => `import { createPrivateKey, createPublicKey, generateKeyPairSync, randomUUID, sign, verify } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { apiError, codeOf, createIds, definePlugin, makeDirectory, Type, writeFileDurably } from 'cco-sidecar/plugin-api'

const ISSUER = 'cco-sidecar'
const AUDIENCE = 'cco-agents'
const REFRESH_WINDOW_SECONDS = 300

/** JSON Web Tokens (RFC 7519) signed with Ed25519; key and revocations are kept in one file. */
export function create${pascalCase(name)} ({ chainSeconds, directory, clock }) {
  const file = join(directory, 'auth.json')
  const now = () => Math.floor(clock() / 1000)
  let state
  let key
  let nextJti
  let writing = Promise.resolve()

  function save () {
    writing = writing.catch(() => {}).then(() => writeFileDurably(file, JSON.stringify(state)))
    return writing
  }

  const refuse = (why) => apiError('AUTH_001', 'The token is not acceptable: ' + why + '.')

  function read (token) {
    const [header, payload, signature, ...more] = token.split('.')
    if (signature === undefined || more.length > 0 || token.length > 8192) throw refuse('it has no acceptable form')
    const { alg, kid } = parse(header)
    // The algorithm is ours to choose, never the token's.
    if (alg !== 'EdDSA' || kid !== state.kid) throw refuse('it was signed by somebody else')
    if (!verify(null, Buffer.from(header + '.' + payload), key.public, Buffer.from(signature, 'base64url'))) throw refuse('its signature is wrong')
    const { sub, iss, aud, iat, exp, chain, ...rest } = parse(payload)
    if (iss !== ISSUER || aud !== AUDIENCE) throw refuse('it is meant for others')
    const { jti, agent_type, project_id, permissions } = rest
    return { agent_id: sub, agent_type, project_id, permissions, jti, issued_at: iat, expires_at: exp, chain_started_at: chain }
  }

  function parse (part) {
    try {
      return Object(JSON.parse(Buffer.from(part, 'base64url').toString()))
    } catch {
      throw refuse('it has no acceptable form')
    }
  }

  const revokedAgent = ({ project_id: project, agent_id: agent }) => state.agents.find((entry) => entry.project_id === project && entry.agent_id === agent)

  const instance = {
    supports: { issue: true },
    async open () {
      await makeDirectory(directory)
      try {
        state = JSON.parse(await readFile(file, 'utf8'))
      } catch (error) {
        if (codeOf(error) !== 'ENOENT') throw error
        const { privateKey } = generateKeyPairSync('ed25519')
        state = { kid: randomUUID(), private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }), tokens: [], chains: [], agents: [] }
        await save()
      }
      key = { private: createPrivateKey(state.private_key), public: createPublicKey(state.private_key) }
      nextJti = createIds('tok_', clock, state.agents.map(({ mark }) => mark).sort().at(-1))
    },
    async issue ({ agent_id, agent_type, project_id, permissions }, { ttlSeconds, continues }) {
      const issuedAt = now()
      const chainStartedAt = continues?.chain_started_at ?? issuedAt
      // The first token of a chain is known from each of them: revoking one reaches all.
      const jti = (continues === undefined ? '' : chainOf(continues.jti) + '.') + nextJti()
      const claims = {
        agent_id, agent_type, project_id, permissions, jti, issued_at: issuedAt,
        expires_at: Math.min(issuedAt + ttlSeconds, chainStartedAt + chainSeconds), chain_started_at: chainStartedAt
      }
      const payload = {
        sub: agent_id, agent_type, project_id, permissions, iss: ISSUER, aud: AUDIENCE,
        iat: issuedAt, exp: claims.expires_at, jti: claims.jti, chain: chainStartedAt
      }
      const signed = encode({ alg: 'EdDSA', typ: 'JWT', kid: state.kid }) + '.' + encode(payload)
      return { token: signed + '.' + sign(null, Buffer.from(signed), key.private).toString('base64url'), claims }
    },
    async verify (token) {
      const claims = read(token)
      if (state.tokens.includes(claims.jti) || state.chains.includes(chainOf(claims.jti)) || claims.jti.split('.').at(-1) <= (revokedAgent(claims)?.mark ?? '')) throw refuse('it was revoked')
      if (claims.expires_at <= now()) throw apiError('AUTH_002', 'The token has expired; ask for a new one.')
      return claims
    },
    async refresh (claims) {
      if (claims.expires_at - now() > REFRESH_WINDOW_SECONDS) throw apiError('VAL_001', 'The token can be refreshed in its last ' + REFRESH_WINDOW_SECONDS + ' seconds.')
      const ttlSeconds = claims.expires_at - claims.issued_at
      const fresh = await instance.issue(claims, { ttlSeconds, continues: claims })
      if (fresh.claims.expires_at <= claims.expires_at) throw apiError('VAL_001', 'The token was refreshed for as long as it can be; ask for a new one.')
      // This token alone: the chain goes on.
      state.tokens.push(claims.jti)
      await save()
      return fresh
    },
    async revoke ({ jti, project_id, agent_id }) {
      if (jti !== undefined) {
        if (state.chains.includes(chainOf(jti))) return { revoked: 0 }
        state.chains.push(chainOf(jti))
      } else {
        // Ids increase: every token up to the mark is meant, later ones are not.
        state.agents = [...state.agents.filter((entry) => entry !== revokedAgent({ project_id, agent_id })), { project_id, agent_id, mark: nextJti() }]
      }
      await save()
      return { revoked: 1 }
    },
    async publicKeys () {
      return { keys: [{ ...key.public.export({ format: 'jwk' }), kid: state.kid, use: 'sig', alg: 'EdDSA' }] }
    }
  }
  return instance
}

function chainOf (jti) {
  return jti.split('.')[0]
}

function encode (part) {
  return Buffer.from(JSON.stringify(part)).toString('base64url')
}

export default definePlugin({
  kind: 'auth',
  name: '${name}',
  description: 'Ed25519 tokens signed with a key of this sidecar',
  options: Type.Object({
    chainSeconds: Type.Integer({ minimum: 1, default: 28_800, description: 'How long a token can be refreshed in all.' })
  }, { additionalProperties: false }),
  create: (options, { storage, clock }) => create${pascalCase(name)}({ ...options, directory: join(storage, '${name}'), clock })
})
`,
  test: (name) => suiteTest({ name, suite: 'authContract', durable: true })
}
