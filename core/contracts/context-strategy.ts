import type { Json, Lifecycle, Logger } from './common.js'
import type { AgentProfile, Requirement } from './agent-profile.js'
import type { ResultPage, ResultQuery } from './result-store.js'

/**
 * What is kept first when not everything fits: 1 the task, 2 decisions of agents, 3 changed files,
 * 4 tests, 5 configuration, 6 documentation, 7 history. `PRIORITY` of the plugin API names them.
 */
export type PriorityClass = 1 | 2 | 3 | 4 | 5 | 6 | 7

export interface ProjectFile {
  /** Relative to the project's root, `/`-separated. */
  path: string
  size: number
  /** Milliseconds since the epoch. */
  modified: number
  /** Lower-case name of the language, or `undefined` where the name of the file does not tell. */
  language: string | undefined
}

export interface SymbolDefinition {
  /** Without parameters; a member's owner is its `parent`. */
  name: string
  kind: 'module' | 'class' | 'interface' | 'type' | 'enum' | 'function' | 'method' | 'field' | 'constant' | 'macro' | 'section'
  /** 0-based lines: the first with comments above it, that of the name, the last of the head, the last of all. */
  start: number
  line: number
  head: number
  end: number
  /** Index of the enclosing definition, -1 at the top. */
  parent: number
}

export interface SymbolMap {
  definitions: SymbolDefinition[]
  /** Names that the file uses and does not define. */
  references: string[]
  /** Modules as written. */
  imports: string[]
  /** `text` where no grammar serves the language and lines were read by their form. */
  by: 'tree-sitter' | 'text'
}

export interface Commit {
  hash: string
  message: string
  author: string
  /** RFC 3339. */
  timestamp: string
  /** Paths, the first 1,000 of them. */
  files_changed: string[]
}

export interface UncommittedChange {
  path: string
  status: 'added' | 'modified' | 'deleted' | 'renamed' | 'untracked' | 'conflicted'
  /** Unified diff, shortened to a bound; `null` where there is none (untracked, binary). */
  diff: string | null
}

/** One repository as it was when the request arrived. Everything in it is safe to hand out but for secrets inside files. */
export interface ProjectView {
  readonly id: string
  /** All files, sorted by path; those that hold secrets are not among them. */
  readonly files: readonly ProjectFile[]
  /** Text of a file, or `undefined` where it is gone, binary, too large or outside the root. Secrets are redacted. */
  read (path: string): Promise<string | undefined>
  /** Files by their relevance to a text (words, names, history), best first; `score` is 1 for the best of the project. */
  search (title: string, description: string, limit: number): Promise<{ path: string, score: number }[]>
  /** What a file defines, uses and imports; `undefined` where `read` gives no text. */
  symbols (path: string): Promise<SymbolMap | undefined>
  /** Newest first; empty without git. */
  commits (limit: number): Promise<Commit[]>
  /** Empty without git. */
  changes (): Promise<UncommittedChange[]>
}

export interface Task {
  issue_id: string
  title?: string
  description?: string
  labels: string[]
  /** Paths that the issue names. */
  files: string[]
}

export interface GatherInput {
  project: ProjectView
  task: Task
  requirement: Requirement
  profile: AgentProfile
  /** What the answer may hold in all; a strategy that offers more is cut by the ranking, not refused. */
  budget: { max_bytes: number, max_tokens: number | null }
  /** Earlier results of the task's issue; `issue_id` in the query is set by the core. */
  results (query: ResultQuery): Promise<ResultPage>
  /** Aborted on time-out and when the client is gone. */
  signal: AbortSignal
  log: Logger
}

/** A strategy offers items; ranking, budget and rendering are the core's. `score` is 0…1 within the strategy. */
export type ContextItem =
  | { kind: 'file', path: string, score: number, priority: PriorityClass, reason?: string }
  /** Text that is no file of the project: shown under `path`, which must not exist there. */
  | { kind: 'text', path: string, content: string, score: number, priority: PriorityClass, reason?: string }
  | { kind: 'output', result_id: string }
  | { kind: 'commit', commit: Commit }
  | { kind: 'metadata', key: string, value: Json }

export interface ContextStrategy extends Lifecycle {
  /** Requirement names of agent profiles that this strategy serves. */
  readonly satisfies: readonly string[]
  /** One line for the table of strategies. */
  readonly description?: string
  /** Milliseconds after which `signal` aborts and the strategy counts as failed; 10,000 by default. */
  readonly timeoutMs?: number
  gather (input: GatherInput): Promise<ContextItem[]>
}
