import type { AgentProfile, Commit, ContextItem, ContextStrategy, Json, Logger, Requirement, ResultPage, ResultQuery, Task } from '../contracts/index.js'
import { apiError, messageOf } from '../errors.js'
import type { ProjectState } from '../project/project.js'
import { PRIORITY } from './priority.js'
import type { Offer } from './offers.js'

const DEFAULT_TIMEOUT_MS = 10_000
const PRIORITIES: ReadonlySet<unknown> = new Set(Object.values(PRIORITY))

export interface StrategyReport {
  name: string
  plugin: string
  requirement: string
  items: number
  /** Bytes of the files in the answer that this strategy offered. */
  bytes: number
  duration_ms: number
  error?: string
}

export interface Gathered {
  offers: Offer[]
  outputs: string[]
  commits: Commit[]
  metadata: Record<string, Json>
  reports: StrategyReport[]
}

export interface GatherRequest {
  project: ProjectState
  task: Task
  profile: AgentProfile
  requirements: readonly Requirement[]
  strategies: ReadonlyMap<string, ContextStrategy>
  budget: { max_bytes: number, max_tokens: number | null }
  results (query: ResultQuery): Promise<ResultPage>
  signal: AbortSignal
  log: Logger
}

/** Asks every strategy that serves a requirement, all at once. One that fails is told in its report. */
export async function gather (request: GatherRequest): Promise<Gathered> {
  const gathered: Gathered = { offers: [], outputs: [], commits: [], metadata: {}, reports: [] }
  const runs = request.requirements.flatMap((requirement) => [...request.strategies]
    .filter(([, strategy]) => strategy.satisfies.includes(requirement.need))
    .map(async ([name, strategy]) => ({ name, requirement, ...await run(name, strategy, requirement, request) })))
  const finished = await Promise.all(runs)
  const made = new Set(finished.flatMap(({ items }) => items.flatMap((item) => (item.kind === 'text' ? [item.path] : []))))
  const taken = new Set(made.size === 0 ? [] : request.project.files.flatMap(({ path }) => (made.has(path) ? [path] : [])))
  for (const { name, requirement, items, report } of finished) {
    gathered.reports.push(report)
    if (report.error !== undefined && requirement.optional !== true) {
      throw apiError('CTX_001', `The context strategy '${name}' failed for the requirement '${requirement.need}': ${report.error}.`)
    }
    for (const item of items) sort(item, requirement.weight ?? 1, name, gathered, taken)
  }
  return gathered
}

async function run (name: string, strategy: ContextStrategy, requirement: Requirement, request: GatherRequest): Promise<{ items: ContextItem[], report: StrategyReport }> {
  const started = performance.now()
  const timeout = strategy.timeoutMs ?? DEFAULT_TIMEOUT_MS
  const controller = new AbortController()
  const abort = (): void => controller.abort(new Error('the request was given up'))
  request.signal.addEventListener('abort', abort, { once: true })
  let timer: NodeJS.Timeout | undefined
  let items: ContextItem[] = []
  let error: string | undefined
  try {
    const expired = new Promise<never>((_resolve, reject) => {
      // A strategy that does not listen to its signal is left behind; its answer is no longer wanted.
      controller.signal.addEventListener('abort', () => reject(new Error(messageOf(controller.signal.reason))), { once: true })
      timer = setTimeout(() => controller.abort(new Error(`it gave no answer within ${timeout} ms`)), timeout)
    })
    const { project, task, profile, budget, results, log } = request
    items = await Promise.race([
      strategy.gather({ project, task, requirement, profile, budget, results, log, signal: controller.signal }),
      expired
    ])
    checkItems(items)
  } catch (reason) {
    items = []
    error = messageOf(reason)
    request.log.warn({ err: reason, strategy: name, requirement: requirement.need }, 'a context strategy failed')
  } finally {
    clearTimeout(timer)
    request.signal.removeEventListener('abort', abort)
  }
  return {
    items,
    report: {
      name,
      plugin: `context-strategy/${name}`,
      requirement: requirement.need,
      items: items.length,
      bytes: 0,
      duration_ms: Math.round((performance.now() - started) * 100) / 100,
      ...(error === undefined ? {} : { error })
    }
  }
}

/** The rest of the core relies on what a strategy gives, so a wrong item is the fault of the strategy and of nobody else. */
function checkItems (items: unknown): asserts items is ContextItem[] {
  if (!Array.isArray(items)) throw new TypeError('gather() must resolve to an array')
  items.forEach((item: Partial<Record<string, unknown>> | null, index) => {
    const fault = faultOf(item ?? {})
    if (fault !== undefined) throw new TypeError(`item ${index} of gather() ${fault}`)
  })
}

function faultOf (item: Partial<Record<string, unknown>>): string | undefined {
  switch (item.kind) {
    case 'file':
    case 'text':
      if (typeof item.path !== 'string' || item.path === '') return 'has no path'
      if (item.kind === 'text' && typeof item.content !== 'string') return 'has no content'
      if (!Number.isFinite(item.score)) return 'has no score'
      return PRIORITIES.has(item.priority) ? undefined : 'has no priority of 1 to 7'
    case 'output': return typeof item.result_id === 'string' ? undefined : 'has no result_id'
    case 'commit': return typeof (item.commit as { hash?: unknown } | undefined)?.hash === 'string' ? undefined : 'has no commit'
    case 'metadata': return typeof item.key === 'string' ? undefined : 'has no key'
    default: return `is of the unknown kind '${String(item.kind)}'`
  }
}

function sort (item: ContextItem, weight: number, strategy: string, gathered: Gathered, taken: ReadonlySet<string>): void {
  switch (item.kind) {
    case 'file':
      gathered.offers.push({ item, weight, strategy })
      break
    case 'text':
      // A text that passes for a file of the project would be a forgery.
      if (!taken.has(item.path)) gathered.offers.push({ item, weight, strategy })
      break
    case 'output':
      gathered.outputs.push(item.result_id)
      break
    case 'commit':
      gathered.commits.push(item.commit)
      break
    case 'metadata':
      gathered.metadata[item.key] = item.value
      break
  }
}
