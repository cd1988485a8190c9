import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  apiError, codeOf, ConsumerGroups, createIds, groupCalls, makeDirectory, removeLeftovers, writeFileDurably,
  type Clock, type EventBus, type EventDraft, type GroupCalls, type GroupChange, type Logger, type PlacedEvent
} from '../../../core/plugin-api.js'
import { completeEvent } from '../event-draft.js'
import type { Retention } from '../retention.js'
import { EventStream } from '../stream.js'
import { ChangeLog } from './change-log.js'
import { DeadLetterFile } from './dead-letter-file.js'
import { GroupCommitFile } from './group-commit-file.js'
import { PositionFile } from './position-file.js'
import { encodeRecord, type LogRecord } from './record.js'
import { Segments } from './segments.js'

export interface JournalOptions {
  /** Folder of the log; made when it is missing. */
  directory: string
  retention: Retention
  /** A segment is closed when it has grown to so many bytes. */
  segmentBytes: number
  clock: Clock
  log: Logger
}

interface Stream {
  events: EventStream
  /** The last identifier that the bus itself gave; new ones sort behind it. */
  lastId: string | undefined
  nextId: (() => string) | undefined
}

const OWN_ID = /^evt_[0-9A-HJKMNP-TV-Z]{26}$/

interface Append {
  project: string
  draft: EventDraft
  placed?: PlacedEvent
  /** Whether the event was there; else this append made it. */
  duplicate?: boolean
}

