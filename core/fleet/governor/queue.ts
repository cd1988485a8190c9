import type { Priority } from '../../contracts/event-bus.js'

interface Queued {
  agent_id: string
  priority: Priority
}

const RANK: Record<Priority, number> = { high: 0, normal: 1, low: 2 }

/** Agents that wait for a place: by priority, and in order of arrival within it. */
export class SpawnQueue<Item extends Queued> {
  readonly #items: Item[] = []

  get length (): number {
    return this.#items.length
  }

  /** Gives the position, from 1. */
  add (item: Item): number {
    const behind = this.#items.findIndex((other) => RANK[other.priority] > RANK[item.priority])
    const index = behind < 0 ? this.#items.length : behind
    this.#items.splice(index, 0, item)
    return index + 1
  }

  /** Takes the first that may start. */
  take (mayStart: (item: Item) => boolean): Item | undefined {
    const index = this.#items.findIndex(mayStart)
    return index < 0 ? undefined : this.#items.splice(index, 1)[0]
  }

  /** From 1; `undefined` for one that does not wait. */
  positionOf (agentId: string): number | undefined {
    const index = this.#items.findIndex((item) => item.agent_id === agentId)
    return index < 0 ? undefined : index + 1
  }

  remove (agentId: string): boolean {
    const index = this.#items.findIndex((item) => item.agent_id === agentId)
    if (index >= 0) this.#items.splice(index, 1)
    return index >= 0
  }
}
