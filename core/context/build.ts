import { createHash } from 'node:crypto'
import type { AgentProfile, ContextStrategy, IssueRecord, Json, Logger, Requirement, ResultPage, ResultQuery, ResultRecord, Task } from '../contracts/index.js'
import { apiError } from '../errors.js'
import { languageOf } from '../project/languages.js'
import type { ProjectState } from '../project/project.js'
import type { ProjectWorker } from '../project/worker/client.js'
import { fitFiles, jsonBytes, type Fit, type Readable } from './fit.js'
import { gather, type StrategyReport } from './gather.js'
import { PRIORITY } from './priority.js'
import { mergeOffers, rankByContent, type Candidate, type Offer } from './rank.js'
import { gitContextOf, outputsOf, sizeOf, structureOf } from './sections.js'

// Candidates beyond this many are too far down the ranking to be read at all.
const MAX_READ = 600
const MAX_OUTPUTS = 50
// A file's time may be anything that somebody has set.
const LATEST = Date.UTC(9999, 11, 31)
/** Share of the budget that each part beside the files may take at most. */
const SHARES = { structure: 0.12, git: 0.12, outputs: 0.2, metadata: 0.08 }
// Rough bytes of a token of names and JSON, for sharing a token budget out before anything is counted.
const BYTES_PER_TOKEN = 3

export interface BuildRequest {
  project: ProjectState
  worker: ProjectWorker
  profile: AgentProfile
  issue: IssueRecord | undefined
  task: Task
  requirements: readonly Requirement[]
  strategies: ReadonlyMap<string, ContextStrategy>
  maxBytes: number
  maxTokens: number | null
  explain: boolean
  results (query: ResultQuery): Promise<ResultPage>
  result (id: string): Promise<ResultRecord | undefined>
  signal: AbortSignal
  log: Logger
}

export interface Explanation {
  path: string
  included: boolean
  reason: string
  score: number | null
  priority: number | null
  bytes: number
}

/** Everything of the answer but what differs from call to call. */
export interface BuiltContext {
  issue_id: string
  agent_type: string
  context: Record<string, unknown>
  truncated: boolean
  truncation_strategy: string
  total_size_bytes: number
  token_count: number
  file_count: number
  strategies: StrategyReport[]
  explanation?: Explanation[]
}

/** Requirement → strategies → ranking → budget → answer. */
export async function buildContext (request: BuildRequest): Promise<BuiltContext> {
  const { project, task, worker } = request
  const gathered = await gather({ ...request, budget: { max_bytes: request.maxBytes, max_tokens: request.maxTokens } })
  addNamedFiles(gathered.offers, request)
  const room = Math.min(request.maxBytes, request.maxTokens === null ? Infinity : request.maxTokens * BYTES_PER_TOKEN)

  const structure = structureOf(project, room * SHARES.structure)
  const git = await gitContextOf(project, gathered.commits, room * SHARES.git)
  const earlier = await earlierResults(request, gathered.outputs)
  const outputs = outputsOf(earlier.records, room * SHARES.outputs)
  const metadata = await metadataOf(project, gathered.metadata, room * SHARES.metadata)
  const cleaned = await redactTree({ task: taskOf(request), previous_agent_outputs: outputs.value, metadata: metadata.value }, worker)
  const base = { ...cleaned.value, project_structure: structure.value, relevant_files: [], git_context: git.value }
  const [baseTokens] = await worker.countTokens([JSON.stringify(base)])
  // The parts stand in another order in the answer, so that a token or two may be split otherwise.
  const left = { bytes: request.maxBytes - sizeOf(base) - 64, tokens: (request.maxTokens ?? Infinity) - baseTokens! - 8 }
  if (left.bytes < 0 || left.tokens < 0) {
    throw apiError('CTX_002', `Even without any file the context takes ${sizeOf(base)} bytes and ${baseTokens} tokens; raise max_bytes or max_tokens.`)
  }

  const candidates = mergeOffers(gathered.offers, task)
  const { readable, refused, redactions } = await readCandidates(candidates.slice(0, MAX_READ), request)
  const ranked = rankByContent(candidates.slice(0, MAX_READ), new Map([...readable].map(([path, file]) => [path, file.content])), task)
  const fit = await fitFiles(ranked, readable, left, worker.countTokens)
  creditStrategies(gathered.reports, fit)

  const sectionsCut = structure.left_out + git.left_out + outputs.left_out + metadata.left_out > 0 || earlier.more
  const dropped = [...fit.dropped, ...candidates.slice(MAX_READ)]
  const used = new Set(fit.files.map((file) => file.truncation).filter((truncation) => truncation !== 'none') as string[])
  if (dropped.length > 0 || [...refused.values()].includes('too-large')) used.add('dropped')
  if (sectionsCut) used.add('sections')
  const context = {
    task: base.task,
    project_structure: structure.value,
    relevant_files: fit.files.map((file) => fileEntry(file, readable.get(file.candidate.path)!)),
    git_context: git.value,
    previous_agent_outputs: cleaned.value.previous_agent_outputs,
    metadata: cleaned.value.metadata
  }
  return {
    issue_id: task.issue_id,
    agent_type: request.profile.id,
    context,
    truncated: used.size > 0,
    truncation_strategy: used.size === 0 ? 'none' : [...used].sort().join('+'),
    total_size_bytes: sizeOf(context),
    token_count: baseTokens! + fit.files.reduce((sum, file) => sum + file.tokens, 0),
    file_count: fit.files.length,
    strategies: gathered.reports,
    ...(request.explain ? { explanation: explain(fit, dropped, refused, redactions, project) } : {})
  }
}

