import { randomBytes } from 'node:crypto'
import { createIds, definePlugin, Type, type Clock, type DeadLetter, type EventBus, type Logger } from '../../core/plugin-api.js'
import { completeEvent } from './event-draft.js'
import { EventStream } from './stream.js'
import { retentionOf, retentionOptions, type Retention } from './retention.js'
import { ReaderPositions } from './reader-positions.js'

const MAX_DEAD_LETTERS = 10_000

export interface MemoryBusOptions {
  retention: Retention
  clock: Clock
  log: Logger
}

/** Events in memory: ordered and bounded, and gone with the process. */
export function createMemoryBus ({ retention, clock, log }: MemoryBusOptions): EventBus {
  const generation = randomBytes(6).toString('hex')
  const streams = new Map<string, { stream: EventStream, nextId: () => string }>()
  const positions = new ReaderPositions()
  const deadLetters = new Map<string, Map<string, DeadLetter>>()
  let published = 0

  const streamOf = (project: string): { stream: EventStream, nextId: () => string } => {
    const known = streams.get(project) ?? { stream: new EventStream(generation, project, retention, clock), nextId: createIds('evt_', clock) }
    streams.set(project, known)
    return known
  }

  return {
    supports: { durable: false },
    async append (project, draft) {
      const { stream, nextId } = streamOf(project)
      const known = draft.event_id === undefined ? undefined : stream.find(draft.event_id)
      if (known !== undefined) return known
      const placed = stream.add(completeEvent(draft, nextId, clock))
      published++
      stream.announce(placed, (error) => log.error({ err: error }, 'an event listener failed'))
      return placed
    },
    read: async (project, { after, limit }) => streamOf(project).stream.read(after, limit),
    locate: async (project, anchor) => streamOf(project).stream.locate(anchor),
    subscribe: async (project, listener) => streamOf(project).stream.listen(listener),
    loadPosition: async (project, reader) => positions.load(project, reader),
    savePosition: async (project, reader, position) => { positions.save(project, reader, position) },
    async addDeadLetter (project, letter) {
      const letters = deadLetters.get(project) ?? new Map<string, DeadLetter>()
      deadLetters.set(project, letters)
      letters.set(letter.event.event_id, structuredClone(letter))
      if (letters.size > MAX_DEAD_LETTERS) letters.delete(letters.keys().next().value!)
    },
    listDeadLetters: async (project) => structuredClone([...deadLetters.get(project)?.values() ?? []]),
    removeDeadLetter: async (project, eventId) => deadLetters.get(project)?.delete(eventId) ?? false,
    async stats (project) {
      const chosen = project === undefined ? [...streams.keys()] : [project]
      return {
        retained: chosen.reduce((sum, name) => sum + (streams.get(name)?.stream.retained ?? 0), 0),
        published,
        dead_letters: (project === undefined ? [...deadLetters.keys()] : [project]).reduce((sum, name) => sum + (deadLetters.get(name)?.size ?? 0), 0),
        bytes: 0
      }
    }
  }
}

export default definePlugin({
  kind: 'event-bus',
  name: 'memory',
  description: 'Events in memory; gone with the process',
  options: Type.Object(retentionOptions, { additionalProperties: false }),
  create: (options, { clock, log }) => createMemoryBus({
    retention: retentionOf(options), clock, log
  })
})
