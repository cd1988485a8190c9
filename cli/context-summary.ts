import { bytes, counted, oneLine, pairs, table, time, type Column } from './output.js'
import type { Colors } from './terminal.js'

interface RelevantFile { path: string, size: number, language: string | null, truncation: string, content: string }
interface Explanation { path: string, included: boolean, reason: string, score: number, priority: number, bytes: number }

/** The members of a context that a summary shows. */
export interface ContextAnswer {
  issue_id: string
  agent_type: string
  context: {
    task: { title?: string, description?: string } | null
    project_structure: { total_files: number, total_size_bytes: number }
    relevant_files: RelevantFile[]
    git_context: { branch: string | null, head: string | null, recent_commits: unknown[], uncommitted_changes: unknown[] } | null
    previous_agent_outputs: { agent_type: string, timestamp: string, status: string, decision: string | null }[]
    metadata: { project_type?: string | null, languages?: Record<string, unknown> }
  }
  truncated: boolean
  truncation_strategy: string | null
  total_size_bytes: number
  token_count: number
  file_count: number
  cache_hit: boolean
  strategies: { name: string, requirement: string, items: number, bytes: number, duration_ms: number }[]
  explanation?: Explanation[]
}

/** A context as a person checks it: what is in it, how large, and what was cut. */
export function describeContext (answer: ContextAnswer, colors: Colors): string {
  const { context } = answer
  const git = context.git_context
  const head = pairs([
    ['issue', context.task?.title === undefined ? answer.issue_id : `${answer.issue_id}: ${context.task.title}`],
    ['agent type', answer.agent_type],
    ['project', `${context.metadata.project_type ?? 'unknown type'}, ${counted(context.project_structure.total_files, 'file')}, ${bytes(context.project_structure.total_size_bytes)}, ${Object.keys(context.metadata.languages ?? {}).slice(0, 6).join(', ')}`],
    ['git', git === null ? 'none' : `${git.branch ?? 'detached'} at ${(git.head ?? 'no commit').slice(0, 12)}, ${counted(git.recent_commits.length, 'commit')}, ${counted(git.uncommitted_changes.length, 'uncommitted change')}`],
    ['size', `${bytes(answer.total_size_bytes)}, ${counted(answer.token_count, 'token')}, ${counted(answer.file_count, 'file')}${answer.cache_hit ? ', from the cache' : ''}`],
    ['cut', answer.truncated ? `yes: ${answer.truncation_strategy ?? 'unknown'}` : 'no']
  ], colors)
  const parts = [head, table(context.relevant_files, fileColumns(colors), colors)]
  if (context.previous_agent_outputs.length > 0) {
    parts.push(table(context.previous_agent_outputs, [
      { title: 'EARLIER', value: (output) => output.agent_type },
      { title: 'WHEN', value: (output) => time(output.timestamp) },
      { title: 'STATUS', value: (output) => output.status },
      { title: 'DECISION', value: (output) => oneLine(output.decision ?? '-', 80) }
    ], colors))
  }
  parts.push(table(answer.strategies, [
    { title: 'STRATEGY', value: (strategy) => strategy.name },
    { title: 'FOR', value: (strategy) => strategy.requirement },
    { title: 'ITEMS', value: (strategy) => strategy.items, align: 'right' },
    { title: 'SIZE', value: (strategy) => bytes(strategy.bytes), align: 'right' },
    { title: 'TOOK', value: (strategy) => `${Math.round(strategy.duration_ms)} ms`, align: 'right' }
  ], colors))
  if (answer.explanation !== undefined) parts.push(table(answer.explanation, explanationColumns(colors), colors))
  return parts.join('\n\n')
}

function fileColumns (colors: Colors): Column<RelevantFile>[] {
  return [
    { title: 'FILE', value: (file) => file.path },
    { title: 'SIZE', value: (file) => bytes(file.size), align: 'right' },
    { title: 'GIVEN', value: (file) => bytes(Buffer.byteLength(file.content)), align: 'right' },
    { title: 'TRUNCATION', value: (file) => file.truncation, paint: (text, file) => file.truncation === 'none' ? colors.dim(text) : colors.yellow(text) }
  ]
}

function explanationColumns (colors: Colors): Column<Explanation>[] {
  return [
    { title: 'IN', value: (file) => file.included ? 'yes' : 'no', paint: (text, file) => file.included ? colors.green(text) : colors.dim(text) },
    { title: 'SCORE', value: (file) => Number.isFinite(file.score) ? file.score.toFixed(2) : '-', align: 'right' },
    { title: 'CLASS', value: (file) => file.priority, align: 'right' },
    { title: 'PATH', value: (file) => file.path },
    { title: 'WHY', value: (file) => oneLine(file.reason, 80) }
  ]
}
