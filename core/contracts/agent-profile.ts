import type { Json } from './common.js'
import type { Permission } from './auth.js'

export type AgentGroup = 'architect' | 'coding' | 'qa-security' | 'documentation' | 'support'

/** What an agent does about an action of a given risk. */
export type Latitude = 'act' | 'act_and_report' | 'propose' | 'ask'

/** Names what is needed, never a plugin; further members are parameters of the strategies that satisfy it. */
export interface Requirement {
  need: string
  /** Share of attention relative to the other requirements; 1 by default. */
  weight?: number
  /** Whether the agent can do without it when no strategy satisfies it, or when that strategy fails. */
  optional?: boolean
  [parameter: string]: Json | undefined
}

/** What one type of agent is, needs, hears and may do. One file, `agents/<id>.json`. */
export interface AgentProfile {
  id: string
  name: string
  category: string
  group: AgentGroup
  role: string
  model: { tier: 'opus' | 'sonnet' | 'haiku', fallback?: 'opus' | 'sonnet' | 'haiku' }
  capabilities: string[]
  languages?: string[]
  authority: {
    level: 'lead' | 'senior' | 'standard' | 'advisory'
    low_risk: Latitude
    medium_risk: Latitude
    high_risk: Latitude
    requires_approval: string[]
  }
  permissions: Permission[]
  context: { requirements: Requirement[], max_tokens?: number }
  subscribes: string[]
  publishes: string[]
  handoff: { success: string[], failed: string[] }
  /** `null` is unlimited. */
  limits: { requests_per_minute: number | null, burst: number | null }
  spawn: { spawner?: string, prompt: string, tools?: string[], timeout_seconds?: number, workspace?: 'shared' | 'worktree' | 'clone' }
}
