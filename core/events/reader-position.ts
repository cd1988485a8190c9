import type { EventBus, Position } from '../contracts/event-bus.js'

const PAGE = 500
/** How far is looked for a position before it is called unknown. */
const MAX_PAGES = 20

/**
 * Where readers are. Waits of one reader may overlap, and each was answered with all that lay between where it began and its end: then the
 * position that is further on counts. Where two processes on one bus save at the same moment the last one counts, and what lies between is given again.
 */
export class ReaderPositions {
  readonly #bus: EventBus
  /** Saves under way, one after the other for each reader. */
  readonly #saving = new Map<string, Promise<void>>()

  constructor (bus: EventBus) {
    this.#bus = bus
  }

  /** Moves a reader on to `end` that was at `start` when its wait began. */
  async move (project: string, reader: string, start: Position | undefined, end: Position): Promise<void> {
    const key = `${project}/${reader}`
    const before = this.#saving.get(key)
    const save = async (): Promise<void> => await this.#save(project, reader, start, end)
    // Whether the one before could be saved is no matter of this one.
    const saving = before === undefined ? save() : before.then(save, save)
    this.#saving.set(key, saving)
    try {
      await saving
    } finally {
      if (this.#saving.get(key) === saving) this.#saving.delete(key)
    }
  }

  async #save (project: string, reader: string, start: Position | undefined, end: Position): Promise<void> {
    const current = await this.#bus.loadPosition(project, reader)
    // Somebody else has moved it meanwhile. What cannot be told apart stays where it is: what is given again is not lost.
    if (current !== start && current !== undefined && !await this.#liesBehind(project, current, end)) return
    await this.#bus.savePosition(project, reader, end)
  }

  async #liesBehind (project: string, position: Position, other: Position): Promise<boolean> {
    let after = position
    for (let pages = 0; pages < MAX_PAGES; pages++) {
      const { items, next, end } = await this.#bus.read(project, { after, limit: PAGE })
      if (next === other || items.some((item) => item.position === other)) return true
      if (end) return false
      after = next
    }
    return false
  }
}
