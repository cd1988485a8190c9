import { createHash } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import type { Clock, ContextCache, ContextStrategy, Logger, Requirement, ResultPage, ResultQuery, ResultStore, Task } from '../contracts/index.js'
import { apiError, codeOf, isApiError } from '../errors.js'
import type { ProfileSet } from '../profiles/profiles.js'
import type { Project } from '../project/project.js'
import type { ProjectWorker } from '../project/worker/client.js'
import { buildContext } from './build.js'

export interface ContextQuery {
  issueId: string
  agentType: string
  task?: string
  maxBytes: number
  maxTokens: number | null
  requirements: readonly string[]
  fresh: boolean
  explain: boolean
  ifNoneMatch?: string
}

export interface ContextAnswer {
  etag: string
  /** The JSON answer; `undefined` when the caller has it already. */
  body: Buffer | undefined
}

export interface ContextService {
  get (project: Project, profiles: ProfileSet, query: ContextQuery): Promise<ContextAnswer>
  /** Throws `VAL_001` for a requirement that no strategy satisfies. */
  checkRequirements (needs: readonly string[]): void
  statistics (): { hits: number, misses: number }
}

export interface ContextOptions {
  cache: ContextCache
  store: ResultStore
  strategies: ReadonlyMap<string, ContextStrategy>
  worker: ProjectWorker
  timeoutMs: number
  clock: Clock
  log: Logger
}

const HOUR_MS = 3_600_000

interface Prepared {
  task: Task
  validator: string
  etag: string
  /** Builds and caches; shared by all who ask for the same at once. */
  build (): Promise<Buffer>
}

export function createContextService (options: ContextOptions): ContextService {
  const { cache, store, strategies, clock } = options
  const building = new Map<string, Promise<Buffer>>()
  let hits = 0
  let misses = 0

  const prepare = async (project: Project, profiles: ProfileSet, query: ContextQuery): Promise<Prepared & { key: Parameters<ContextCache['get']>[0] }> => {
    const profile = profiles.get(query.agentType)
    assertServed(query.requirements, strategies)
    const requirements = mergeRequirements(profile.context.requirements, query.requirements)
    const [state, issue, newest] = await Promise.all([
      project.now(), store.getIssue(project.id, query.issueId), store.list(project.id, { issue_id: query.issueId, limit: 1 })
    ])
    const maxTokens = query.maxTokens ?? profile.context.max_tokens ?? null
    const variant = digest([query.task ?? '', query.maxBytes, maxTokens, query.requirements, query.explain])
    const validator = digest([
      state.fingerprint, profiles.version(query.agentType), issue ?? null, newest.results[0]?.id ?? null,
      // Which files changed in the last 24 hours is a matter of the time, too.
      Math.floor(clock() / HOUR_MS), [...strategies.keys()]
    ])
    const key = { project: project.id, issue: query.issueId, agentType: query.agentType, variant }
    const task: Task = {
      issue_id: query.issueId,
      ...(issue === undefined ? {} : { title: issue.title }),
      ...describeTask(issue?.description, query.task),
      labels: issue?.labels ?? [],
      files: issue?.files ?? []
    }
    const build = async (): Promise<Buffer> => {
      const signal = AbortSignal.timeout(options.timeoutMs)
      // One for each strategy, and Node warns of more than ten.
      setMaxListeners(0, signal)
      const built = await buildContext({
        project: state,
        worker: options.worker,
        profile,
        issue,
        task,
        requirements,
        strategies,
        maxBytes: query.maxBytes,
        maxTokens,
        explain: query.explain,
        // Of this issue alone: an answer is valid as long as the results of its issue are the same.
        results: async (wanted: ResultQuery): Promise<ResultPage> => await store.list(project.id, { ...wanted, issue_id: query.issueId }),
        result: async (id) => await store.get(project.id, id),
        signal,
        log: options.log
      })
      if (built.complete) await cache.set(key, { body: built.json, validator, meta: {} })
      return built.json
    }
    return { task, validator, key, etag: `"${digest([key, validator])}"`, build }
  }

  const buildOnce = async (id: string, build: () => Promise<Buffer>): Promise<Buffer> => {
    const running = building.get(id) ?? build().finally(() => building.delete(id))
    building.set(id, running)
    return await running
  }

  return {
    async get (project, profiles, query) {
      try {
        const prepared = await prepare(project, profiles, query)
        if (!query.fresh) {
          if (query.ifNoneMatch !== undefined && matchesEtag(query.ifNoneMatch, prepared.etag)) {
            hits++
            return { etag: prepared.etag, body: undefined }
          }
          const entry = await cache.get(prepared.key)
          if (entry?.validator === prepared.validator) {
            hits++
            return { etag: prepared.etag, body: finish(entry.body, true, clock()) }
          }
        }
        misses++
        const body = await buildOnce(query.fresh ? `${prepared.etag} fresh` : prepared.etag, prepared.build)
        return { etag: prepared.etag, body: finish(body, false, clock()) }
      } catch (error) {
        if (isApiError(error)) throw error
        // The system's own texts name paths, which are nobody's business on the wire; the log has them.
        throw apiError('CTX_001', `The context could not be gathered: ${codeOf(error) ?? 'something unexpected happened'}.`, { cause: error })
      }
    },
    checkRequirements: (needs) => assertServed(needs, strategies),
    statistics: () => ({ hits, misses })
  }
}

function assertServed (needs: readonly string[], strategies: ReadonlyMap<string, ContextStrategy>): void {
  const served = new Set([...strategies.values()].flatMap((strategy) => [...strategy.satisfies]))
  const unknown = needs.find((need) => !served.has(need))
  if (unknown === undefined) return
  throw apiError('VAL_001', `No strategy satisfies the requirement '${unknown}'. Known: ${[...served].sort().join(', ')}.`, {
    details: { issues: [{ path: 'requirements', message: `'${unknown}' is not known` }] }
  })
}

/** The profile's own requirements and those that the call adds. */
function mergeRequirements (own: readonly Requirement[], added: readonly string[]): Requirement[] {
  const present = new Set(own.map((requirement) => requirement.need))
  return [...own, ...[...new Set(added)].filter((need) => !present.has(need)).map((need) => ({ need }))]
}

function describeTask (description: string | undefined, task: string | undefined): { description?: string } {
  const text = [description, task].filter((part) => part !== undefined && part !== '').join('\n\n')
  return text === '' ? {} : { description: text }
}

function finish (body: Buffer, hit: boolean, now: number): Buffer {
  return Buffer.concat([body, Buffer.from(`,"cache_hit":${hit},"timestamp":"${new Date(now).toISOString()}"}`)])
}

function matchesEtag (header: string, etag: string): boolean {
  return header.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag || tag.trim() === '*')
}

function digest (value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('base64url').slice(0, 32)
}
