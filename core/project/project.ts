import { lstatSync, type Stats } from 'node:fs'
import { join } from 'node:path'
import { LRUCache } from 'lru-cache'
import type { Logger } from '../contracts/common.js'
import type { Commit, ProjectFile, ProjectView, UncommittedChange } from '../contracts/context-strategy.js'
import { codeOf } from '../errors.js'
import { readMetadata, USUAL_REPORTS, type ProjectMetadata } from './metadata.js'
import { createObserver, type ObserverOptions, type Seen } from './observer.js'
import { hasFilesIn } from './sorted-files.js'
import { packCandidates, type SelectCandidate } from './worker/candidates.js'
import type { Found } from './worker/context-operations.js'
import type { GitFacts } from './worker/git-facts.js'
import type { Preparation } from './worker/prepare.js'
import type { SelectRequest, Selection } from './worker/select.js'
import { unpackStrings } from './worker/transfer.js'
import type { ProjectWorker } from './worker/client.js'

const PREPARED_BYTES = 128 * 1024 * 1024
/** Searches that are kept of one state: all agents that work on an issue ask the same. */
const MOST_SEARCHES = 8

/** A project as it was at one moment. Facts are read when they are asked for, and once. */
export interface ProjectState extends ProjectView {
  readonly fingerprint: string
  readonly secretFiles: readonly string[]
  readonly unreadableNames: number
  /** `undefined` without git. */
  git (): Promise<GitFacts | undefined>
  metadata (): Promise<ProjectMetadata>
  prepare (paths: readonly string[]): Promise<Preparation[]>
  /** Scores candidates for a task and fits the best of them into a budget. */
  select (request: Omit<SelectRequest, 'maxFileBytes' | 'candidates'> & { candidates: readonly SelectCandidate[] }): Promise<Selection>
  commits (limit: number): Promise<Commit[]>
  changes (): Promise<UncommittedChange[]>
}

/** One repository as seen by everybody. */
export interface Project {
  readonly id: string
  /** Real path. */
  readonly root: string
  /** The state of the disk at a moment not before the call. */
  now (): Promise<ProjectState>
  /** Reads for a moment what contexts need of all files; resolves to how many are left. */
  readAhead (): Promise<number>
}

export interface ProjectOptions {
  id: string
  root: string
  worker: ProjectWorker
  maxFileBytes: number
  log?: Logger
  /** How the disk is watched; for tests. */
  watch?: NonNullable<ObserverOptions['watch']>
}

