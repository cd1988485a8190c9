import type { Claims, Permission } from '../../../core/plugin-api.js'
import { unacceptable } from '../shared/codec.js'

export interface ClaimNames {
  agentId: string
  agentType: string
  projectId: string
  permissions: string
}

export interface MappingOptions {
  claims: ClaimNames
  /** What stands for a claim that a token does not have. */
  defaults: { agentType?: string, projectId?: string, permissions?: string[] }
  /** The issuer's names of permissions → ours; without one names are the same. */
  permissions: Record<string, Permission>
}

const PERMISSIONS: ReadonlySet<string> = new Set<Permission>(['read_context', 'write_results', 'publish_events', 'spawn_agents', 'admin'])
const IDENTIFIER = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/

/** Whom a payload speaks for; `jti`, times and signature are the caller's. Throws `AUTH_001` where a claim is missing or no identifier. */
export function identityOf (payload: Record<string, unknown>, { claims, defaults, permissions }: MappingOptions): Pick<Claims, 'agent_id' | 'agent_type' | 'project_id' | 'permissions'> {
  const identifier = (name: string, fallback?: string): string => {
    const value = claimOf(payload, name) ?? fallback
    if (typeof value !== 'string' || !IDENTIFIER.test(value)) throw unacceptable(`its claim '${name}' is no identifier`)
    return value
  }
  const granted = claimOf(payload, claims.permissions) ?? defaults.permissions ?? []
  // A list, or the words of a scope (RFC 8693, section 4.2).
  const names: unknown[] = typeof granted === 'string' ? granted.split(' ') : Array.isArray(granted) ? granted : []
  return {
    agent_id: identifier(claims.agentId),
    agent_type: identifier(claims.agentType, defaults.agentType),
    project_id: identifier(claims.projectId, defaults.projectId),
    // What we have no name for is meant for others.
    permissions: [...new Set(names.flatMap((name) => permissionOf(name, permissions) ?? []))]
  }
}

function permissionOf (name: unknown, names: Record<string, Permission>): Permission | undefined {
  if (typeof name !== 'string') return undefined
  if (Object.keys(names).length > 0) return Object.hasOwn(names, name) ? names[name] : undefined
  return PERMISSIONS.has(name) ? name as Permission : undefined
}

/** By its name, which may hold dots as addresses do, or by a path into objects. */
function claimOf (payload: Record<string, unknown>, name: string): unknown {
  if (Object.hasOwn(payload, name)) return payload[name]
  let value: unknown = payload
  for (const part of name.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined
    value = (value as Record<string, unknown>)[part]
  }
  return value
}
