import { randomBytes } from 'node:crypto'
import { ConsumerGroups, createIds, definePlugin, groupCalls, Type, type Clock, type EventBus, type GroupCalls, type Logger } from '../../core/plugin-api.js'
import { AgeClock } from './age-clock.js'
import { DeadLetters } from './dead-letters.js'
import { completeEvent } from './event-draft.js'
import { namesOf } from './part.js'
import { EventStream } from './stream.js'
import { retentionOf, retentionOptions, type Retention } from './retention.js'
import { ReaderPositions } from './reader-positions.js'

export interface MemoryBusOptions {
  retention: Retention
  clock: Clock
  log: Logger
  /** A clock in milliseconds that nobody can set: `performance.now` by default. */
  elapsed?: Clock
}

/** Events in memory: ordered and bounded, and gone with the process. */
export function createMemoryBus ({ retention, clock, log, elapsed }: MemoryBusOptions): EventBus {
  const generation = randomBytes(6).toString('hex')
  const ages = new AgeClock(clock, elapsed)
  const streams = new Map<string, { stream: EventStream, nextId: () => string }>()
  const positions = new ReaderPositions()
  const deadLetters = new DeadLetters(log)
  let published = 0

  const streamOf = (project: string): { stream: EventStream, nextId: () => string } => {
    const known = streams.get(project)
    if (known !== undefined) return known
    const created = { stream: new EventStream({ project, generation, retention, ages }), nextId: createIds('evt_', clock) }
    streams.set(project, created)
    return created
  }

  const bus: Omit<EventBus, keyof GroupCalls> = {
    supports: { durable: false },
    async append (project, draft) {
      const { stream, nextId } = streamOf(project)
      const known = stream.findOpen(namesOf(draft))
      if (known !== undefined) return { ...known, duplicate: true }
      const { event, text } = completeEvent(draft, nextId, clock)
      const placed = stream.add(event, { key: draft.idempotency_key, bytes: text.length })
      published++
      stream.announce(placed, (error) => log.error({ err: error }, 'an event listener failed'))
      return { event, position: placed.position, duplicate: false }
    },
    read: async (project, { after, limit }) => streamOf(project).stream.read(after, limit),
    locate: async (project, anchor) => streamOf(project).stream.locate(anchor),
    subscribe: async (project, listener) => streamOf(project).stream.listen(listener),
    loadPosition: async (project, reader) => positions.load(project, reader),
    savePosition: async (project, reader, position) => { positions.save(project, reader, position) },
    addDeadLetter: async (project, letter) => { deadLetters.add(project, letter) },
    listDeadLetters: async (project) => deadLetters.list(project),
    removeDeadLetter: async (project, eventId, target) => deadLetters.remove(project, eventId, target),
    async stats (project) {
      const chosen = project === undefined ? [...streams.keys()] : [project]
      return {
        retained: chosen.reduce((sum, name) => sum + (streams.get(name)?.stream.retained ?? 0), 0),
        published,
        dead_letters: deadLetters.count(project),
        bytes: 0
      }
    }
  }
  return { ...bus, ...groupCalls(new ConsumerGroups({ bus, clock })) }
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
