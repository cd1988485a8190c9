import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  apiError, codeOf, ConsumerGroups, groupCalls, makeDirectory, messageOf, removeLeftovers, writeFileDurably,
  type Clock, type EventBus, type EventDraft, type GroupCalls, type GroupChange, type Logger, type PlacedEvent
} from '../../../core/plugin-api.js'
import { AgeClock } from '../age-clock.js'
import { completeEvent } from '../event-draft.js'
import { namesOf } from '../part.js'
import type { Retention } from '../retention.js'
import { ChangeLog } from './change-log.js'
import { DeadLetterFile } from './dead-letter-file.js'
import { GroupCommitFile } from './group-commit-file.js'
import { PositionFile } from './position-file.js'
import { encodeEvent, encodeHeads } from './record.js'
import { Segments } from './segments.js'
import { Streams } from './streams.js'

export interface JournalOptions {
  /** Folder of the log; made when it is missing. */
  directory: string
  retention: Retention
  /** A segment is closed when it has grown to so many bytes. */
  segmentBytes: number
  clock: Clock
  log: Logger
  /** A clock in milliseconds that nobody can set: `performance.now` by default. */
  elapsed?: Clock
}

// Parsing as much takes about a millisecond; small segments would be many where a server is often started.
const LARGE_BYTES = 128 * 1024

interface Append {
  project: string
  draft: EventDraft
  placed?: PlacedEvent | undefined
  /** Where its record lies in the batch, without the newline; absent when the event was there. */
  written?: { offset: number, bytes: number }
}

/** The embedded event bus: a ring in memory for reading, and a log of JSON lines that is synced before an event is acknowledged. */
export function createJournal ({ directory, retention, segmentBytes, clock, log, elapsed }: JournalOptions): EventBus {
  const segments = new Segments(directory, log)
  const streams = new Streams({ segments, retention, ages: new AgeClock(clock, elapsed), clock, log })
  const positions = new PositionFile(join(directory, 'positions.json'), log)
  const deadLetters = new DeadLetterFile(join(directory, 'dead-letters.jsonl'), log)
  let file: GroupCommitFile<Append> | undefined
  let published = 0
  let closing: Promise<void> | undefined

  /** Numbers are given here, when the batch is written, so that a refused batch leaves no hole. */
  const encode = async (items: readonly Append[]): Promise<Buffer> => {
    for (const item of items) {
      const names = namesOf(item.draft)
      if (names.length > 0) item.placed = await streams.of(item.project).find(names)
    }
    const lines: string[] = []
    const next = new Map<string, number>()
    const batch = new Map<string, PlacedEvent>()
    let size = 0
    for (const item of items) {
      const { project, draft } = item
      // Project names hold no slash.
      const names = namesOf(draft).map(({ by, value }) => `${project}/${by}/${value}`)
      for (const name of names) item.placed ??= batch.get(name)
      if (item.placed !== undefined) continue
      const { event, text } = completeEvent(draft, () => streams.nextId(project), clock)
      const sequence = next.get(project) ?? streams.of(project).nextSequence
      next.set(project, sequence + 1)
      item.placed = { event, position: streams.of(project).position(sequence) }
      for (const name of names) batch.set(name, item.placed)
      const line = encodeEvent({ seq: sequence, project_id: project, key: draft.idempotency_key }, text)
      const bytes = Buffer.byteLength(line)
      item.written = { offset: size, bytes: bytes - 1 }
      size += bytes
      lines.push(line)
    }
    return Buffer.from(lines.join(''))
  }

  const committed = (items: readonly Append[], at: number): void => {
    for (const { project, draft, placed, written } of items) {
      if (written === undefined) continue
      streams.committed(project, placed!.event, { key: draft.idempotency_key, offset: at + written.offset, bytes: written.bytes })
      published++
    }
  }

  const removeEmptySegments = async (): Promise<void> => {
    // A project that nobody asks about has events that expire, too.
    for (const events of streams.all) events.expire()
    await segments.removeEmpty()
  }

  /** What is closed in order need not be parsed by the next start. */
  const closeLargeSegment = async (): Promise<void> => {
    if (file === undefined || file.size < LARGE_BYTES) return
    try {
      await segments.closeCurrent(file.size)
      streams.closeSegment(segments.current, file.size)
    } catch (error) {
      log.warn({ reason: messageOf(error) }, 'the last segment of the event log could not be closed; the next start will read it')
    }
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
      streams.name(await nameLog(join(directory, 'generation'), await segments.find(), log))
      await segments.load(streams, streams.seed)
      await segments.begin(encodeHeads(streams.numbering()))
      await Promise.all([positions.open((project, position) => streams.of(project).holds(position)), deadLetters.open()])
      await groupLog.open(async () => {
        const lost = await groups.startOver((project, position) => streams.of(project).holds(position))
        if (lost > 0) log.warn({ groups: lost }, 'consumer groups are not of this event log; they start again from the oldest event')
      })
      file = await GroupCommitFile.open<Append>(segments.path, {
        encode,
        committed,
        async between (handle, size) {
          if (size < segmentBytes) return undefined
          const closed = segments.current
          const rotated = await segments.rotate(handle, size, encodeHeads(streams.numbering()))
          streams.closeSegment(closed, size)
          await removeEmptySegments()
          return rotated
        }
      })
      await removeEmptySegments()
    },
    async close () {
      closing ??= (async () => {
        const isSound = file?.broken === undefined
        await file?.close()
        if (isSound) await closeLargeSegment()
        await Promise.all([positions.close(), deadLetters.close(), groupLog.close(), segments.close()])
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
      const { event, position } = item.placed!
      return { event, position, duplicate: item.written === undefined }
    },
    read: async (project, { after, limit }) => await streams.of(project).read(after, limit),
    locate: async (project, anchor) => await streams.of(project).locate(anchor),
    subscribe: async (project, listener) => streams.of(project).listen(listener),
    loadPosition: async (project, reader) => positions.load(project, reader),
    savePosition: async (project, reader, position) => { positions.save(project, reader, position) },
    addDeadLetter: async (project, letter) => await deadLetters.add(project, letter),
    listDeadLetters: async (project) => deadLetters.list(project),
    removeDeadLetter: async (project, eventId, target) => await deadLetters.remove(project, eventId, target),
    async stats (project) {
      const chosen = project === undefined ? streams.all : [streams.of(project)]
      return {
        retained: chosen.reduce((sum, events) => sum + events.retained, 0),
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
