import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from '../../contracts/index.js'
import { DIRECTORY_MODE, writeFileDurably } from '../../durable-file.js'
import { codeOf, messageOf } from '../../errors.js'

/** A working tree of an agent's own. */
export interface Place {
  agent_id: string
  agent_type: string
  project_id: string
  kind: 'worktree' | 'clone'
  /** Top of the working tree. */
  folder: string
  /** Where the project lies in it: empty, or ends in `/`. */
  prefix: string
  project_root: string
  branch: string
  /** Commit that it was made from. */
  base: string
  /** What the agent does not find there though the project has it, in words. */
  notes: string[]
  /** Whether it was made whole. Before that no agent is started in it, so that nobody's work can be there. */
  ready: boolean
  /** RFC 3339, UTC. */
  created_at: string
}

/** The places of agents under the storage: `<project>/<agent_id>`, and beside it the file that says what it is. */
export class Places {
  readonly #directory: string

  constructor (directory: string) {
    this.#directory = directory
  }

  folderOf (project: string, agentId: string): string {
    return join(this.#directory, project, agentId)
  }

  async save (place: Place): Promise<void> {
    await mkdir(join(this.#directory, place.project_id), { recursive: true, mode: DIRECTORY_MODE })
    await writeFileDurably(this.#fileOf(place), `${JSON.stringify(place, null, 2)}\n`)
  }

  async forget (place: Place): Promise<void> {
    await rm(this.#fileOf(place), { force: true })
  }

  async find (project: string, agentId: string): Promise<Place | undefined> {
    return await readPlace(`${this.folderOf(project, agentId)}.json`)
  }

  /** Of one project, or of all; oldest first. One that cannot be read is told, and stays. */
  async list (project: string | undefined, log: Logger): Promise<Place[]> {
    const projects = project === undefined ? await namesIn(this.#directory) : [project]
    const files = (await Promise.all(projects.map(async (name) => (await namesIn(join(this.#directory, name))).filter((file) => file.endsWith('.json') && !file.startsWith('.')).map((file) => join(this.#directory, name, file))))).flat()
    const places = await Promise.all(files.map(async (file) => await readPlace(file).catch((error: unknown) => {
      log.warn({ file, reason: messageOf(error) }, 'what is known of a workspace cannot be read')
      return undefined
    })))
    return places.filter((place) => place !== undefined).sort((a, b) => (a.created_at < b.created_at ? -1 : 1))
  }

  #fileOf ({ project_id: project, agent_id: agentId }: Place): string {
    return `${this.folderOf(project, agentId)}.json`
  }
}

async function readPlace (file: string): Promise<Place | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Place
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

async function namesIn (folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return []
    throw error
  }
}
