import assert from 'node:assert/strict'
import type { Auth, Claims, Identity } from '../../contracts/auth.js'
import type { AuthSubject } from '../auth-contract.js'
import type { ContractTest, Scope } from '../contract-test.js'
import { rejectsWith } from '../expectations.js'

export type AuthTest = ContractTest<AuthSubject>

export const TTL_SECONDS = 3_600

export const IDENTITY: Identity = {
  agent_id: 'test-engineer-1',
  agent_type: 'test-engineer',
  project_id: 'shop',
  permissions: ['read_context', 'write_results', 'publish_events']
}

/** Gives `use` a way to tokens: of the outside issuer where there is one, or of the instance; does nothing where there is neither. */
export async function withTokens (
  { instance, subject }: Scope<AuthSubject>,
  use: (tokenFor: (identity?: Identity, ttlSeconds?: number) => Promise<string>) => Promise<void>
): Promise<void> {
  if (subject.mint !== undefined) {
    const mint = subject.mint.bind(subject)
    await use((identity = IDENTITY, ttlSeconds = TTL_SECONDS) => mint(identity, { ttlSeconds }))
  } else if (instance.supports.issue) {
    await use(async (identity = IDENTITY, ttlSeconds = TTL_SECONDS) => (await instance.issue(identity, { ttlSeconds })).token)
  }
}

export async function refuses (auth: Auth, token: string, what: string, code: 'AUTH_001' | 'AUTH_002' = 'AUTH_001'): Promise<void> {
  await rejectsWith(code, () => auth.verify(token), what)
}

export function identityOf ({ agent_id, agent_type, project_id, permissions }: Claims): Identity {
  return { agent_id, agent_type, project_id, permissions }
}

/** Header and claims of a JSON Web Token (RFC 7519), or `undefined` when the token is none. */
export function partsOf (token: string): { header: Record<string, unknown>, payload: Record<string, unknown>, raw: [string, string, string] } | undefined {
  const raw = token.split('.')
  if (raw.length !== 3) return undefined
  const [header, payload] = raw.slice(0, 2).map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>)
  assert.ok(header !== undefined && payload !== undefined)
  return { header, payload, raw: raw as [string, string, string] }
}

export function encode (part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url')
}
