import { apiError, definePlugin, type Claims } from '../../core/plugin-api.js'

/** Authentication switched off, for the benches: a token `<agent type>/<agent id>/<project>` is believed, without the last one it is `bench`, and no signature is looked at. */
export default definePlugin({
  kind: 'auth',
  name: 'open',
  create: () => {
    const known = new Map<string, Claims>()
    const claimsOf = (token: string): Claims => {
      const [agentType = '', agentId = '', project = 'bench'] = token.split('/')
      return {
        agent_id: agentId,
        agent_type: agentType,
        project_id: project,
        permissions: ['admin', 'publish_events', 'read_context', 'write_results', 'spawn_agents'],
        jti: token,
        issued_at: 0,
        expires_at: Number.MAX_SAFE_INTEGER,
        chain_started_at: 0
      }
    }
    const closed = async (): Promise<never> => { throw apiError('VAL_001', 'Nobody needs a token here.') }
    return {
      supports: { issue: false },
      issue: closed,
      refresh: closed,
      async verify (token: string) {
        const claims = known.get(token) ?? claimsOf(token)
        known.set(token, claims)
        return claims
      },
      revoke: async () => ({ revoked: 0 }),
      publicKeys: async () => ({ keys: [] })
    }
  }
})
