import type { Clock, DeadLetter, EventBus, PlacedEvent, Position } from '../../../../core/contracts/index.js'
import { apiError } from '../../../../core/errors.js'
import { ConsumerGroups, groupCalls, type GroupCalls, type GroupChange } from '../../../../core/events/consumer-groups.js'
import { createIds } from '../../../../core/ids.js'

interface Stream {
  events: PlacedEvent[]
  /** The event of each idempotency key. */
  keys: Map<string, string>
  /** Sequence number of the last event, and how many were taken from the front. */
  last: number
  taken: number
  lastId: string | undefined
  readers: Map<string, Position>
  dead: DeadLetter[]
  groups: GroupChange[]
}

export type BusStorage = Map<string, Stream>

export function streamOf (storage: BusStorage, project: string): Stream {
  const stream = storage.get(project) ?? { events: [], keys: new Map(), last: 0, taken: 0, lastId: undefined, readers: new Map(), dead: [], groups: [] }
  storage.set(project, stream)
  return stream
}

/** A correct event bus whose storage outlives it. */
export function createFakeBus (clock: Clock, storage: BusStorage = new Map(), retained = Infinity): EventBus {
  const listeners = new Map<symbol, { project: string, listener: (placed: PlacedEvent) => void }>()
  let published = 0
  const place = (project: string, number: number): Position => `${project}@${number}`
  const numberOf = (project: string, position: Position): number => {
    const number = Number(position.slice(project.length + 1))
    if (position !== place(project, number) || !Number.isInteger(number) || number < 0 || number > streamOf(storage, project).last) {
      throw apiError('VAL_001', 'This is no position of the project.')
    }
    return number
  }
  const bus: Omit<EventBus, keyof GroupCalls> = {
    supports: { durable: true },
    async append (project, { idempotency_key: key, ...draft }) {
      const stream = streamOf(storage, project)
      const known = [draft.event_id, stream.keys.get(key ?? '')].map((id) => stream.events.find(({ event }) => event.event_id === id)).find((placed) => placed !== undefined)
      if (known !== undefined) return { ...structuredClone(known), duplicate: true }
      const id = draft.event_id ?? createIds('evt_', clock, stream.lastId)()
      const event = { ...structuredClone(draft), event_id: id, timestamp: new Date(clock()).toISOString() }
      const placed = { event, position: place(project, ++stream.last) }
      stream.lastId = id
      stream.events.push(placed)
      if (key !== undefined) stream.keys.set(key, id)
      published += 1
      if (stream.events.length > retained) {
        stream.events.shift()
        stream.taken += 1
      }
      for (const each of listeners.values()) {
        if (each.project !== project) continue
        try {
          each.listener(structuredClone(placed))
        } catch {}
      }
      return { ...structuredClone(placed), duplicate: false }
    },
    async read (project, { after, limit }) {
      const stream = streamOf(storage, project)
      const start = numberOf(project, after)
      const behind = stream.events.slice(Math.max(0, start - stream.taken)).filter(({ event }) => Date.parse(event.timestamp) + event.ttl_seconds * 1000 > clock())
      const items = structuredClone(behind.slice(0, limit))
      const end = behind.length <= limit
      return { items, end, next: end ? place(project, stream.last) : items.at(-1)!.position, missed: Math.max(0, stream.taken - start) }
    },
    async locate (project, anchor) {
      const { events, keys, taken, last } = streamOf(storage, project)
      if (anchor.at === 'earliest') return place(project, taken)
      if (anchor.at === 'latest') return place(project, last)
      if (anchor.at === 'time') {
        const index = events.findIndex(({ event }) => Date.parse(event.timestamp) >= anchor.time)
        return place(project, index < 0 ? last : taken + index)
      }
      const id = anchor.at === 'event' ? anchor.event_id : keys.get(anchor.idempotency_key)
      const index = events.findIndex(({ event }) => event.event_id === id)
      return index < 0 ? undefined : place(project, taken + index)
    },
    async subscribe (project, listener) {
      const key = Symbol('subscription')
      listeners.set(key, { project, listener })
      return () => { listeners.delete(key) }
    },
    loadPosition: async (project, reader) => streamOf(storage, project).readers.get(reader),
    async savePosition (project, reader, position) { streamOf(storage, project).readers.set(reader, position) },
    async addDeadLetter (project, letter) {
      const stream = streamOf(storage, project)
      stream.dead = stream.dead.filter(({ event, target }) => event.event_id !== letter.event.event_id || target !== letter.target)
      stream.dead.push(structuredClone(letter))
    },
    listDeadLetters: async (project) => structuredClone(streamOf(storage, project).dead),
    async removeDeadLetter (project, eventId, target) {
      const stream = streamOf(storage, project)
      const before = stream.dead.length
      stream.dead = stream.dead.filter((letter) => letter.event.event_id !== eventId || letter.target !== target)
      return stream.dead.length < before
    },
    async stats (project) {
      const streams = project === undefined ? [...storage.values()] : [streamOf(storage, project)]
      return {
        retained: streams.reduce((sum, { events }) => sum + events.length, 0),
        published,
        dead_letters: streams.reduce((sum, { dead }) => sum + dead.length, 0),
        bytes: JSON.stringify(streams.map(({ events }) => events)).length
      }
    }
  }
  const groups = new ConsumerGroups({
    bus,
    clock,
    async commit (change) {
      streamOf(storage, change.project_id).groups.push(structuredClone(change))
      groups.apply(change)
    }
  })
  for (const stream of storage.values()) for (const change of stream.groups) groups.apply(structuredClone(change))
  return { ...bus, ...groupCalls(groups) }
}
