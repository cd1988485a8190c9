import { LRUCache } from 'lru-cache'
import type { Commit, ProjectFile, ProjectView, UncommittedChange } from '../contracts/context-strategy.js'
import { languageOf } from './languages.js'
import { readMetadata, type ProjectMetadata } from './metadata.js'
import type { GitFacts } from './worker/git-facts.js'
import type { Snapshot } from './worker/listing.js'
import type { PreparedFile, Preparation } from './worker/worker.js'
import type { ProjectWorker } from './worker/client.js'

const PREPARED_BYTES = 128 * 1024 * 1024

/** A project as it was at one moment. Facts are read when they are asked for, and once. */
export interface ProjectState extends ProjectView {
  readonly fingerprint: string
  readonly secretFiles: readonly string[]
  readonly unreadableNames: number
  /** `undefined` without git. */
  git (): Promise<GitFacts | undefined>
  metadata (): Promise<ProjectMetadata>
  prepare (paths: readonly string[]): Promise<Preparation[]>
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
}

export interface ProjectOptions {
  id: string
  root: string
  worker: ProjectWorker
  maxFileBytes: number
}

export function createProject ({ id, root, worker, maxFileBytes }: ProjectOptions): Project {
  const prepared = new LRUCache<string, { stamp: string, file: Preparation }>({
    maxSize: PREPARED_BYTES,
    sizeCalculation: ({ file }) => ('content' in file ? file.content.length * 2 : 0) + 256
  })
  let running: Promise<ProjectState> | undefined
  let waiting: Promise<ProjectState> | undefined
  let latest: ProjectState | undefined

  const take = async (): Promise<ProjectState> => {
    const snapshot = await worker.snapshot(root)
    // The same fingerprint is the same disk: facts that were read for it still hold.
    if (latest?.fingerprint !== snapshot.fingerprint) latest = createState(snapshot)
    return latest
  }

  const createState = (snapshot: Snapshot): ProjectState => {
    const files: ProjectFile[] = snapshot.files.map(({ path, size, modified }) => ({ path, size, modified, language: languageOf(path) }))
    const stamps = new Map(snapshot.files.map((file) => [file.path, file.stamp]))
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
    const git = once(async () => (snapshot.hasGit ? await worker.facts(root) : undefined))
    const prepare = async (paths: readonly string[]): Promise<Preparation[]> => {
      const known = new Map<string, Preparation>()
      const missing: string[] = []
      for (const path of new Set(paths)) {
        const stamp = stamps.get(path)
        const held = prepared.get(path)
        if (stamp === undefined) known.set(path, { path, refused: 'gone' })
        else if (held?.stamp === stamp) known.set(path, held.file)
        else missing.push(path)
      }
      if (missing.length > 0) {
        for (const file of await worker.prepare(root, missing, maxFileBytes)) {
          known.set(file.path, file)
          prepared.set(file.path, { stamp: stamps.get(file.path)!, file })
        }
      }
      return paths.map((path) => known.get(path)!)
    }
    const state: ProjectState = {
      id,
      files: Object.freeze(files),
      fingerprint: snapshot.fingerprint,
      secretFiles: snapshot.secret,
      unreadableNames: snapshot.unreadable,
      git,
      metadata: once(async () => await readMetadata(state)),
      prepare,
      async read (path) {
        const [file] = await prepare([path])
        return file !== undefined && 'content' in file ? file.content : undefined
      },
      async commits (limit) {
        if (!snapshot.hasGit) return []
        const bounded = Math.max(1, Math.min(200, Math.floor(limit)))
        const read = commits.get(bounded) ?? once(async () => await worker.commits(root, bounded))
        commits.set(bounded, read)
        return await read()
      },
      changes: async () => (await git())?.changes ?? []
    }
    return state
  }

  return {
    id,
    root,
    // A scan that is under way may have passed what has just changed, so a caller during it waits for the next one;
    // all who wait share that one.
    async now () {
      if (running === undefined) {
        running = take().finally(() => { running = undefined })
        return await running
      }
      waiting ??= running.then(() => {}, () => {}).then(async () => {
        waiting = undefined
        running = take().finally(() => { running = undefined })
        return await running
      })
      return await waiting
    }
  }
}

export type { PreparedFile, Preparation }
