import type { EventBus, EventDraft, LiveEvent, Position } from '../contracts/event-bus.js'
import { ListenerIndex, type Listener } from './listener-index.js'

export type { Listener } from './listener-index.js'

/** What has been heard of a project. */
export interface Heard {
  /** Behind the last event that was heard; `undefined` before the first. */
  head: Position | undefined
  /** How often an event was heard of which it is not known that it followed the last one right away. */
  breaks: number
}

interface Project {
  index: ListenerIndex
  heard: Heard
  /** The subscription on the bus; taken with the first listener and kept. */
  subscribed: Promise<() => void>
}

/** Who waits for what, by project: one subscription on the bus for all of them. */
export class Hub {
  readonly #bus: EventBus
  readonly #projects = new Map<string, Project>()
  #count = 0

  constructor (bus: EventBus) {
    this.#bus = bus
  }

  get count (): number {
    return this.#count
  }

  /** Resolves when the listener is sure to hear everything that is appended from now on. */
  async add (name: string, listener: Listener): Promise<() => void> {
    const project = this.#projectOf(name)
    project.index.add(listener)
    this.#count++
    let present = true
    const remove = (): void => {
      if (!present) return
      present = false
      this.#count--
      project.index.delete(listener)
    }
    try {
      await project.subscribed
    } catch (error) {
      remove()
      this.#projects.delete(name)
      throw error
    }
    return remove
  }

  /** The same object as long as the hub is open; it is kept up to date. For a project that somebody has listened to. */
  heardOf (name: string): Readonly<Heard> {
    return this.#projectOf(name).heard
  }

  /** Agent types of the listeners that an event reaches. */
  reached (name: string, event: EventDraft): string[] {
    const listeners = this.#projects.get(name)?.index.matching(event)
    if (listeners === undefined || listeners.size === 0) return []
    const types = new Set<string>()
    for (const { agentType } of listeners) if (agentType !== '') types.add(agentType)
    return [...types]
  }

  async close (): Promise<void> {
    for (const { subscribed } of this.#projects.values()) (await subscribed)()
    this.#projects.clear()
  }

  #projectOf (name: string): Project {
    const known = this.#projects.get(name)
    if (known !== undefined) return known
    const index = new ListenerIndex()
    const heard: Heard = { head: undefined, breaks: 0 }
    const hear = (live: LiveEvent): void => {
      if (live.after === undefined || live.after !== heard.head) heard.breaks++
      heard.head = live.position
      for (const listener of index.matching(live.event)) listener.wake(live)
    }
    const created = { index, heard, subscribed: this.#bus.subscribe(name, hear) }
    this.#projects.set(name, created)
    return created
  }
}
