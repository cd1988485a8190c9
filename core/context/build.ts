import type { AgentProfile, ContextStrategy, IssueRecord, Json, Logger, Requirement, ResultPage, ResultQuery, ResultRecord, Task } from '../contracts/index.js'
import { apiError } from '../errors.js'
import type { ProjectMetadata } from '../project/metadata.js'
import type { ProjectState } from '../project/project.js'
import { isListed } from '../project/sorted-files.js'
import type { ProjectWorker } from '../project/worker/client.js'
import type { Selection } from '../project/worker/select.js'
import { gather, type StrategyReport } from './gather.js'
import { mergeOffers, type Candidate, type Offer } from './offers.js'
import { PRIORITY } from './priority.js'
import { CLOSING_BYTES, type Parts } from './rendered.js'
import { BASE_COMMITS, filesOf, gitContextOf, outputsOf, sizeOf, structureOf, treeJson, type Section, type TreeJson } from './sections.js'

const MAX_OUTPUTS = 50
/** Share of the budget that each part beside the files may take at most: what a change touches is in the files. */
const SHARES = { structure: 0.05, git: 0.05, outputs: 0.15, metadata: 0.03 }
// Rough bytes of a token of names and JSON, for sharing a token budget out before anything is counted.
const BYTES_PER_TOKEN = 3
/** What comes behind the files and is not known before they are: the digits of what each strategy is credited with, and the rest. */
const CREDIT_BYTES = 16
const TAIL_BYTES = 512

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

/** A file's entry in an answer: its path, a digest of the entry, and the bytes from `start` to before `end`. */
export type Span = [path: string, digest: string, start: number, end: number]

export interface BuiltContext {
  parts: Parts
  /** Where its files stand in it, in their order. */
  files: Span[]
  /** Whether the project was known whole; an answer from a part of it holds until the next call. */
  complete: boolean
}

/** Of trees that were counted before. */
const treeTokens = new WeakMap<TreeJson, number>()

