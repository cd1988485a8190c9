/** The topics that every profile may name; a project's own are free. */
export const STANDARD_TOPICS = [
  'architecture', 'implementation', 'testing', 'security', 'deployment', 'documentation', 'error', 'coordination'
] as const
