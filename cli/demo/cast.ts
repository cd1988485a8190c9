/** The issue that all five work on. */
export const ISSUE_ID = 'demo-1'

/** The specialist for a repository's main language. */
const SPECIALISTS: Readonly<Record<string, string>> = {
  python: 'python-specialist',
  go: 'go-specialist',
  rust: 'rust-specialist',
  swift: 'swift-specialist',
  dart: 'flutter-specialist',
  typescript: 'typescript-pro',
  javascript: 'javascript-pro',
  vue: 'javascript-pro',
  svelte: 'javascript-pro',
  shell: 'shell-scripting-pro',
  sql: 'sql-pro'
}

export function specialistFor (language: string | null | undefined): string {
  return (Object.hasOwn(SPECIALISTS, language ?? '') ? SPECIALISTS[language!] : undefined) ?? 'fullstack-developer'
}

export interface Role {
  agentType: string
  task: string
}

/** Who takes part, in the order in which the work goes from one to the next. */
export function castFor (language: string | null | undefined): Role[] {
  return [
    { agentType: 'chief-architect', task: 'Map the modules and their dependencies, and choose the few that deserve attention.' },
    { agentType: specialistFor(language), task: 'Examine the chosen modules for what makes them hard to change.' },
    { agentType: 'documentation-expert', task: 'Check the documents for dead links and for modules that nobody explains.' },
    { agentType: 'test-engineer', task: 'Find the code that has no test, and say what to test first.' },
    { agentType: 'security-auditor', task: 'Look for suspicious code and manifests, and rank what the others left open.' }
  ]
}

/** Events that the flow has to leave in the history, besides one `agent_completed` of each agent. */
export const FLOW_EVENTS: readonly string[] = ['architecture_defined', 'implementation_complete', 'testing_complete', 'audit_complete']