/** Requirement → strategies → ranking → budget → answer. */
export async function buildContext (request: BuildRequest): Promise<BuiltContext> {
  const { project, task, worker } = request
  // Asked for below, and slow: they are read while the strategies work. Whoever asks then is told of a fault.
  const ahead = Promise.allSettled([project.git(), project.metadata(), project.commits(BASE_COMMITS)])
  const room = Math.min(request.maxBytes, request.maxTokens === null ? Infinity : request.maxTokens * BYTES_PER_TOKEN)
  const structure = structureOf(project, room * SHARES.structure)
  const gathered = await gather({ ...request, budget: { max_bytes: request.maxBytes, max_tokens: request.maxTokens } })
  await ahead
  const git = await gitContextOf(project, gathered.commits, room * SHARES.git)
  const earlier = await earlierResults(request, gathered.outputs)
  const outputs = outputsOf(earlier.records, room * SHARES.outputs)
  const metadata = await metadataOf(project, gathered.metadata, room * SHARES.metadata)
  const cleaned = await redactTree({ task: taskOf(request), previous_agent_outputs: outputs.value }, worker)
  const tree = treeJson(structure.value)
  const { total_files: totalFiles, total_size_bytes: totalBytes } = structure.value
  const beforeTree = `{"task":${JSON.stringify(cleaned.task)},"project_structure`
  const beforeFiles = `":${totalFiles},"total_size_bytes":${totalBytes}},"relevant_files":[`
  const afterFiles = `],"git_context":${JSON.stringify(git.value)},"previous_agent_outputs":${JSON.stringify(cleaned.previous_agent_outputs)},"metadata":${await cleanMetadata(metadata.value, worker)}}`
  const head = `${JSON.stringify({ issue_id: task.issue_id, agent_type: request.profile.id }).slice(0, -1)},"context":`
  const start = [Buffer.from(head + beforeTree), tree.bytes, Buffer.from(beforeFiles)]
  const startBytes = start.reduce((sum, { length }) => sum + length, 0)
  const afterBytes = Buffer.byteLength(afterFiles)
  const baseBytes = startBytes - Buffer.byteLength(head) + afterBytes

  const touched = new Set(earlier.records.flatMap(filesOf))
  addNamedFiles(gathered.offers, [...task.files, ...touched], project)
  const candidates = mergeOffers(gathered.offers, task, touched)
  const selection = await project.select({
    title: [task.title ?? '', ...task.labels].join(' '),
    description: [task.description ?? '', ...task.files].join(' '),
    candidates: candidates.map(({ path, need, named, content }) => ({ path, need, named, ...(content === undefined ? {} : { content }) })),
    around: [beforeTree, treeTokens.get(tree) ?? tree.text, beforeFiles + afterFiles],
    // Beside others, a token or two may be split otherwise.
    budget: { bytes: request.maxBytes - baseBytes - 64, tokens: (request.maxTokens ?? Infinity) - 8 },
    margins: { before: startBytes, after: afterBytes + sizeOf(gathered.reports) + gathered.reports.length * CREDIT_BYTES + TAIL_BYTES + CLOSING_BYTES },
    explain: request.explain
  })
  treeTokens.set(tree, selection.tokensAround[1]!)
  const baseTokens = selection.tokensAround.reduce((sum, tokens) => sum + tokens, 0)
  if (!selection.hasRoom) {
    throw apiError('CTX_002', `Even without any file the context takes ${baseBytes} bytes and ${baseTokens} tokens; raise max_bytes or max_tokens.`)
  }
  creditStrategies(gathered.reports, selection, candidates)

  const sectionsCut = structure.left_out + git.left_out + outputs.left_out + metadata.left_out > 0 || earlier.more
  const used = new Set(selection.files.map((file) => file.truncation).filter((truncation) => truncation !== 'none') as string[])
  if (selection.files.length + selection.refused.filter(({ reason }) => reason !== 'too-large').length < candidates.length) used.add('dropped')
  if (sectionsCut) used.add('sections')
  const tail = {
    truncated: used.size > 0,
    truncation_strategy: used.size === 0 ? 'none' : [...used].sort().join('+'),
    total_size_bytes: baseBytes + selection.json.length,
    token_count: baseTokens + selection.tokens,
    file_count: selection.files.length,
    strategies: gathered.reports,
    ...(request.explain ? { explanation: explain(candidates, selection, project) } : {})
  }
  let at = startBytes
  const files = selection.files.map(({ path, digest, bytes }): Span => {
    const from = at
    at += bytes
    return [path, digest, from, at - 1]
  })
  // The files come as JSON already: stringifying them again would cost more than reading them did.
  return { files, parts: { start, files: selection.json, end: `${afterFiles},${JSON.stringify(tail).slice(1, -1)}` }, complete: selection.unindexed === 0 }
}

