import { createHash } from 'node:crypto'
import type { Logger } from '../../contracts/index.js'
import { messageOf } from '../../errors.js'
import type { Git } from './git.js'
import { fetchClone, tryMerge } from './merge.js'
import type { Place } from './place.js'
import { changesBetween, readWorkingTree } from './working-tree.js'

/** Beyond it a round looks at the newest ones only: pairs grow with the square. */
const MAX_PLACES = 32
const MAX_FILES = 200
/** How many collisions are remembered as told. */
const MAX_TOLD = 10_000

/** Two agents whose work does not go together. */
export interface Collision {
  places: readonly [Place, Place]
  /** Sorted. */
  files: string[]
  /** The same for the same pair and files. */
  key: string
}

export interface RadarOptions {
  git: Git
  log: Logger
  everyMs: number
  /** Places of agents at work. */
  live (): Promise<Place[]>
  tell (collision: Collision): Promise<void>
}

interface Sight {
  place: Place
  top: string
  head: string
  /** Files that its commits and its uncommitted changes touch, since its base. */
  committed: ReadonlySet<string>
  uncommitted: ReadonlySet<string>
}

/** Looks from time to time whether the live working trees of a project would collide, and tells each collision once. One round at a time, and git's work is off the event loop. */
export class ConflictRadar {
  readonly #options: RadarOptions
  readonly #told = new Set<string>()
  /** What a pair was found to be, as long as neither changes. */
  readonly #merged = new Map<string, string[]>()
  #timer: NodeJS.Timeout | undefined
  #round: Promise<void> | undefined

  constructor (options: RadarOptions) {
    this.#options = options
  }

  open (): void {
    this.#timer = setInterval(() => {
      this.#round ??= this.look().catch((error: unknown) => {
        this.#options.log.warn({ reason: messageOf(error) }, 'workspaces could not be compared')
      }).finally(() => { this.#round = undefined })
    }, this.#options.everyMs).unref()
  }

  async close (): Promise<void> {
    clearInterval(this.#timer)
    await this.#round
  }

  /** One round. */
  async look (): Promise<void> {
    const byProject = new Map<string, Place[]>()
    for (const place of await this.#options.live()) byProject.set(place.project_id, [...byProject.get(place.project_id) ?? [], place])
    for (const places of byProject.values()) if (places.length > 1) await this.#compare(places.slice(-MAX_PLACES))
  }

  async #compare (places: readonly Place[]): Promise<void> {
    const sights: Sight[] = []
    for (const place of places) {
      const sight = await this.#see(place)
      if (sight !== undefined) sights.push(sight)
    }
    const current = new Set<string>()
    for (const [index, one] of sights.entries()) {
      for (const other of sights.slice(index + 1)) {
        const files = await this.#collide(one, other, current)
        if (files.length > 0) await this.#tell([one.place, other.place], files)
      }
    }
    for (const pair of this.#merged.keys()) if (!current.has(pair)) this.#merged.delete(pair)
  }

  /** `undefined` for one that git cannot say anything of, as when it is just being removed. */
  async #see (place: Place): Promise<Sight | undefined> {
    const { git, log } = this.#options
    try {
      const { top, head, uncommitted } = await readWorkingTree(git, place.folder)
      const { top: project } = await readWorkingTree(git, place.project_root)
      if (head === null) return undefined
      if (place.kind === 'clone' && head !== place.base) await fetchClone(git, project, place)
      const committed = await changesBetween(git, top, place.base, head)
      return { place, top: project, head, committed: new Set(committed.map(({ path }) => path)), uncommitted: new Set(uncommitted.map(({ path }) => path)) }
    } catch (error) {
      log.debug({ agent: place.agent_id, reason: messageOf(error) }, 'a workspace could not be looked at')
      return undefined
    }
  }

  /** Files that would be in conflict if both were merged, and files that one changes uncommitted and the other changes, too. */
  async #collide (one: Sight, other: Sight, current: Set<string>): Promise<string[]> {
    const files = new Set<string>()
    for (const path of one.uncommitted) if (other.uncommitted.has(path) || other.committed.has(path)) files.add(path)
    for (const path of other.uncommitted) if (one.committed.has(path)) files.add(path)
    if (one.committed.size > 0 && other.committed.size > 0) {
      const pair = `${one.head} ${other.head}`
      current.add(pair)
      const conflicts = this.#merged.get(pair) ?? (await tryMerge(this.#options.git, one.top, one.head, other.head)).slice(1)
      this.#merged.set(pair, conflicts)
      for (const path of conflicts) files.add(path)
    }
    return [...files].sort().slice(0, MAX_FILES)
  }

  async #tell (places: readonly [Place, Place], files: string[]): Promise<void> {
    const key = createHash('sha256').update(JSON.stringify([...places.map(({ agent_id: id }) => id).sort(), files])).digest('hex')
    if (this.#told.has(key)) return
    await this.#options.tell({ places, files, key })
    this.#told.add(key)
    if (this.#told.size > MAX_TOLD) this.#told.delete(this.#told.values().next().value!)
  }
}
