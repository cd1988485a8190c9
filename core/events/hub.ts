import type { EventBus, EventDraft, SidecarEvent } from '../contracts/event-bus.js'
import type { Subscription } from './subscription.js'

export interface Listener {
  agentType: string
  subscription: Subscription
  /** Called for each matching event of the project; must not throw. */
  wake (event: SidecarEvent): void
}

const ANY = '*'

interface ProjectListeners {
  byType: Map<string, Set<Listener>>
  /** The subscription on the bus; taken with the first listener and kept. */
  subscribed: Promise<() => void>
}

/** Who waits for what, by project and type, so that an event finds its listeners without asking all. */
export class Hub {
  readonly #bus: EventBus
  readonly #projects = new Map<string, ProjectListeners>()
  #count = 0

  constructor (bus: EventBus) {
    this.#bus = bus
  }

  get count (): number {
    return this.#count
  }

  /** Resolves when the listener is sure to hear everything that is appended from now on. */
  async add (project: string, listener: Listener): Promise<() => void> {
    const listeners = this.#listenersOf(project)
    const types = [...listener.subscription.types ?? [ANY]]
    for (const type of types) {
      const set = listeners.byType.get(type) ?? new Set()
      listeners.byType.set(type, set.add(listener))
    }
    this.#count++
    let present = true
    const remove = (): void => {
      if (!present) return
      present = false
      this.#count--
      for (const type of types) {
        const set = listeners.byType.get(type)
        set?.delete(listener)
        if (set?.size === 0) listeners.byType.delete(type)
      }
    }
    try {
      await listeners.subscribed
    } catch (error) {
      remove()
      this.#projects.delete(project)
      throw error
    }
    return remove
  }

  /** Agent types of the listeners that an event reaches. */
  reached (project: string, event: EventDraft): string[] {
    return [...new Set(this.#matching(project, event).map((listener) => listener.agentType))]
  }

  async close (): Promise<void> {
    for (const { subscribed } of this.#projects.values()) (await subscribed)()
    this.#projects.clear()
  }

  #listenersOf (project: string): ProjectListeners {
    const known = this.#projects.get(project)
    if (known !== undefined) return known
    const created: ProjectListeners = {
      byType: new Map(),
      subscribed: this.#bus.subscribe(project, ({ event }) => {
        for (const listener of this.#matching(project, event)) listener.wake(event)
      })
    }
    this.#projects.set(project, created)
    return created
  }

  #matching (project: string, event: SidecarEvent | EventDraft): Listener[] {
    const byType = this.#projects.get(project)?.byType
    if (byType === undefined) return []
    return [event.event_type, ANY]
      .flatMap((type) => [...byType.get(type) ?? []])
      .filter((listener) => listener.subscription.matches(event as SidecarEvent))
  }
}