/** Files that the issue or an earlier agent names are offered whatever the agent's requirements are. */
function addNamedFiles (offers: Offer[], named: readonly string[], project: ProjectState): void {
  for (const path of named) {
    if (isListed(project.files, path)) offers.push({ item: { kind: 'file', path, score: 0.9, priority: PRIORITY.task }, weight: 1, strategy: 'issue' })
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

type Metadata = Record<string, unknown>

/** Of facts, which are the same as long as the project is, cut to a size. */
const cutFacts = new WeakMap<object, { maxBytes: number, section: Section<Metadata> }>()

/** Facts of the project, cut to fit: what strategies add goes first, then the ends of the lists; what is cut is counted in the lists' own counts. */
async function metadataOf (project: ProjectState, further: Record<string, Json>, maxBytes: number): Promise<Section<Metadata>> {
  const facts = await project.metadata()
  if (Object.keys(further).length > 0) return cutMetadata(facts, further, maxBytes)
  const known = cutFacts.get(facts)
  if (known?.maxBytes === maxBytes) return known.section
  const section = cutMetadata(facts, further, maxBytes)
  cutFacts.set(facts, { maxBytes, section })
  return section
}

function cutMetadata (facts: ProjectMetadata, further: Record<string, Json>, maxBytes: number): Section<Metadata> {
  const value: Metadata = { ...further, ...facts }
  let leftOut = 0
  let size = sizeOf(value)
  for (const key of Object.keys(further).filter((name) => !(name in facts))) {
    if (size <= maxBytes) break
    size -= sizeOf(value[key]) + sizeOf(key)
    delete value[key]
    leftOut++
  }
  for (const list of ['dependencies', 'manifests', 'entry_points'] as const) {
    const kept: unknown[] = [...facts[list]]
    for (; size > maxBytes && kept.length > 0; leftOut++) size -= sizeOf(kept.pop()) + 1
    value[list] = kept
    value[`${list}_omitted`] = facts[`${list}_omitted`] + facts[list].length - kept.length
  }
  return { value, left_out: leftOut }
}

const cleanedMetadata = new WeakMap<Metadata, string>()

/** As JSON, without secrets. */
async function cleanMetadata (metadata: Metadata, worker: ProjectWorker): Promise<string> {
  const known = cleanedMetadata.get(metadata) ?? JSON.stringify(await redactTree(metadata, worker))
  cleanedMetadata.set(metadata, known)
  return known
}

/** Takes secrets out of every string of a tree that agents and people wrote. */
async function redactTree<Tree> (tree: Tree, worker: ProjectWorker): Promise<Tree> {
  const texts: string[] = []
  JSON.stringify(tree, (_name, value: unknown) => {
    if (typeof value === 'string') texts.push(value)
    return value
  })
  const clean = await worker.redact(texts)
  let index = 0
  // The reviver would go the other way round; stringify visits in the same order twice.
  return JSON.parse(JSON.stringify(tree, (_name, value: unknown) => (typeof value === 'string' ? clean[index++]!.text : value))) as Tree
}

/** Bytes of the files in the answer, for each strategy that offered them. */
function creditStrategies (reports: readonly StrategyReport[], { files }: Selection, candidates: readonly Candidate[]): void {
  const offered = new Map(candidates.map((candidate) => [candidate.path, candidate.strategies]))
  const bytes = new Map<string, number>()
  for (const { path, contentBytes } of files) {
    for (const name of offered.get(path)!) bytes.set(name, (bytes.get(name) ?? 0) + contentBytes)
  }
  for (const report of reports) report.bytes = bytes.get(report.name) ?? 0
}

function explain (candidates: readonly Candidate[], selection: Selection, project: ProjectState): Explanation[] {
  const offers = new Map(candidates.map((candidate) => [candidate.path, candidate]))
  const shown = new Map(selection.files.map((file) => [file.path, file]))
  const refused = new Map(selection.refused.map(({ path, reason }) => [path, reason]))
  const redactions = new Map(selection.redactions.map(({ path, count }) => [path, count]))
  const left = (reason: string): Explanation => ({ path: '', included: false, reason, score: null, priority: null, bytes: 0 })
  return [
    ...selection.scores.map(({ path, score, signals }): Explanation => {
      const { reasons, priority } = offers.get(path)!
      const file = shown.get(path)
      const why = refused.get(path)
      const told = Object.entries(signals).map(([name, value]) => `${name} ${value.toFixed(2)}`)
      const fate = why !== undefined
        ? [`not readable: ${why}`]
        : file === undefined ? ['no room left'] : file.truncation === 'none' ? [] : [`${file.truncation} to fit`]
      return {
        path,
        included: file !== undefined,
        reason: [...reasons, ...(told.length === 0 ? [] : [`task: ${told.join(', ')}`]), ...fate, ...(redactions.has(path) ? [`${redactions.get(path)} secrets redacted`] : [])].join('; '),
        score: Math.round(score * 1000) / 1000,
        priority,
        bytes: file?.contentBytes ?? 0
      }
    }).sort((a, b) => Number(b.included) - Number(a.included)),
    ...(selection.unindexed === 0 ? [] : [left(`${selection.unindexed} files are not indexed yet and were ranked by their paths' needs alone`)]),
    ...(project.secretFiles.length === 0 ? [] : [left(`${project.secretFiles.length} files hold secrets by their names`)]),
    ...(project.unreadableNames === 0 ? [] : [left(`${project.unreadableNames} names are no UTF-8`)])
  ]
}
