import type { EventDraft, LiveEvent, SidecarEvent } from '../contracts/event-bus.js'
import { textsAt, type Equality } from './filter.js'
import type { Subscription } from './subscription.js'

export interface Listener {
  /** Told to the publishers of what it is called for; empty when nobody in particular listens. */
  agentType: string
  subscription: Subscription
  /** Called for each matching event of the project; must not throw. */
  wake (live: LiveEvent): void
}

/** Listeners that ask the same; the subscription is asked once for all of them. */
interface Alike {
  subscription: Subscription
  listeners: Set<Listener>
}

type ByKey = Map<string, Alike>

/** Those of one type and topic. */
interface Cell {
  /** Whose filter has no clause to find them by. */
  others: ByKey
  fields: Map<string, { path: Equality['path'], byText: Map<string, ByKey> }>
}

const ANY = '*'
const NOBODY: ReadonlySet<Listener> = new Set()

/**
 * Who listens for what, by type, topic and one equality of the filter: an event finds its listeners without asking all.
 * What that leaves over is asked by its whole subscription.
 */
export class ListenerIndex {
  /** By type, then by topic. */
  readonly #cells = new Map<string, Map<string, Cell>>()

  add (listener: Listener): void {
    const { types, topic, filter, key } = listener.subscription
    for (const type of types ?? [ANY]) {
      const topics = getOrSet(this.#cells, type, () => new Map<string, Cell>())
      const cell = getOrSet(topics, topic ?? ANY, () => ({ others: new Map(), fields: new Map() }))
      for (const place of placesIn(cell, filter?.equality)) {
        getOrSet(place, key, () => ({ subscription: listener.subscription, listeners: new Set() })).listeners.add(listener)
      }
    }
  }

  delete (listener: Listener): void {
    const { types, topic = ANY, filter, key } = listener.subscription
    const equality = filter?.equality
    for (const type of types ?? [ANY]) {
      const topics = this.#cells.get(type)
      const cell = topics?.get(topic)
      if (topics === undefined || cell === undefined) continue
      for (const place of placesIn(cell, equality)) {
        const alike = place.get(key)
        alike?.listeners.delete(listener)
        if (alike?.listeners.size === 0) place.delete(key)
      }
      // Nothing that is empty is kept: fields and texts are the clients' own.
      if (equality !== undefined) {
        const field = cell.fields.get(equality.field)!
        for (const text of equality.values) if (field.byText.get(text)?.size === 0) field.byText.delete(text)
        if (field.byText.size === 0) cell.fields.delete(equality.field)
      }
      if (cell.others.size === 0 && cell.fields.size === 0) topics.delete(topic)
      if (topics.size === 0) this.#cells.delete(type)
    }
  }

  matching (event: SidecarEvent | EventDraft): ReadonlySet<Listener> {
    if (!this.#cells.has(event.event_type) && !this.#cells.has(ANY)) return NOBODY
    const found = new Set<Listener>()
    for (const type of [event.event_type, ANY]) {
      const topics = this.#cells.get(type)
      if (topics === undefined) continue
      for (const topic of [event.topic, ANY]) {
        const cell = topics.get(topic)
        if (cell === undefined) continue
        collect(cell.others, event, found)
        for (const { path, byText } of cell.fields.values()) {
          for (const text of textsAt(event, path)) {
            const place = byText.get(text)
            if (place !== undefined) collect(place, event, found)
          }
        }
      }
    }
    return found
  }
}

/** Where in a cell the listeners of a filter are. */
function placesIn (cell: Cell, equality: Equality | undefined): ByKey[] {
  if (equality === undefined) return [cell.others]
  const { byText } = getOrSet(cell.fields, equality.field, () => ({ path: equality.path, byText: new Map<string, ByKey>() }))
  return equality.values.map((text) => getOrSet(byText, text, () => new Map<string, Alike>()))
}

function collect (place: ByKey, event: SidecarEvent | EventDraft, found: Set<Listener>): void {
  for (const { subscription, listeners } of place.values()) {
    if (!subscription.matches(event)) continue
    for (const listener of listeners) found.add(listener)
  }
}

function getOrSet<Key, Value> (map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const known = map.get(key)
  if (known !== undefined) return known
  const made = make()
  map.set(key, made)
  return made
}
