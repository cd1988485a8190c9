import type {
  AgentProfile, Clock, Commit, ContextItem, ContextStrategy, GatherInput, JsonObject, PluginContext, ProjectFile, ProjectView, Requirement,
  ResultQuery, ResultRecord, SidecarPlugin, Task, UncommittedChange
} from '../../../core/plugin-api.js'
import { MANIFEST } from '../../../core/plugin-host/define-plugin.js'
import { languageOf } from '../../../core/project/languages.js'
import { createProjectView } from '../../../core/testing/project-view.js'
import { Value } from 'typebox/value'

export const NOW = Date.parse('2026-03-01T12:00:00Z')
export const LONG_AGO = NOW - 90 * 86_400_000

export interface FakeFile { content?: string, modified?: number, size?: number, language?: string }

export interface FakeProject extends ProjectView {
  /** Paths read so far, in order. */
  readonly reads: string[]
}

/** A project in memory; files are old unless they say otherwise. */
export function fakeProject (
  tree: Record<string, string | FakeFile>,
  facts: { commits?: Commit[], changes?: UncommittedChange[] } = {}
): FakeProject {
  const contents = new Map<string, string>()
  const files = Object.entries(tree).map(([path, entry]): ProjectFile => {
    const { content = '', modified = LONG_AGO, size, language } = typeof entry === 'string' ? { content: entry } as FakeFile : entry
    contents.set(path, content)
    return { path, size: size ?? content.length, modified, language: language ?? languageOf(path) }
  }).sort((one, other) => one.path < other.path ? -1 : 1)
  const reads: string[] = []
  return {
    id: 'sample',
    files,
    reads,
    async read (path) {
      reads.push(path)
      return contents.get(path)
    },
    symbols: async () => undefined,
    search: createProjectView({ files: Object.fromEntries(contents) }).search,
    commits: async limit => (facts.commits ?? []).slice(0, limit),
    changes: async () => facts.changes ?? []
  }
}

export interface Request {
  task?: Partial<Task>
  /** Parameters of the requirement. */
  with?: Omit<Requirement, 'need'>
  languages?: string[]
  options?: JsonObject
  results?: ResultRecord[]
  profiles?: Record<string, Pick<AgentProfile, 'group' | 'category'>>
  signal?: AbortSignal
  clock?: Clock
}

export interface Answer {
  items: ContextItem[]
  /** Paths of the file items, in their order. */
  paths: string[]
  warnings: string[]
  queries: ResultQuery[]
}

/** Makes the strategy as the host does, with the defaults of its options, and gathers once. */
export async function gather (plugin: SidecarPlugin, project: ProjectView, request: Request = {}): Promise<Answer> {
  const strategy = await create(plugin, request)
  const warnings: string[] = []
  const queries: ResultQuery[] = []
  const silent = () => {}
  const input: GatherInput = {
    project,
    task: { issue_id: 'issue-1', labels: [], files: [], ...request.task },
    requirement: { need: strategy.satisfies[0]!, ...request.with },
    profile: { id: 'some-agent', ...(request.languages && { languages: request.languages }) } as AgentProfile,
    budget: { max_bytes: 1_000_000, max_tokens: null },
    async results (query) {
      queries.push(query)
      const start = Number(query.cursor ?? 0)
      const matching = (request.results ?? []).filter(record =>
        record.issue_id === (query.issue_id ?? record.issue_id) &&
        record.agent_type === (query.agent_type ?? record.agent_type) &&
        record.status === (query.status ?? record.status))
      const end = start + query.limit
      return { results: matching.slice(start, end), ...(end < matching.length && { next_cursor: String(end) }) }
    },
    signal: request.signal ?? new AbortController().signal,
    log: { debug: silent, info: silent, error: silent, warn: (_details, message = '') => { warnings.push(message) } }
  }
  const items = await strategy.gather(input)
  return { items, paths: items.flatMap(item => item.kind === 'file' ? [item.path] : []), warnings, queries }
}

async function create (plugin: SidecarPlugin, { options = {}, profiles = {}, clock = () => NOW }: Request): Promise<ContextStrategy> {
  const manifest = plugin[MANIFEST]
  const context = { clock, sidecar: { profile: (_project: string, type: string) => profiles[type] } } as unknown as PluginContext
  return await manifest.create(Value.Default(manifest.options!, { ...options }) as never, context) as ContextStrategy
}

let count = 0

/** A stored result; the later made, the newer. */
export function fakeResult (agentType: string, result: JsonObject = {}, more: Partial<ResultRecord> = {}): ResultRecord {
  count++
  return {
    id: `res_${String(count).padStart(26, '0')}`,
    project_id: 'sample',
    issue_id: 'issue-1',
    agent_id: `${agentType}-1`,
    agent_type: agentType,
    status: 'success',
    result,
    timestamp: new Date(NOW - 3_600_000 + count * 1000).toISOString(),
    ...more
  }
}
