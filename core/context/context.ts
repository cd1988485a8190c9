import { hash } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import type { CacheEntry, CacheKey, Clock, ContextCache, ContextStrategy, Logger, Requirement, ResultPage, ResultQuery, ResultStore, Task } from '../contracts/index.js'
import { apiError, codeOf, isApiError } from '../errors.js'
import type { ProfileSet } from '../profiles/profiles.js'
import type { Project } from '../project/project.js'
import type { ProjectWorker } from '../project/worker/client.js'
import { buildContext, type Span } from './build.js'
import { createTurns } from './turns.js'

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
  /** ETag of an earlier answer: only files that differ from it are wanted. */
  since?: string
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
// One thread reads for all, so more at once would only make each of them slower, and the clocks of their strategies run out.
const BUILDS_AT_ONCE = 3
const BUILDS_WAITING = 1000

/** A rendered answer, and where its files stand in it. */
interface Rendered {
  body: Buffer
  files: Span[]
}

interface Prepared {
  task: Task
  validator: string
  etag: string
  /** Builds and caches; shared by all who ask for the same at once. */
  build (): Promise<Rendered>
}

export function createContextService (options: ContextOptions): ContextService {
  const { cache, store, strategies, clock } = options
  const building = new Map<string, Promise<Rendered>>()
  const turns = createTurns(BUILDS_AT_ONCE, BUILDS_WAITING)
  const served = new Set([...strategies.values()].flatMap((strategy) => [...strategy.satisfies]))
  const strategyNames = digest([...strategies.keys()])
  let hits = 0
  let misses = 0

  /** Puts an answer into the place of another, of which the list of files is kept for those who hold it. */
  const replace = async (key: CacheKey, entry: CacheEntry): Promise<void> => {
    const before = await cache.get(key)
    await cache.set(key, entry)
    if (before === undefined || before.validator === entry.validator) return
    await cache.set({ ...key, variant: variantOf(etagOf(key, before.validator)) }, { body: Buffer.from(before.meta.files ?? '[]'), validator: before.validator, meta: {} })
  }

  const prepare = async (project: Project, profiles: ProfileSet, query: ContextQuery): Promise<Prepared & { key: CacheKey }> => {
    const profile = profiles.get(query.agentType)
    assertServed(query.requirements, served)
    const requirements = mergeRequirements(profile.context.requirements, query.requirements)
    const [state, issue, newest] = await Promise.all([
      project.now(), store.getIssue(project.id, query.issueId), store.list(project.id, { issue_id: query.issueId, limit: 1 })
    ])
    const maxTokens = query.maxTokens ?? profile.context.max_tokens ?? null
    const variant = shortened(JSON.stringify([query.task ?? '', query.maxBytes, maxTokens, query.requirements, query.explain]))
    const validator = [
      state.fingerprint, profiles.version(query.agentType), issue === undefined ? '' : digest(issue), newest.results[0]?.id ?? '',
      // Which files changed in the last 24 hours is a matter of the time, too.
      Math.floor(clock() / HOUR_MS), strategyNames
    ].join()
    const key = { project: project.id, issue: query.issueId, agentType: query.agentType, variant }
    const task: Task = {
      issue_id: query.issueId,
      ...(issue === undefined ? {} : { title: issue.title }),
      ...describeTask(issue?.description, query.task),
      labels: issue?.labels ?? [],
      files: issue?.files ?? []
    }
    const etag = etagOf(key, validator)
    const build = async (): Promise<Rendered> => {
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
      const { json: body, files } = built
      if (built.complete) {
        // The answer is right whether or not the cache takes it.
        await replace(key, { body, validator, meta: { files: JSON.stringify(files) } })
          .catch((error: unknown) => options.log.warn({ err: error, project: project.id }, 'an answer could not be cached'))
      }
      return { body, files }
    }
    return { task, validator, key, etag, build }
  }

  const buildOnce = async (id: string, build: () => Promise<Rendered>): Promise<Rendered> => {
    const running = building.get(id) ?? turns.take(build).finally(() => building.delete(id))
    building.set(id, running)
    return await running
  }

  /** The answer for a caller: whole, or what differs from the one that it says it has. */
  const tell = async ({ body, files }: Rendered, isHit: boolean, since: string | undefined, { key, etag }: { key: CacheKey, etag: string }): Promise<Buffer> => {
    const earlier = since === undefined || since === etag ? undefined : await cache.get({ ...key, variant: variantOf(since) })
    if (since === undefined || (since !== etag && earlier === undefined)) return finish([body], isHit, clock())
    const held = earlier === undefined ? files : JSON.parse(earlier.body.toString()) as Span[]
    return finish(difference(body, files, held, since), isHit, clock())
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
            return { etag: prepared.etag, body: await tell({ body: entry.body, files: JSON.parse(entry.meta.files ?? '[]') as Span[] }, true, query.since, prepared) }
          }
        }
        misses++
        const rendered = await buildOnce(query.fresh ? `${prepared.etag} fresh` : prepared.etag, prepared.build)
        return { etag: prepared.etag, body: await tell(rendered, false, query.since, prepared) }
      } catch (error) {
        if (isApiError(error)) throw error
        // The system's own texts name paths, which are nobody's business on the wire; the log has them.
        throw apiError('CTX_001', `The context could not be gathered: ${codeOf(error) ?? 'something unexpected happened'}.`, { cause: error })
      }
    },
    checkRequirements: (needs) => assertServed(needs, served),
    statistics: () => ({ hits, misses })
  }
}

function assertServed (needs: readonly string[], served: ReadonlySet<string>): void {
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

function finish (parts: Buffer[], hit: boolean, now: number): Buffer {
  return Buffer.concat([...parts, Buffer.from(`,"cache_hit":${hit},"timestamp":"${new Date(now).toISOString()}"}`)])
}

/** An answer whose files are only those that an earlier one did not have, or had otherwise. */
function difference (body: Buffer, files: readonly Span[], earlier: readonly Span[], since: string): Buffer[] {
  const known = new Map(earlier.map(([path, digest]) => [path, digest]))
  const present = new Set(files.map(([path]) => path))
  const changed = files.filter(([path, digest]) => known.get(path) !== digest)
  const delta = { since, removed: earlier.map(([path]) => path).filter((path) => !present.has(path)), unchanged: files.length - changed.length }
  const first = files[0]
  const last = files.at(-1)
  const told = Buffer.from(`,"delta":${JSON.stringify(delta)}`)
  if (first === undefined || last === undefined) return [body, told]
  const comma = Buffer.from(',')
  const entries = changed.flatMap(([, , start, end], index) => (index === 0 ? [body.subarray(start, end)] : [comma, body.subarray(start, end)]))
  return [body.subarray(0, first[2]), ...entries, body.subarray(last[3]), told]
}

function etagOf (key: CacheKey, validator: string): string {
  return `"${digest([key, validator])}"`
}

/** What the files of an answer are kept under. */
function variantOf (etag: string): string {
  return `files of ${etag}`
}

function matchesEtag (header: string, etag: string): boolean {
  return header.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag || tag.trim() === '*')
}

// A hash is for what would be long: it costs more than all else that an unchanged answer takes.
function shortened (text: string): string {
  return text.length <= 200 ? text : digest(text)
}

function digest (value: unknown): string {
  return hash('sha256', JSON.stringify(value), 'base64url').slice(0, 32)
}
