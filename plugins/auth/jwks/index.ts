import { join } from 'node:path'
import { definePlugin, SidecarError, Type } from '../../../core/plugin-api.js'
import { createCodec } from '../shared/codec.js'
import { createOwnTokens, ISSUER } from '../shared/own-tokens.js'
import { bothIssuers } from './both-issuers.js'
import { isSafeUrl } from './fetch-json.js'
import { createOutsideTokens } from './outside-tokens.js'

const strict = { additionalProperties: false }
const Name = Type.String({ minLength: 1, maxLength: 256 })
const Ours = Type.Enum(['read_context', 'write_results', 'publish_events', 'spawn_agents', 'admin'])

export default definePlugin({
  kind: 'auth',
  name: 'jwks',
  description: 'Tokens of an outside issuer, verified with the keys that it publishes, beside those of this sidecar for its agents',
  options: Type.Object({
    issuer: Type.String({ minLength: 1, maxLength: 2048, description: 'What `iss` must be, to the letter.' }),
    jwksUrl: Type.String({ minLength: 1, maxLength: 2048, description: 'Where its keys are; https, or http on this machine.' }),
    ownTokens: Type.Boolean({ default: true, description: 'Whether this sidecar issues tokens of its own beside: for the agents that it starts and for its operator. Without them no agent can be started.' }),
    chainSeconds: Type.Integer({ minimum: 1, default: 28_800, description: 'How long a token of its own can be refreshed in all.' }),
    audience: Type.Array(Type.String({ minLength: 1 }), { minItems: 1, description: 'Audiences of which a token must have one.' }),
    algorithms: Type.Array(Type.Enum(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA']), { minItems: 1, default: ['RS256'], description: 'Algorithms that are accepted.' }),
    claims: Type.Object({
      agentId: Type.Optional(Name), agentType: Type.Optional(Name), projectId: Type.Optional(Name), permissions: Type.Optional(Name)
    }, { ...strict, default: {}, description: 'Names of the claims, or paths into them; `sub`, `agent_type`, `project_id` and `permissions` by default.' }),
    defaults: Type.Object({
      agentType: Type.Optional(Name), projectId: Type.Optional(Name), permissions: Type.Optional(Type.Array(Type.String()))
    }, { ...strict, default: {}, description: 'What stands for a claim that a token does not have.' }),
    permissions: Type.Record(Type.String(), Ours, { default: {}, description: 'The issuer\'s names of permissions and ours; the same names by default.' }),
    cacheSeconds: Type.Integer({ minimum: 1, maximum: 86_400, default: 600, description: 'Age at which keys are fetched anew.' }),
    cooldownSeconds: Type.Integer({ minimum: 1, maximum: 3600, default: 30, description: 'Least time between two fetches.' }),
    staleSeconds: Type.Integer({ minimum: 0, maximum: 604_800, default: 3600, description: 'How long keys are believed that could not be fetched anew.' }),
    timeoutMs: Type.Integer({ minimum: 1, maximum: 60_000, default: 5000, description: 'How long a fetch may take.' }),
    toleranceSeconds: Type.Integer({ minimum: 0, maximum: 120, default: 30, description: 'How far clocks may differ.' }),
    maxLifeSeconds: Type.Integer({ minimum: 1, maximum: 2_592_000, default: 86_400, description: 'Longest life of a token.' })
  }, strict),
  create: async ({ jwksUrl, claims, defaults, ownTokens, chainSeconds, ...options }, { app, storage, clock, log }) => {
    if (!isSafeUrl(jwksUrl)) {
      throw wrong(`jwksUrl must be https, or http on this machine, without user name and password; it is '${jwksUrl.replace(/\/\/[^/@]*@/, '//•••@')}'`)
    }
    if (ownTokens && options.issuer === ISSUER) throw wrong(`issuer '${ISSUER}' is this sidecar's own; to take the tokens of another sidecar set ownTokens to false`)
    const common = { directory: join(storage, 'keys'), codec: await createCodec(app), clock, log }
    const outside = createOutsideTokens({
      ...common,
      ...options,
      url: jwksUrl,
      claims: { agentId: 'sub', agentType: 'agent_type', projectId: 'project_id', permissions: 'permissions', ...claims },
      defaults
    })
    return ownTokens ? bothIssuers(createOwnTokens({ ...common, chainSeconds }), outside) : outside
  }
})

function wrong (what: string): SidecarError {
  return new SidecarError('SIDECAR_ERR_PLUGIN_OPTIONS', `Wrong options of plugin 'jwks': ${what}.`)
}