export function createProject ({ id, root, worker, maxFileBytes, ...more }: ProjectOptions): Project & { close (): void } {
  const observer = createObserver({ root, worker, ...more })
  const prepared = new LRUCache<string, { listed: ProjectFile, file: Preparation }>({
    maxSize: PREPARED_BYTES,
    sizeCalculation: ({ file }) => ('content' in file ? file.content.length * 2 : 0) + 256
  })
  let latest: { seen: Seen, reports: Reports, state: ProjectState } | undefined
  let asked: { look: Promise<Seen>, state: Promise<ProjectState> } | undefined
  let possible: { looks: number, paths: string[] } | undefined

  const createState = (seen: Seen, reports: Reports): ProjectState => {
    const once = <T>(read: () => Promise<T>): (() => Promise<T>) => {
      let value: Promise<T> | undefined
      return async () => {
        value ??= read().catch((error: unknown) => {
          value = undefined
          throw error
        })
        return await value
      }
    }
    const commits = new Map<number, () => Promise<Commit[]>>()
    const git = once(async () => (seen.hasGit ? await worker.facts(root) : undefined))
    const prepare = async (paths: readonly string[]): Promise<Preparation[]> => {
      const known = new Map<string, Preparation>()
      const missing = new Map<string, ProjectFile>()
      for (const path of new Set(paths)) {
        const listed = observer.find(path)
        const held = prepared.get(path)
        if (listed === undefined) known.set(path, { path, refused: 'gone' })
        else if (held?.listed === listed) known.set(path, held.file)
        else missing.set(path, listed)
      }
      if (missing.size > 0) {
        for (const file of await worker.prepare(root, [...missing.keys()], maxFileBytes)) {
          known.set(file.path, file)
          // As it was listed before it was read: what is written from then on makes another of it.
          prepared.set(file.path, { listed: missing.get(file.path)!, file })
        }
      }
      return paths.map((path) => known.get(path)!)
    }
    const searches = new Map<string, Promise<Found>>()
    const search = async (title: string, description: string, limit: number): Promise<{ path: string, score: number }[]> => {
      const key = JSON.stringify([title, description, limit])
      const running = searches.get(key) ?? worker.search(root, title, description, limit, maxFileBytes)
      searches.set(key, running)
      if (searches.size > MOST_SEARCHES) searches.delete(searches.keys().next().value!)
      const forget = (): void => { if (searches.get(key) === running) searches.delete(key) }
      const { paths, scores, complete } = await running.catch((error: unknown) => {
        forget()
        throw error
      })
      // Whoever asks again may find more.
      if (!complete) forget()
      return [...unpackStrings(paths)].flat().map((path, index) => ({ path, score: scores[index]! }))
    }
    const state: ProjectState = {
      id,
      files: seen.files,
      fingerprint: `${seen.fingerprint} ${reports.stamp}`,
      secretFiles: seen.secret,
      unreadableNames: seen.unreadable,
      git,
      metadata: once(async () => await readMetadata(state, async (path) => {
        if (!reports.paths.has(path)) return undefined
        const [file] = await worker.prepare(root, [path], maxFileBytes)
        return file !== undefined && 'content' in file ? { path, text: file.content, modified: file.modified } : undefined
      })),
      prepare,
      select: async (request) => await worker.select(root, { ...request, candidates: packCandidates(request.candidates), maxFileBytes }),
      search,
      symbols: async (path) => await worker.symbols(root, path, maxFileBytes),
      async read (path) {
        const [file] = await prepare([path])
        return file !== undefined && 'content' in file ? file.content : undefined
      },
      async commits (limit) {
        if (!seen.hasGit) return []
        const bounded = Math.max(1, Math.min(200, Math.floor(limit)))
        const read = commits.get(bounded) ?? once(async () => await worker.commits(root, bounded))
        commits.set(bounded, read)
        return await read()
      },
      changes: async () => (await git())?.changes ?? []
    }
    return state
  }

  /** Whether a report may come to its place without a look beyond the watch: what is missing in a listed folder stays so until another look. */
  const mayCome = (path: string, files: Seen['files']): boolean => {
    for (let end = path.indexOf('/'); ; end = path.indexOf('/', end + 1)) {
      const above = end < 0 ? path : path.slice(0, end)
      if (factsOf(join(root, above)) === undefined) return false
      if (end < 0 || !hasFilesIn(files, above)) return true
    }
  }

  const lookForReports = ({ files }: Seen): Reports => {
    if (possible?.looks !== observer.looks) possible = { looks: observer.looks, paths: USUAL_REPORTS.filter((path) => mayCome(path, files)) }
    const present = possible.paths.flatMap((path): [string, Stats][] => {
      const facts = factsOf(join(root, path))
      return facts === undefined ? [] : [[path, facts]]
    })
    return { paths: new Set(present.map(([path]) => path)), stamp: present.map(([path, { mtimeMs, size }]) => `${path}:${mtimeMs}:${size}`).join() }
  }

  const stateOf = (seen: Seen): ProjectState => {
    const reports = lookForReports(seen)
    // The same fingerprint is the same disk: facts that were read for it still hold.
    if (latest?.seen !== seen || latest.reports.stamp !== reports.stamp) latest = { seen, reports, state: createState(seen, reports) }
    return latest.state
  }

  return {
    id,
    root,
    now () {
      const look = observer.look()
      // Who shares a look shares all that is found out after it.
      if (asked?.look !== look) asked = { look, state: look.then(stateOf) }
      return asked.state
    },
    async readAhead () {
      await observer.look()
      return await worker.index(root, maxFileBytes)
    },
    close: () => observer.close()
  }
}

/** Reports of tests and coverage, which are ignored by git and so in no listing. */
interface Reports {
  paths: ReadonlySet<string>
  /** Changes whenever one of them does. */
  stamp: string
}

function factsOf (path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false })
  } catch (error) {
    // A file stands where tools would have a folder.
    if (codeOf(error) === 'ENOTDIR') return undefined
    throw error
  }
}
