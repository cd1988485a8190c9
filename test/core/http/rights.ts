/** An agent type of each group. */
export const TYPES = {
  architect: 'chief-architect',
  coding: 'ai-engineer',
  'qa-security': 'code-reviewer',
  documentation: 'api-documenter',
  support: 'context-manager'
}
/** The table of the wire contract. */
export const RIGHTS: Record<keyof typeof TYPES, { permissions: string[], perMinute: number | null, burst: number }> = {
  architect: { permissions: ['read_context', 'write_results', 'publish_events', 'spawn_agents'], perMinute: null, burst: Infinity },
  coding: { permissions: ['read_context', 'write_results', 'publish_events'], perMinute: 60, burst: 10 },
  'qa-security': { permissions: ['read_context', 'write_results', 'publish_events'], perMinute: 60, burst: 10 },
  documentation: { permissions: ['read_context', 'write_results'], perMinute: 30, burst: 5 },
  support: { permissions: ['read_context'], perMinute: 30, burst: 5 }
}
