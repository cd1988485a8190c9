import type { RuleText } from './definition.js'

export interface ReadySet {
  /** Who plays which part, unless the project says otherwise. */
  agents: Readonly<Record<string, string>>
  rules (agents: Readonly<Record<string, string>>): (RuleText & { name: string })[]
}

const SUCCESS = 'status:success'

/** Sets of rules that a project takes by name. */
export const READY_SETS: Readonly<Record<string, ReadySet>> = {
  /** architecture → implementation → testing and security → deployment. */
  'standard-flow': {
    agents: { implementation: 'fullstack-developer', testing: 'test-engineer', security: 'security-auditor', deployment: 'deployment-engineer' },
    rules: ({ implementation, testing, security, deployment }) => [
      {
        name: 'implementation',
        // Whoever designs: all types of architects announce their results under this topic.
        on: { type: 'agent_completed', topic: 'architecture', filter: SUCCESS },
        spawn: [{ agent_type: implementation!, task: 'Implement what {{data.agent_type}} decided for {{issue_id}}; its result is {{data.result_id}}.' }]
      },
      {
        name: 'verification',
        on: { type: 'agent_completed', filter: `${SUCCESS},agent_type:${implementation}` },
        spawn: [
          { agent_type: testing!, task: 'Test what {{data.agent_type}} implemented for {{issue_id}} (result {{data.result_id}}). Files: {{data.files}}' },
          { agent_type: security!, task: 'Audit what {{data.agent_type}} implemented for {{issue_id}} (result {{data.result_id}}). Files: {{data.files}}' }
        ]
      },
      {
        name: 'deployment',
        on: { type: 'agent_completed', filter: `${SUCCESS},agent_type:${testing}|${security}` },
        when: { completed: [testing!, security!] },
        spawn: [{ agent_type: deployment!, task: 'Prepare the deployment of {{issue_id}}: its tests and its audit are done.' }]
      }
    ]
  }
}
