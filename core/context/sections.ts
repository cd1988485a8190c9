import type { Commit, Json, ResultRecord, UncommittedChange } from '../contracts/index.js'
import { editedBetween } from '../project/edited-files.js'
import type { ProjectState } from '../project/project.js'

export interface ProjectStructure {
  root: string
  files: string[]
  directories: string[]
  total_files: number
  total_size_bytes: number
}

export interface GitContext {
  branch: string | null
  head: string | null
  recent_commits: Commit[]
  uncommitted_changes: UncommittedChange[]
  remote: string | null
  remote_url: string | null
}

export interface AgentOutput {
  agent: string
  agent_type: string
  timestamp: string
  status: string
  decision: string | null
  decisions: string[]
  files_affected: string[]
  result_id: string
}

/** A part of the answer and how much of it did not fit. */
export interface Section<Value> {
  value: Value
  left_out: number
}

export const BASE_COMMITS = 10
const MAX_CHANGES = 200
// A commit that brings in a whole tree, or a book for a message, must not take the room of everything else.
const MOST_FILES = 200
const FEW_FILES = 10
const LONG_MESSAGE = 8000
const SHORT_MESSAGE = 200

interface KnownStructure { files: ProjectState['files'], maxBytes: number, section: Section<ProjectStructure> }

/** Of each list of files, which is the same as long as nothing changes, what was last asked for. */
const structures = new WeakMap<ProjectState['files'], KnownStructure>()
/** The same of each project: whoever edits a file asks again, and the tree is as it was. */
const latest = new Map<string, KnownStructure>()
const MOST_STRUCTURES = 8

/** As much of the tree as fits, the shallow paths first. */
export function structureOf ({ id, files }: Pick<ProjectState, 'id' | 'files'>, maxBytes: number): Section<ProjectStructure> {
  const known = structures.get(files)
  if (known?.maxBytes === maxBytes) return known.section
  const key = `${id} ${maxBytes}`
  const earlier = latest.get(key)
  const isSame = earlier !== undefined && editedBetween(earlier.files, files) !== undefined
  const section = isSame ? { ...earlier.section, value: { ...earlier.section.value, total_size_bytes: totalSizeOf(files) } } : cutStructure(files, maxBytes)
  const made = { files, maxBytes, section }
  structures.set(files, made)
  latest.delete(key)
  latest.set(key, made)
  if (latest.size > MOST_STRUCTURES) latest.delete(latest.keys().next().value!)
  return section
}

function totalSizeOf (files: ProjectState['files']): number {
  return files.reduce((sum, file) => sum + file.size, 0)
}

function cutStructure (files: ProjectState['files'], maxBytes: number): Section<ProjectStructure> {
  const shown: string[] = []
  const directories = new Set<string>()
  let bytes = 0
  for (const place of shallowFirst(files)) {
    const { path } = files[place]!
    const further = newParents(path, directories)
    let cost = sizeOfText(path) + 1
    for (const folder of further) cost += sizeOfText(folder) + 1
    if (bytes + cost > maxBytes) break
    bytes += cost
    shown.push(path)
    for (const folder of further) directories.add(folder)
  }
  return {
    value: {
      root: '.',
      files: shown.sort(),
      directories: [...directories].sort(),
      total_files: files.length,
      total_size_bytes: totalSizeOf(files)
    },
    left_out: files.length - shown.length
  }
}

/** The JSON of a tree from behind `"project_structure` to `total_files`, which an edit leaves as it is. No token reaches over either end. */
export interface TreeJson {
  text: string
  bytes: Buffer
}

const trees = new WeakMap<readonly string[], TreeJson>()

/** Of lists that were written before, what was written. */
export function treeJson ({ root, files, directories }: ProjectStructure): TreeJson {
  const known = trees.get(files)
  if (known !== undefined) return known
  const text = `":${JSON.stringify({ root, files, directories }).slice(0, -1)},"total_files`
  const tree = { text, bytes: Buffer.from(text) }
  trees.set(files, tree)
  return tree
}

/** Places of the files by depth and, as they come sorted, by path: counted, because to sort 100,000 once more would hold the event loop. */
function shallowFirst (files: ProjectState['files']): Uint32Array {
  const { depths, deepest } = depthsOf(files)
  // Where the next file of each depth goes: behind all of lesser depth, and those of its own that came before.
  const next = new Uint32Array(deepest + 2)
  for (const depth of depths) next[depth + 1]!++
  for (let depth = 1; depth <= deepest; depth++) next[depth]! += next[depth - 1]!
  const order = new Uint32Array(files.length)
  for (let place = 0; place < files.length; place++) order[next[depths[place]!]!++] = place
  return order
}

/** By how many folders each file is surrounded. */
function depthsOf (files: ProjectState['files']): { depths: Uint16Array, deepest: number } {
  const depths = new Uint16Array(files.length)
  let deepest = 0
  for (let place = 0; place < files.length; place++) {
    const { path } = files[place]!
    let depth = 0
    for (let at = path.indexOf('/'); at >= 0; at = path.indexOf('/', at + 1)) depth++
    depths[place] = depth
    deepest = Math.max(deepest, depth)
  }
  return { depths, deepest }
}

