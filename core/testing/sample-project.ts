import type { AgentProfile } from '../contracts/agent-profile.js'
import type { Commit, ProjectView, Task, UncommittedChange } from '../contracts/context-strategy.js'
import type { ResultQuery, ResultPage, ResultRecord } from '../contracts/result-store.js'
import { TEST_TIME } from './clock.js'
import { createProjectView, type ProjectViewOptions } from './project-view.js'
import { SAMPLE_FILES } from './sample-files.js'
import { sampleId } from './samples.js'

const DAY_MS = 86_400_000

const COMMITS: readonly Commit[] = [
  ['b7', 'End sessions after 30 minutes', 1, ['src/auth/session.ts', 'test/auth/login.test.ts', 'CHANGELOG.md']],
  ['5c', 'Add the cart', 3, ['src/cart/cart.ts', 'src/cart/product.ts', 'test/cart/cart.test.ts']],
  ['a1', 'First release', 9, ['README.md', 'package.json', 'src/server.ts', 'src/auth/login.ts']]
].map(([hash, message, days, files]) => ({
  hash: String(hash).repeat(20),
  message: String(message),
  author: 'Ada Example <ada@example.test>',
  timestamp: new Date(TEST_TIME - Number(days) * DAY_MS).toISOString(),
  files_changed: files as string[]
}))

const CHANGES: readonly UncommittedChange[] = [
  { path: 'src/auth/login.ts', status: 'modified', diff: '@@ -6,1 +6,1 @@\n-  if (user === undefined) return undefined\n+  if (user === undefined || !user.verifyPassword(password)) return undefined\n' },
  { path: 'styles/shop.css', status: 'untracked', diff: null }
]

/** About 25 small files of a shop with history and uncommitted changes, around `TEST_TIME`. Members can be replaced. */
export function createSampleProject (changes: ProjectViewOptions = {}): ProjectView {
  return createProjectView({ id: 'sample-shop', files: SAMPLE_FILES, commits: COMMITS, changes: CHANGES, ...changes })
}

export function createSampleTask (changes: Partial<Task> = {}): Task {
  return {
    issue_id: 'issue-1',
    title: 'Login accepts a wrong password',
    description: 'verifyPassword is not called when the session is created. See src/auth/session.ts.',
    labels: ['bug', 'auth'],
    files: ['src/auth/login.ts'],
    ...changes
  }
}

export function createSampleProfile (): AgentProfile {
  return {
    id: 'test-engineer',
    name: 'Test engineer',
    category: 'quality',
    group: 'qa-security',
    role: 'Writes and runs tests.',
    model: { tier: 'sonnet' },
    capabilities: ['unit-tests'],
    languages: ['typescript'],
    authority: { level: 'standard', low_risk: 'act', medium_risk: 'act_and_report', high_risk: 'propose', requires_approval: [] },
    permissions: ['read_context', 'write_results', 'publish_events'],
    context: { requirements: [{ need: 'test-files' }] },
    subscribes: ['implementation'],
    publishes: ['testing'],
    handoff: { success: ['devops-engineer'], failed: ['debugger'] },
    limits: { requests_per_minute: 60, burst: 10 },
    spawn: { prompt: 'Test what was changed.' }
  }
}

/** Two earlier results of the sample issue and one of another, newest first. */
export const SAMPLE_RESULTS: readonly ResultRecord[] = [
  ['backend-architect', 'issue-1', { decisions: ['Keep sessions in signed cookies'], files_modified: ['src/auth/session.ts'] }],
  ['debugger', 'issue-1', { decisions: [], files_modified: ['src/auth/login.ts'], next_steps: ['test login'] }],
  ['technical-writer', 'issue-2', { files_created: ['docs/api.md'] }]
].map(([type, issue, result], index) => ({
  id: sampleId('res_', TEST_TIME - (index + 1) * 60_000, index),
  project_id: 'sample-shop',
  issue_id: issue as string,
  agent_id: `${type as string}-1`,
  agent_type: type as string,
  status: 'success',
  result: { status: 'success', ...(result as Record<string, string[]>) },
  timestamp: new Date(TEST_TIME - (index + 1) * 60_000).toISOString()
}))

/** Answers as a result store that holds `SAMPLE_RESULTS`. */
export async function querySampleResults (query: ResultQuery): Promise<ResultPage> {
  const results = SAMPLE_RESULTS.filter((record) => {
    const time = Date.parse(record.timestamp)
    return (query.issue_id === undefined || record.issue_id === query.issue_id) &&
      (query.agent_type === undefined || record.agent_type === query.agent_type) &&
      (query.status === undefined || record.status === query.status) &&
      (query.since === undefined || time >= query.since) && (query.until === undefined || time < query.until)
  })
  return { results: structuredClone(results.slice(0, query.limit)) }
}
