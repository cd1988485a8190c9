/** The agent type that all who ask are of. */
export const AGENT_TYPE = 'bench-agent'