const NONE: readonly string[] = []

/** The folders around a file that are not known yet, the outermost first. Where one is known, all around it are. */
function newParents (path: string, known: ReadonlySet<string>): readonly string[] {
  let found: string[] | undefined
  for (let cut = path.lastIndexOf('/'); cut > 0; cut = path.lastIndexOf('/', cut - 1)) {
    const folder = path.slice(0, cut)
    if (known.has(folder)) break
    (found ??= []).push(folder)
  }
  return found?.reverse() ?? NONE
}

/** Branch, head, last commits and uncommitted changes; diffs go first when there is no room, then lists of files. `null` without git. */
export async function gitContextOf (state: ProjectState, further: readonly Commit[], maxBytes: number): Promise<Section<GitContext | null>> {
  const facts = await state.git()
  if (facts === undefined) return { value: null, left_out: 0 }
  const commits = new Map([...await state.commits(BASE_COMMITS), ...further].map((commit) => [commit.hash, commit]))
  // Commits of the same second stay as git gives them.
  const newest = [...commits.values()].sort((a, b) => Date.parse(b.timestamp) - Date.parse(a.timestamp))
  const value: GitContext = {
    branch: facts.branch,
    head: facts.head,
    recent_commits: newest.map((commit) => shorten(commit, MOST_FILES, LONG_MESSAGE)),
    uncommitted_changes: facts.changes.slice(0, MAX_CHANGES),
    remote: facts.remote,
    remote_url: facts.remote_url
  }
  let leftOut = facts.changes.length - value.uncommitted_changes.length + newest.filter((commit, index) => commit !== value.recent_commits[index]).length
  let size = sizeOf(value)
  // What is being changed says more than what long messages say of what was.
  if (size > maxBytes) {
    value.recent_commits = value.recent_commits.map((commit) => {
      const short = shorten(commit, FEW_FILES, SHORT_MESSAGE)
      if (short !== commit) leftOut++
      return short
    })
    size = sizeOf(value)
  }
  const longestFirst = value.uncommitted_changes.map((_change, at) => at).sort((one, other) => lengthOfDiff(value.uncommitted_changes[other]!) - lengthOfDiff(value.uncommitted_changes[one]!))
  for (const at of longestFirst) {
    const change = value.uncommitted_changes[at]!
    if (size <= maxBytes || change.diff === null) break
    size -= sizeOf(change.diff)
    leftOut++
    value.uncommitted_changes[at] = { ...change, diff: null }
  }
  while (size > maxBytes && value.recent_commits.length > 1) {
    size -= sizeOf(value.recent_commits.pop())
    leftOut++
  }
  while (size > maxBytes && value.uncommitted_changes.length > 0) {
    size -= sizeOf(value.uncommitted_changes.pop())
    leftOut++
  }
  return { value, left_out: leftOut }
}

function lengthOfDiff ({ diff }: UncommittedChange): number {
  return diff?.length ?? 0
}

/** The commit itself where it is short enough. */
function shorten (commit: Commit, files: number, message: number): Commit {
  if (commit.files_changed.length <= files && commit.message.length <= message) return commit
  return {
    ...commit,
    message: commit.message.length > message ? `${commit.message.slice(0, message)}…` : commit.message,
    files_changed: commit.files_changed.slice(0, files)
  }
}

/** What earlier agents decided, newest first. */
export function outputsOf (records: readonly ResultRecord[], maxBytes: number): Section<AgentOutput[]> {
  const value: AgentOutput[] = []
  let bytes = 0
  for (const record of records) {
    const output = outputOf(record)
    bytes += sizeOf(output)
    if (bytes > maxBytes) break
    value.push(output)
  }
  return { value, left_out: records.length - value.length }
}

function outputOf (record: ResultRecord): AgentOutput {
  const decisions = listOf(record.result.decisions).flatMap((entry) => (typeof entry === 'string' ? [entry] : [JSON.stringify(entry)]))
  return {
    agent: record.agent_id,
    agent_type: record.agent_type,
    timestamp: record.timestamp,
    status: record.status,
    decision: decisions[0] ?? null,
    decisions,
    files_affected: filesOf(record),
    result_id: record.id
  }
}

/** Paths that a result says it created, modified or deleted. */
export function filesOf (record: ResultRecord): string[] {
  const { files_created: created, files_modified: modified, files_deleted: deleted } = record.result
  return [...new Set([...listOf(created), ...listOf(modified), ...listOf(deleted)].flatMap((entry) => {
    const path = typeof entry === 'string' ? entry : (entry as { path?: Json } | null)?.path
    return typeof path === 'string' ? [path] : []
  }))]
}

function listOf (value: Json | undefined): Json[] {
  return Array.isArray(value) ? value : []
}

const QUOTES = 2

/** Bytes of a text as JSON. Most paths are written as they are. */
function sizeOfText (text: string): number {
  return /^[ !#-[\]-~]*$/.test(text) ? text.length + QUOTES : sizeOf(text)
}

export function sizeOf (value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value) ?? '')
}
