const FIXED = ['chief-architect', 'documentation-expert', 'test-engineer', 'security-auditor']

/** The part that an agent type plays here. Every type that has no part of its own is the coding specialist of its language. */
export function roleOf (agentType) {
  return FIXED.includes(agentType) ? agentType : 'coding-specialist'
}