/** Files that the issue names are offered whatever the agent's requirements are. */
function addNamedFiles (offers: Offer[], { task, project }: BuildRequest): void {
  const present = new Set(project.files.map((file) => file.path))
  for (const path of task.files) {
    if (present.has(path)) offers.push({ item: { kind: 'file', path, score: 1, priority: PRIORITY.task }, weight: 1, strategy: 'issue' })
  }
}

function taskOf ({ issue, task }: BuildRequest): Record<string, Json> | null {
  if (issue === undefined && task.description === undefined) return null
  return {
    issue_id: task.issue_id,
    ...(task.title === undefined ? {} : { title: task.title }),
    ...(task.description === undefined ? {} : { description: task.description })
  }
}

/** Results of the issue and those that strategies point to, newest first; `more` when there were too many. */
async function earlierResults (request: BuildRequest, ids: readonly string[]): Promise<{ records: ResultRecord[], more: boolean }> {
  const { results, next_cursor: next } = await request.results({ issue_id: request.task.issue_id, limit: MAX_OUTPUTS })
  const known = new Set(results.map((record) => record.id))
  const further = await Promise.all([...new Set(ids)].filter((id) => !known.has(id)).slice(0, MAX_OUTPUTS).map(async (id) => await request.result(id)))
  const records = [...results, ...further.filter((record) => record !== undefined)].sort((a, b) => (a.id < b.id ? 1 : -1))
  return { records, more: next !== undefined }
}

async function metadataOf (project: ProjectState, further: Record<string, Json>, maxBytes: number): Promise<{ value: Record<string, unknown>, left_out: number }> {
  const facts = await project.metadata()
  const value: Record<string, unknown> = { ...further, ...facts, dependencies: [...facts.dependencies] }
  const dependencies = value.dependencies as unknown[]
  let leftOut = 0
  let size = sizeOf(value)
  for (; size > maxBytes && dependencies.length > 0; leftOut++) size -= sizeOf(dependencies.pop()) + 1
  for (const key of Object.keys(further).filter((name) => !(name in facts))) {
    if (size <= maxBytes) break
    size -= sizeOf(value[key]) + sizeOf(key)
    delete value[key]
    leftOut++
  }
  return { value, left_out: leftOut }
}

