import { LRUCache } from 'lru-cache'
import { apiError, type Auth, type Claims } from '../../../core/plugin-api.js'
import { isAcceptable } from '../shared/codec.js'
import { ISSUER } from '../shared/own-tokens.js'

/** As many as both halves remember. */
const CACHED_TOKENS = 20_000

/**
 * Tokens of this sidecar beside those of an outside issuer. `iss` says which half looks at a token, and that half alone, with its own keys,
 * algorithms, audience and claims: what one refuses is never tried with the other.
 */
export function bothIssuers (own: Auth, outside: Auth): Auth {
  // Only what was verified: garbage takes no place from it.
  const halves = new LRUCache<string, Auth>({ max: CACHED_TOKENS })
  return {
    supports: own.supports,
    async open () {
      await outside.open?.()
      await own.open?.()
    },
    async issue (identity, options) {
      // Else whoever was locked out there would live on here.
      refuseOutside(options.continues)
      return await own.issue(identity, options)
    },
    async verify (token) {
      const known = halves.get(token)
      if (known !== undefined) return await known.verify(token)
      const half = statedIssuer(token) === ISSUER ? own : outside
      const claims = await half.verify(token)
      halves.set(token, half)
      return claims
    },
    async refresh (claims) {
      refuseOutside(claims)
      return await own.refresh(claims)
    },
    /** In both halves: an identifier does not say whose it is, and an agent may have tokens of either. */
    async revoke (target) {
      const answers = await Promise.all([own.revoke(target), outside.revoke(target)])
      return { revoked: Math.max(...answers.map(({ revoked }) => revoked)) }
    },
    publicKeys: async () => await own.publicKeys(),
    ...(own.listKeys === undefined ? {} : { listKeys: own.listKeys }),
    ...(own.rotateKeys === undefined ? {} : { rotateKeys: own.rotateKeys }),
    async openKeys () { await own.open?.() }
  }
}

function refuseOutside (claims: Claims | undefined): void {
  if (claims?.issuer !== undefined) throw apiError('VAL_001', `This token is of ${claims.issuer}; ask there for a new one.`)
}

/** What a token says of itself, which proves nothing yet. */
function statedIssuer (token: string): unknown {
  if (!isAcceptable(token)) return undefined
  try {
    return (JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as { iss?: unknown } | null)?.iss
  } catch {
    return undefined
  }
}
