import { pascalCase, suiteTest, type Template } from './template.js'

export const eventBus: Template = {
  about: 'carries events between agents, in order, and remembers who has read what',
  plugin: (name) => `import { apiError, ConsumerGroups, createIds, definePlugin, groupCalls, Type } from 'cco-sidecar/plugin-api'

/** Events in memory, one numbered stream for each project. Put a log or a broker behind it to make it durable, and say so in 'supports'. */
export function create${pascalCase(name)} ({ retained, clock, log }) {
  const streams = new Map()
  let published = 0

  function streamOf (project) {
    if (!streams.has(project)) {
      // 'dropped' events were taken by retention; event number n (from 1) is events[n - dropped - 1].
      streams.set(project, { events: [], dropped: 0, keys: new Map(), nextId: createIds('evt_', clock), listeners: new Set(), positions: new Map(), dead: new Map() })
    }
    return streams.get(project)
  }

  // Project names hold no colon. The number is that of the last event before the position.
  const positionOf = (project, number) => project + ':' + number

  function numberOf (project, position) {
    const { events, dropped } = streamOf(project)
    const number = Number(position.slice(project.length + 1))
    if (!/:(0|[1-9]\\d{0,14})$/.test(position) || position !== positionOf(project, number) || number > dropped + events.length) {
      throw apiError('VAL_001', 'The position is not one of this bus and project; begin at earliest or latest.')
    }
    return number
  }

  // One listener that throws harms neither the others nor who appended.
  function tell (listener, item) {
    try {
      listener(item)
    } catch (error) {
      log.error({ err: error }, 'a listener failed')
    }
  }

  const placed = (project, number) => ({ event: streamOf(project).events[number - streamOf(project).dropped - 1], position: positionOf(project, number) })

  // The event that a draft repeats, by its id or by the key of its publisher; keys of events that are gone are forgotten.
  function knownNumber (stream, { event_id: id, idempotency_key: key }) {
    const index = id === undefined ? -1 : stream.events.findIndex((event) => event.event_id === id)
    return index >= 0 ? stream.dropped + index + 1 : stream.keys.get(key)
  }

  const letterKey = (eventId, target) => JSON.stringify([eventId, target])

  const bus = {
    supports: { durable: false },
    async append (project, draft) {
      const stream = streamOf(project)
      const known = knownNumber(stream, draft)
      if (known !== undefined) return { ...placed(project, known), duplicate: true }
      const { idempotency_key: key, ...shown } = draft
      const event = structuredClone({ ...shown, event_id: draft.event_id ?? stream.nextId(), timestamp: new Date(clock()).toISOString() })
      // Later ids go on behind one that was given.
      if (draft.event_id !== undefined) stream.nextId = createIds('evt_', clock, event.event_id)
      stream.events.push(event)
      published++
      const number = stream.dropped + stream.events.length
      const item = placed(project, number)
      if (key !== undefined) stream.keys.set(key, number)
      if (stream.events.length > retained) stream.dropped += stream.events.splice(0, stream.events.length - retained).length
      // Keys lie in the order of their events.
      for (const [oldest, place] of stream.keys) {
        if (place > stream.dropped) break
        stream.keys.delete(oldest)
      }
      for (const listener of stream.listeners) queueMicrotask(() => tell(listener, item))
      return { ...item, duplicate: false }
    },
    async read (project, { after, limit }) {
      const { events, dropped } = streamOf(project)
      const from = numberOf(project, after)
      const last = dropped + events.length
      const items = []
      let number = Math.max(from, dropped)
      while (number < last && items.length < limit) {
        const item = placed(project, ++number)
        if (Date.parse(item.event.timestamp) + item.event.ttl_seconds * 1000 > clock()) items.push(item)
      }
      return { items, next: positionOf(project, number), end: number === last, missed: Math.max(0, dropped - from) }
    },
    async locate (project, anchor) {
      const { events, dropped } = streamOf(project)
      if (anchor.at === 'earliest') return positionOf(project, dropped)
      if (anchor.at === 'latest') return positionOf(project, dropped + events.length)
      if (anchor.at === 'time') {
        const index = events.findIndex((event) => Date.parse(event.timestamp) >= anchor.time)
        return positionOf(project, dropped + (index < 0 ? events.length : index))
      }
      const number = knownNumber(streamOf(project), anchor)
      return number === undefined ? undefined : positionOf(project, number - 1)
    },
    async subscribe (project, listener) {
      const own = (item) => listener(item)
      streamOf(project).listeners.add(own)
      return () => { streamOf(project).listeners.delete(own) }
    },
    async loadPosition (project, reader) {
      return streamOf(project).positions.get(reader)
    },
    async savePosition (project, reader, position) {
      streamOf(project).positions.set(reader, position)
    },
    async addDeadLetter (project, letter) {
      streamOf(project).dead.set(letterKey(letter.event.event_id, letter.target), structuredClone(letter))
    },
    async listDeadLetters (project) {
      return structuredClone([...streamOf(project).dead.values()])
    },
    async removeDeadLetter (project, eventId, target) {
      return streamOf(project).dead.delete(letterKey(eventId, target))
    },
    async stats (project) {
      const counted = project === undefined ? [...streams.values()] : [streamOf(project)]
      const sum = (count) => counted.reduce((total, stream) => total + count(stream), 0)
      return {
        retained: sum(({ events }) => events.length),
        published,
        dead_letters: sum(({ dead }) => dead.size),
        bytes: sum(({ events }) => Buffer.byteLength(JSON.stringify(events)))
      }
    }
  }
  // Groups made of read() and locate(), for a bus that serves one process. A broker has its own.
  return { ...bus, ...groupCalls(new ConsumerGroups({ bus, clock })) }
}

export default definePlugin({
  kind: 'event-bus',
  name: '${name}',
  description: 'Keeps events in memory',
  options: Type.Object({
    retained: Type.Integer({ minimum: 1, default: 10_000, description: 'Events of each project that are kept.' })
  }, { additionalProperties: false }),
  create: (options, { clock, log }) => create${pascalCase(name)}({ ...options, clock, log })
})
`,
  test: (name) => suiteTest({
    name,
    suite: 'eventBusContract',
    more: `  // A bus that soon forgets, for the tests of retention.
  createSmall: async (suite) => ({ ...await create(suite, { retained: 20 }), retained: 20 })`
  })
}
