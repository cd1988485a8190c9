import { readFile, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { AgentProfile } from '../contracts/agent-profile.js'
import type { Logger } from '../contracts/common.js'
import type { ContextStrategy } from '../contracts/context-strategy.js'
import { writeFileDurably } from '../durable-file.js'
import { apiError, codeOf, messageOf, SidecarError, startError } from '../errors.js'
import { readProfiles } from '../profiles/load.js'
import { createProfileSet, type ProfileSet } from '../profiles/profiles.js'
import { createProject, type Project } from './project.js'
import type { ProjectWorker } from './worker/client.js'

export interface ProjectEntry {
  project_id: string
  root: string
}

export interface ServedProject {
  project: Project
  profiles: ProfileSet
}

/** A project that may be served, and what is to be done when it is. */
interface Admitted { served: ServedProject, begin (): Promise<void> }

export interface ProjectsOptions {
  storage: string
  profiles: readonly AgentProfile[]
  strategies: ReadonlyMap<string, ContextStrategy>
  worker: ProjectWorker
  maxFileBytes: number
  log: Logger
  isTrusted (root: string): Promise<boolean>
  /**
   * Reads what else a project brings; rejects where that is not valid, which keeps the project from being served. What it resolves to
   * is called when the project is served.
   */
  admit? (project: ServedProject, isTrusted: boolean): Promise<() => Promise<void>>
}

/** The repositories that this sidecar serves. Those that were added while it ran are kept in `projects.json`. */
export class Projects {
  readonly #options: ProjectsOptions
  readonly #served = new Map<string, ServedProject>()
  readonly #added = new Map<string, string>()
  #saving: Promise<void> = Promise.resolve()

  constructor (options: ProjectsOptions) {
    this.#options = options
  }

  /** Serves the projects of the configuration; a root that is no directory stops the start. */
  async configure (entries: readonly ProjectEntry[]): Promise<void> {
    for (const { project_id: id, root } of entries) {
      const other = this.#served.get(id)
      if (other !== undefined) throw startError('SIDECAR_ERR_PROJECT_INVALID', `Two projects have the id '${id}': ${other.project.root} and ${root}. Give one another project_id.`)
      await this.#take(id, await this.#serve(id, root))
    }
  }

  /** Takes up the projects that were added while an earlier run went on. */
  async restore (onGone: (entry: ProjectEntry, reason: string) => void): Promise<void> {
    let entries: ProjectEntry[]
    try {
      entries = JSON.parse(await readFile(this.#file, 'utf8')) as ProjectEntry[]
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return
      throw startError('SIDECAR_ERR_STORAGE_INVALID', `The list of projects ${this.#file} cannot be read: ${messageOf(error)}.`, { cause: error })
    }
    for (const entry of entries) {
      this.#added.set(entry.project_id, entry.root)
      if (this.#served.has(entry.project_id)) continue
      try {
        await this.#take(entry.project_id, await this.#serve(entry.project_id, entry.root))
      } catch (error) {
        onGone(entry, messageOf(error))
      }
    }
  }

  /** Adds a project while the server runs. Throws `VAL_001` for a root that is no directory and for an id that is taken. */
  async add (id: string, root: string): Promise<ServedProject> {
    const admitted = await this.#serve(id, root).catch((error: unknown) => {
      throw apiError('VAL_001', messageOf(error), { details: { issues: [{ path: 'root', message: 'must be an existing directory with valid agent profiles and triggers' }] } })
    })
    const { served } = admitted
    const known = this.#served.get(id)
    if (known !== undefined && known.project.root !== served.project.root) {
      throw apiError('VAL_001', `The project '${id}' is served from another directory already.`, { details: { issues: [{ path: 'project_id', message: 'is taken' }] } })
    }
    if (known !== undefined) return known
    await this.#take(id, admitted)
    this.#added.set(id, served.project.root)
    await this.#save()
    return served
  }

  find (id: string): ServedProject | undefined {
    return this.#served.get(id)
  }

  /** Throws `PRJ_001`. */
  get (id: string): ServedProject {
    const served = this.#served.get(id)
    if (served === undefined) throw apiError('PRJ_001', `There is no project '${id}'.`)
    return served
  }

  all (): ServedProject[] {
    return [...this.#served.values()]
  }

  get #file (): string {
    return join(this.#options.storage, 'projects.json')
  }

  async #take (id: string, { served, begin }: Admitted): Promise<void> {
    this.#served.set(id, served)
    await begin()
  }

  async #serve (id: string, root: string): Promise<Admitted> {
    const { profiles, strategies, worker, maxFileBytes, isTrusted, admit, log } = this.#options
    const real = await directoryOf(root)
    const own = await readProfiles(join(real, '.cco', 'agents'))
    const trusted = await isTrusted(real)
    const served: ServedProject = {
      project: createProject({ id, root: real, worker, maxFileBytes, log }),
      profiles: createProfileSet(profiles, own, trusted, strategies)
    }
    return { served, begin: await admit?.(served, trusted) ?? (async () => {}) }
  }

  async #save (): Promise<void> {
    const content = JSON.stringify([...this.#added].map(([id, root]) => ({ project_id: id, root })), null, 2)
    this.#saving = this.#saving.catch(() => {}).then(async () => await writeFileDurably(this.#file, `${content}\n`))
    try {
      await this.#saving
    } catch (error) {
      throw apiError('STR_001', `The project cannot be recorded: ${codeOf(error) ?? 'the storage refused it'}.`, { cause: error })
    }
  }
}

async function directoryOf (root: string): Promise<string> {
  try {
    const real = await realpath(root)
    if ((await stat(real)).isDirectory()) return real
  } catch (error) {
    throw new SidecarError('SIDECAR_ERR_PROJECT_INVALID', `The project ${root} is no directory that can be read (${codeOf(error) ?? messageOf(error)}).`, { cause: error })
  }
  throw startError('SIDECAR_ERR_PROJECT_INVALID', `The project ${root} is no directory.`)
}