/** Takes secrets out of every string of a tree that agents and people wrote. */
async function redactTree<Tree> (tree: Tree, worker: ProjectWorker): Promise<{ value: Tree }> {
  const texts: string[] = []
  JSON.stringify(tree, (_name, value: unknown) => {
    if (typeof value === 'string') texts.push(value)
    return value
  })
  const clean = await worker.redact(texts)
  let index = 0
  // The reviver would go the other way round; stringify visits in the same order twice.
  return { value: JSON.parse(JSON.stringify(tree, (_name, value: unknown) => (typeof value === 'string' ? clean[index++]!.text : value))) as Tree }
}

interface ReadFile extends Readable {
  size: number
  modified: number
  checksum: string
}

async function readCandidates (candidates: readonly Candidate[], { project, worker }: BuildRequest): Promise<{
  readable: Map<string, ReadFile>
  refused: Map<string, string>
  redactions: Map<string, number>
}> {
  const readable = new Map<string, ReadFile>()
  const refused = new Map<string, string>()
  const redactions = new Map<string, number>()
  const now = Date.now()
  const made = candidates.filter((candidate) => candidate.content !== undefined)
  const clean = await worker.redact(made.map((candidate) => candidate.content!))
  const tokens = await worker.countTokens(clean.map((entry) => JSON.stringify(entry.text)))
  made.forEach(({ path }, index) => {
    const { text: content, count } = clean[index]!
    readable.set(path, { content, tokens: tokens[index]!, size: Buffer.byteLength(content), modified: now, checksum: checksumOf(content) })
    if (count > 0) redactions.set(path, count)
  })
  for (const file of await project.prepare(candidates.filter((candidate) => candidate.content === undefined).map((candidate) => candidate.path))) {
    if ('refused' in file) {
      refused.set(file.path, file.refused)
    } else {
      readable.set(file.path, file)
      if (file.redactions > 0) redactions.set(file.path, file.redactions)
    }
  }
  return { readable, refused, redactions }
}

function checksumOf (content: string): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`
}

function fileEntry (file: Fit['files'][number], source: ReadFile): Record<string, unknown> {
  return {
    path: file.candidate.path,
    content: file.content,
    size: source.size,
    last_modified: new Date(Math.max(0, Math.min(source.modified, LATEST))).toISOString(),
    language: languageOf(file.candidate.path) ?? null,
    checksum: source.checksum,
    truncation: file.truncation
  }
}

function creditStrategies (reports: readonly StrategyReport[], fit: Fit): void {
  for (const report of reports) {
    report.bytes = fit.files.filter((file) => file.candidate.strategies.includes(report.name)).reduce((sum, file) => sum + Buffer.byteLength(file.content), 0)
  }
}

function explain (fit: Fit, dropped: readonly Candidate[], refused: ReadonlyMap<string, string>, redactions: ReadonlyMap<string, number>, project: ProjectState): Explanation[] {
  const describe = (candidate: Candidate, included: boolean, more: string[], bytes: number): Explanation => ({
    path: candidate.path,
    included,
    reason: [...candidate.reasons, ...more].join('; ') || 'offered by a strategy',
    score: Math.round(candidate.score * 1000) / 1000,
    priority: candidate.priority,
    bytes
  })
  return [
    ...fit.files.map((file) => describe(file.candidate, true, [
      ...(file.truncation === 'none' ? [] : [`${file.truncation} to fit`]),
      ...(redactions.has(file.candidate.path) ? [`${redactions.get(file.candidate.path)} secrets redacted`] : [])
    ], jsonBytes(file.content))),
    ...dropped.map((candidate) => describe(candidate, false, ['no room left'], 0)),
    ...[...refused].map(([path, why]) => ({ path, included: false, reason: `not readable: ${why}`, score: null, priority: null, bytes: 0 })),
    ...(project.secretFiles.length === 0 ? [] : [{ path: '', included: false, reason: `${project.secretFiles.length} files hold secrets by their names`, score: null, priority: null, bytes: 0 }]),
    ...(project.unreadableNames === 0 ? [] : [{ path: '', included: false, reason: `${project.unreadableNames} names are no UTF-8`, score: null, priority: null, bytes: 0 }])
  ]
}
