import { hash } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import type {
  AgentProfile, CacheEntry, CacheKey, Clock, ContextCache, ContextStrategy, IssueRecord, Logger, Requirement, ResultPage, ResultQuery, ResultStore, Task
} from '../contracts/index.js'
import { apiError, codeOf, isApiError } from '../errors.js'
import type { ProfileSet } from '../profiles/profiles.js'
import type { Project, ProjectState } from '../project/project.js'
import type { ProjectWorker } from '../project/worker/client.js'
import { buildContext, type Span } from './build.js'
import { difference, render, type Rendered } from './rendered.js'
import { createSubjects, type Subject } from './subject.js'
import { createTurns } from './turns.js'

/** A query may be given again and again: what is the same of it each time is found out once. */
export interface ContextQuery {
  issueId: string
  agentType: string
  task?: string
  maxBytes: number
  maxTokens: number | null
  requirements: readonly string[]
  fresh: boolean
  explain: boolean
  /** ETag of an earlier answer: only files that differ from it are wanted. */
  since?: string
}

export interface ContextAnswer {
  etag: string
  /** The JSON answer, in pieces that follow each other; `undefined` when the caller has it already. */
  body: readonly Buffer[] | undefined
}

export interface ContextService {
  /** `ifNoneMatch` is the header of that name: nothing is sent again that it names. */
  get (project: Project, profiles: ProfileSet, query: ContextQuery, ifNoneMatch?: string): Promise<ContextAnswer>
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
  /** Built at once. One thread reads for all, so more would only make each of them slower, and the clocks of their strategies run out. */
  maxBuilds: number
  /** That may wait for it. */
  maxQueue: number
  clock: Clock
  log: Logger
}

const HOUR_MS = 3_600_000
/** As much of an issue may be held with each query about it. */
const SMALL_SUBJECT = 2048

/** What an answer was made from, and its tag. */
interface Standing {
  fingerprint: string
  profile: string
  subject: string
  hour: number
  validator: string
  etag: string
}

/** What is the same of a query each time it is made, and what was found last of the rest. */
interface Asked {
  profile: AgentProfile
  key: CacheKey
  /** Where it is small: queries are many. */
  subject: Subject | undefined
  standing: Standing | undefined
}

