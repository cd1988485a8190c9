import type { AgentGroup, AgentProfile } from '../contracts/agent-profile.js'

type GroupRights = Pick<AgentProfile, 'permissions' | 'limits'>

/** What the agents of each group may do, and how often: the table of the wire contract. */
export const GROUP_RIGHTS: Record<AgentGroup, GroupRights> = {
  architect: {
    permissions: ['read_context', 'write_results', 'publish_events', 'spawn_agents'],
    limits: { requests_per_minute: null, burst: null }
  },
  coding: {
    permissions: ['read_context', 'write_results', 'publish_events'],
    limits: { requests_per_minute: 60, burst: 10 }
  },
  'qa-security': {
    permissions: ['read_context', 'write_results', 'publish_events'],
    limits: { requests_per_minute: 60, burst: 10 }
  },
  documentation: {
    permissions: ['read_context', 'write_results'],
    limits: { requests_per_minute: 30, burst: 5 }
  },
  support: {
    permissions: ['read_context'],
    limits: { requests_per_minute: 30, burst: 5 }
  }
}