/** The embedded event bus: a ring in memory for reading, and a log of JSON lines that is synced before an event is acknowledged. */
export function createJournal ({ directory, retention, segmentBytes, clock, log }: JournalOptions): EventBus {
  const segments = new Segments(directory, log)
  const streams = new Map<string, Stream>()
  const positions = new PositionFile(join(directory, 'positions.json'), log)
  const deadLetters = new DeadLetterFile(join(directory, 'dead-letters.jsonl'), log)
  let generation = ''
  let file: GroupCommitFile<Append> | undefined
  let published = 0
  let skipped = 0
  let closing: Promise<void> | undefined

  const streamOf = (project: string): Stream => {
    const known = streams.get(project)
    if (known !== undefined) return known
    const events = new EventStream(generation, project, retention, clock, (segment) => segments.lost(segment))
    const created: Stream = { events, lastId: undefined, nextId: undefined }
    if (skipped > 0) events.continueAt(1 + skipped)
    streams.set(project, created)
    return created
  }

  const restore = (record: LogRecord, segment: number): void => {
    if ('heads' in record) {
      for (const [project, head] of Object.entries(record.heads)) {
        const stream = streamOf(project)
        stream.events.continueAt(head.next)
        stream.lastId = head.last_id ?? undefined
      }
      return
    }
    const stream = streamOf(record.project_id)
    segments.gained(segment)
    stream.events.add(record.event, record.key, segment, record.seq)
    if (OWN_ID.test(record.event.event_id)) stream.lastId = record.event.event_id
  }

  /** A number that a damaged record may have had is not given again: somebody may have read up to it. */
  const skip = (): void => {
    skipped++
    for (const { events } of streams.values()) events.continueAt(events.nextSequence + 1)
  }

  const heads = (): string => encodeRecord({
    heads: Object.fromEntries([...streams].map(([project, { events, lastId }]) => [project, { next: events.nextSequence, last_id: lastId ?? null }]))
  })

  /** Numbers are given here, when the batch is written, so that a refused batch leaves no hole. */
  const encode = (items: readonly Append[]): Buffer => {
    const lines: string[] = []
    const next = new Map<string, number>()
    const batch = new Map<string, PlacedEvent>()
    for (const item of items) {
      const stream = streamOf(item.project)
      const { events } = stream
      const { event_id: given, idempotency_key: key } = item.draft
      // Project names hold no slash.
      const names = [...given === undefined ? [] : [`${item.project}/id/${given}`], ...key === undefined ? [] : [`${item.project}/key/${key}`]]
      const known = events.find(item.draft) ?? names.map((name) => batch.get(name)).find((placed) => placed !== undefined)
      item.duplicate = known !== undefined
      if (known !== undefined) {
        item.placed = known
        continue
      }
      stream.nextId ??= createIds('evt_', clock, stream.lastId)
      const event = completeEvent(item.draft, stream.nextId, clock)
      if (given === undefined) stream.lastId = event.event_id
      const sequence = next.get(item.project) ?? events.nextSequence
      next.set(item.project, sequence + 1)
      item.placed = { event, position: events.position(sequence) }
      for (const name of names) batch.set(name, item.placed)
      lines.push(encodeRecord({ seq: sequence, project_id: item.project, key, event }))
    }
    return Buffer.from(lines.join(''))
  }

  const committed = (items: readonly Append[]): void => {
    for (const { project, draft, placed, duplicate } of items) {
      if (duplicate === true) continue
      const { events } = streamOf(project)
      segments.gained(segments.current)
      events.add(placed!.event, draft.idempotency_key, segments.current)
      published++
      events.announce(placed!, (error) => log.error({ err: error }, 'an event listener failed'))
    }
  }

  const removeEmptySegments = async (): Promise<void> => {
    // A project that nobody asks about has events that expire, too.
    for (const { events } of streams.values()) events.expire()
    await segments.removeEmpty()
  }

  const opened = (): GroupCommitFile<Append> => {
    if (file === undefined) throw apiError('EVT_001', 'The event log is not open.')
    return file
  }

  const bus: Omit<EventBus, keyof GroupCalls> = {
    supports: { durable: true },
    async open () {
      await makeDirectory(directory)
      await removeLeftovers(directory)
      generation = await nameLog(join(directory, 'generation'), await segments.find(), log)
      await segments.load({ take: restore, skip })
      await segments.begin(heads())
      await Promise.all([positions.open((project, position) => streamOf(project).events.holds(position)), deadLetters.open()])
      await groupLog.open(async () => {
        const lost = await groups.startOver((project, position) => streamOf(project).events.holds(position))
        if (lost > 0) log.warn({ groups: lost }, 'consumer groups are not of this event log; they start again from the oldest event')
      })
      file = await GroupCommitFile.open<Append>(segments.path, {
        encode,
        committed,
        async between (handle, size) {
          if (size < segmentBytes) return undefined
          const rotated = await segments.rotate(handle, size, heads())
          await removeEmptySegments()
          return rotated
        }
      })
      await removeEmptySegments()
    },
    async close () {
      closing ??= (async () => {
        await file?.close()
        await Promise.all([positions.close(), deadLetters.close(), groupLog.close()])
      })()
      await closing
    },
    async check () {
      const { broken } = opened()
      if (broken !== undefined) throw apiError('EVT_001', `The event log takes nothing more: ${broken}.`)
    },
    async append (project, draft) {
      const item: Append = { project, draft }
      await opened().append(item)
      return { ...item.placed!, duplicate: item.duplicate! }
    },
    read: async (project, { after, limit }) => streamOf(project).events.read(after, limit),
    locate: async (project, anchor) => streamOf(project).events.locate(anchor),
    subscribe: async (project, listener) => streamOf(project).events.listen(listener),
    loadPosition: async (project, reader) => positions.load(project, reader),
    savePosition: async (project, reader, position) => { positions.save(project, reader, position) },
    addDeadLetter: async (project, letter) => await deadLetters.add(project, letter),
    listDeadLetters: async (project) => deadLetters.list(project),
    removeDeadLetter: async (project, eventId, target) => await deadLetters.remove(project, eventId, target),
    async stats (project) {
      const chosen = project === undefined ? [...streams.keys()] : [project]
      return {
        retained: chosen.reduce((sum, name) => sum + (streams.get(name)?.events.retained ?? 0), 0),
        published,
        dead_letters: deadLetters.count(project),
        bytes: segments.closedBytes + (file?.size ?? 0)
      }
    }
  }
  const groups = new ConsumerGroups({ bus, clock, commit: async (change) => { await groupLog.append(change) } })
  const groupLog = new ChangeLog<GroupChange>({
    path: join(directory, 'groups.jsonl'), about: 'consumer groups', log, apply: (change) => groups.apply(change), snapshot: () => groups.snapshot()
  })
  return { ...bus, ...groupCalls(groups) }
}

/**
 * The name of this log, by which a position of another one is told from its own. A log whose numbering cannot be known
 * is a new one: its numbers would begin again below those that readers hold.
 */
async function nameLog (path: string, isNumbered: boolean, log: Logger): Promise<string> {
  const known = await readFile(path, 'utf8').catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  })
  if (isNumbered && known !== undefined && /^[0-9a-f]{12}\n$/.test(known)) return known.trim()
  if (known !== undefined) log.warn({}, 'the event log has lost its beginning: earlier cursors are refused, and readers start again from the oldest event')
  const generation = randomBytes(6).toString('hex')
  await writeFileDurably(path, `${generation}\n`)
  return generation
}