export function createContextService (options: ContextOptions): ContextService {
  const { cache, store, strategies, clock } = options
  const building = new Map<string, Promise<Rendered>>()
  const turns = createTurns(options.maxBuilds, options.maxQueue)
  const subjects = createSubjects(store)
  const asked = new WeakMap<ContextQuery, Asked>()
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

  const askedOf = (project: string, profile: AgentProfile, query: ContextQuery): Asked => {
    const held = asked.get(query)
    if (held?.profile === profile && held.key.project === project) return held
    assertServed(query.requirements, served)
    const variant = shortened(JSON.stringify([query.task ?? '', query.maxBytes, maxTokensOf(query, profile), query.requirements, query.explain]))
    const found = { profile, key: { project, issue: query.issueId, agentType: query.agentType, variant }, subject: undefined, standing: undefined }
    asked.set(query, found)
    return found
  }

  /** The same as long as all that an answer is made from is the same. */
  const standingOf = ({ key, standing: held }: Asked, fingerprint: string, profile: string, subject: string): Standing => {
    // Which files changed in the last 24 hours is a matter of the time, too.
    const hour = Math.floor(clock() / HOUR_MS)
    if (held !== undefined && held.fingerprint === fingerprint && held.profile === profile && held.subject === subject && held.hour === hour) return held
    const validator = [fingerprint, profile, subject, hour, strategyNames].join()
    return { fingerprint, profile, subject, hour, validator, etag: etagOf(key, validator) }
  }

  /** Builds and caches. */
  const build = async (project: Project, state: ProjectState, profile: AgentProfile, { issue }: Subject, query: ContextQuery, key: CacheKey, validator: string): Promise<Rendered> => {
    const signal = AbortSignal.timeout(options.timeoutMs)
    // One for each strategy, and Node warns of more than ten.
    setMaxListeners(0, signal)
    const { parts, files, complete } = await buildContext({
      project: state,
      worker: options.worker,
      profile,
      issue,
      task: taskOf(query, issue),
      requirements: mergeRequirements(profile.context.requirements, query.requirements),
      strategies,
      maxBytes: query.maxBytes,
      maxTokens: maxTokensOf(query, profile),
      explain: query.explain,
      // Of this issue alone: an answer is valid as long as the results of its issue are the same.
      results: async (wanted: ResultQuery): Promise<ResultPage> => await store.list(project.id, { ...wanted, issue_id: query.issueId }),
      result: async (id) => await store.get(project.id, id),
      signal,
      log: options.log
    })
    const rendered = render(parts, files, clock())
    if (complete) {
      // The answer is right whether or not the cache takes it.
      await replace(key, { body: rendered.cached, validator, meta: { files: JSON.stringify(files) } })
        .catch((error: unknown) => options.log.warn({ err: error, project: project.id }, 'an answer could not be cached'))
    }
    return rendered
  }

  /** Shared by all who ask for the same at once. */
  const buildOnce = async (id: string, build: () => Promise<Rendered>): Promise<Rendered> => {
    const running = building.get(id) ?? turns.take(build).finally(() => building.delete(id))
    building.set(id, running)
    return await running
  }

  /** What differs from the answer that the caller says it has; the whole where that is not known any more. */
  const onlyChanged = async (body: Buffer, files: readonly Span[], since: string, key: CacheKey, etag: string): Promise<Buffer> => {
    if (since === etag) return difference(body, files, files, since)
    const earlier = await cache.get({ ...key, variant: variantOf(since) })
    return earlier === undefined ? body : difference(body, files, JSON.parse(earlier.body.toString()) as Span[], since)
  }

  return {
    async get (project, profiles, query, ifNoneMatch) {
      try {
        const profile = profiles.get(query.agentType)
        const asking = askedOf(project.id, profile, query)
        // One after the other: mostly neither takes longer than to wait for both at once does.
        const subject = await subjects.of(project.id, query.issueId, asking.subject)
        if (subject.bytes <= SMALL_SUBJECT) asking.subject = subject
        const state = await project.now()
        const { key } = asking
        const { etag, validator } = asking.standing = standingOf(asking, state.fingerprint, profiles.version(query.agentType), subject.version)
        if (!query.fresh) {
          if (ifNoneMatch !== undefined && matchesEtag(ifNoneMatch, etag)) {
            hits++
            return { etag, body: undefined }
          }
          const entry = await cache.get(key)
          if (entry?.validator === validator) {
            hits++
            return { etag, body: [query.since === undefined ? entry.body : await onlyChanged(entry.body, JSON.parse(entry.meta.files ?? '[]') as Span[], query.since, key, etag)] }
          }
        }
        misses++
        const { built, files } = await buildOnce(query.fresh ? `${etag} fresh` : etag, async () => await build(project, state, profile, subject, query, key, validator))
        return { etag, body: query.since === undefined ? built : [await onlyChanged(Buffer.concat(built), files, query.since, key, etag)] }
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

function taskOf ({ issueId, task }: ContextQuery, issue: IssueRecord | undefined): Task {
  return {
    issue_id: issueId,
    ...(issue === undefined ? {} : { title: issue.title }),
    ...describeTask(issue?.description, task),
    // Copies: the issue is kept for the next requests, and strategies are anybody's.
    labels: [...issue?.labels ?? []],
    files: [...issue?.files ?? []]
  }
}

function maxTokensOf ({ maxTokens }: ContextQuery, profile: AgentProfile): number | null {
  return maxTokens ?? profile.context.max_tokens ?? null
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

function etagOf (key: CacheKey, validator: string): string {
  return `"${digest([key, validator])}"`
}

/** What the files of an answer are kept under. */
function variantOf (etag: string): string {
  return `files of ${etag}`
}

function matchesEtag (header: string, etag: string): boolean {
  return header === etag || header.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag || tag.trim() === '*')
}

// A hash is for what would be long: it costs more than all else that an unchanged answer takes.
function shortened (text: string): string {
  return text.length <= 200 ? text : digest(text)
}

function digest (value: unknown): string {
  return hash('sha256', JSON.stringify(value), 'base64url').slice(0, 32)
}
