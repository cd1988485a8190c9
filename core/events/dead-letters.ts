import type { Appended, DeadLetter, EventBus, EventDraft } from '../contracts/event-bus.js'
import { apiError, codeOf, messageOf } from '../errors.js'

const PREFIX = 'dlc_'
/** Letters that are driven again at a time: enough for the bus to write them together. */
const AT_ONCE = 32
/** Failures that an answer lists. */
const MOST_TOLD = 100

export interface DeadLetterPage {
  dead_letters: DeadLetter[]
  /** Absent on the last page. */
  next_cursor?: string
}

/** Which letters: all that is given must hold. */
export interface LetterChoice {
  event_ids?: readonly string[] | undefined
  target?: string | undefined
  /** Milliseconds since the epoch, exclusive. */
  before?: number | undefined
}

export interface Redriven {
  redriven: number
  /** At most 100; the letters are still there. */
  failed: { event_id: string, target?: string, message: string }[]
  /** Of the `event_ids` asked for, those that have no letter. */
  not_found: string[]
}

export interface DeadLettersOptions {
  bus: EventBus
  publish (project: string, draft: EventDraft): Promise<Appended>
  /** Called when an event was put before a group once more: the bus tells nobody of it. */
  offered? (project: string, group: string): void
}

/** What could not be handed over: shown, tried once more, thrown away. */
export class DeadLetters {
  readonly #bus: EventBus
  readonly #publish: DeadLettersOptions['publish']
  readonly #offered: NonNullable<DeadLettersOptions['offered']>
  /** One redrive of a letter at a time: who comes while it runs gets its outcome. */
  readonly #running = new Map<string, Promise<string>>()

  constructor ({ bus, publish, offered = () => {} }: DeadLettersOptions) {
    this.#bus = bus
    this.#publish = publish
    this.#offered = offered
  }

  /** Oldest first. Throws `VAL_001` for a cursor that is none. */
  async list (project: string, { target, limit, cursor }: { target: string | undefined, limit: number, cursor: string | undefined }): Promise<DeadLetterPage> {
    const letters = await this.#chosen(project, { target })
    const start = cursor === undefined ? 0 : behind(letters, cursor)
    const page = letters.slice(start, start + limit)
    return { dead_letters: page, ...(start + limit < letters.length ? { next_cursor: cursorOf(page.at(-1)!) } : {}) }
  }

  /**
   * Hands the letters of an event over once more: to their targets, or by publishing the event again where there was none.
   * Resolves to the id under which it goes out now. Throws `NOT_001` when there is none.
   */
  async redrive (project: string, eventId: string, target: string | undefined): Promise<string> {
    const letters = await this.#chosen(project, { event_ids: [eventId], target })
    if (letters.length === 0) throw missing(eventId, target)
    const ids = await Promise.all(letters.map(async (letter) => await this.#redriveOnce(project, letter)))
    return ids.find((id) => id !== eventId) ?? eventId
  }

  /** The same for many; one that fails holds up no other. */
  async redriveAll (project: string, choice: LetterChoice): Promise<Redriven> {
    const letters = await this.#chosen(project, choice)
    const failed: Redriven['failed'] = []
    let redriven = 0
    for (let start = 0; start < letters.length; start += AT_ONCE) {
      await Promise.all(letters.slice(start, start + AT_ONCE).map(async (letter) => {
        try {
          await this.#redriveOnce(project, letter)
          redriven++
        } catch (error) {
          if (failed.length < MOST_TOLD) failed.push({ event_id: letter.event.event_id, ...targetOf(letter), message: messageOf(error) })
        }
      }))
    }
    const found = new Set(letters.map(({ event }) => event.event_id))
    return { redriven, failed, not_found: [...new Set(choice.event_ids ?? [])].filter((id) => !found.has(id)) }
  }

  /** Throws letters away, for good; resolves to how many these were. */
  async purge (project: string, choice: LetterChoice): Promise<number> {
    let purged = 0
    for (const { event, target } of await this.#chosen(project, choice)) {
      if (await this.#bus.removeDeadLetter(project, event.event_id, target)) purged++
    }
    return purged
  }

  async #chosen (project: string, { event_ids: ids, target, before }: LetterChoice): Promise<DeadLetter[]> {
    const wanted = ids === undefined ? undefined : new Set(ids)
    return (await this.#bus.listDeadLetters(project)).filter((letter) => (wanted === undefined || wanted.has(letter.event.event_id)) &&
      (target === undefined || letter.target === target) && (before === undefined || Date.parse(letter.timestamp) < before))
  }

  async #redriveOnce (project: string, letter: DeadLetter): Promise<string> {
    const key = JSON.stringify([project, letter.event.event_id, letter.target])
    const running = this.#running.get(key) ?? this.#redrive(project, letter).finally(() => this.#running.delete(key))
    this.#running.set(key, running)
    return await running
  }

  async #redrive (project: string, { event, target, timestamp }: DeadLetter): Promise<string> {
    const id = target === undefined ? await this.#publishAgain(project, event, timestamp) : await this.#offer(project, event, target)
    // Last: a crash before it leaves the letter, and the next redrive finds what this one did.
    await this.#bus.removeDeadLetter(project, event.event_id, target)
    return id
  }

  /** As its first publisher did; once for a letter, whatever comes in between. */
  async #publishAgain (project: string, event: DeadLetter['event'], since: string): Promise<string> {
    const { event_id: original, timestamp: _timestamp, ...draft } = event
    const appended = await this.#publish(project, { ...draft, references: original, idempotency_key: `redrive:${original}:${since}` })
    return appended.event.event_id
  }

  async #offer (project: string, event: DeadLetter['event'], target: string): Promise<string> {
    // `group:builders` is the group 'builders'; the group of `webhook:<id>` bears that name.
    const group = target.startsWith('group:') ? target.slice('group:'.length) : target
    try {
      await this.#bus.offer(project, group, event)
    } catch (error) {
      if (codeOf(error) !== 'NOT_001') throw error
      throw apiError('NOT_001', `The target '${target}' of the dead letter '${event.event_id}' is no longer there; make it again, or delete the letter.`, { cause: error })
    }
    this.#offered(project, group)
    return event.event_id
  }
}

function targetOf ({ target }: DeadLetter): { target?: string } {
  return target === undefined ? {} : { target }
}

export function missing (eventId: string, target: string | undefined): Error {
  return apiError('NOT_001', `There is no dead letter '${eventId}'${target === undefined ? '' : ` of '${target}'`}.`)
}

function cursorOf ({ event, target, timestamp }: DeadLetter): string {
  return PREFIX + Buffer.from(JSON.stringify([timestamp, event.event_id, target ?? null])).toString('base64url')
}

/** Where the letters behind a cursor begin. When its own letter is gone, those of the same moment come once more rather than never. */
function behind (letters: readonly DeadLetter[], cursor: string): number {
  const [timestamp, eventId, target] = readCursor(cursor)
  const index = letters.findIndex((letter) => letter.event.event_id === eventId && (letter.target ?? null) === target)
  if (index >= 0) return index + 1
  const later = letters.findIndex((letter) => letter.timestamp >= timestamp)
  return later < 0 ? letters.length : later
}

function readCursor (cursor: string): [timestamp: string, eventId: string, target: string | null] {
  try {
    const [timestamp, eventId, target] = JSON.parse(Buffer.from(cursor.slice(PREFIX.length), 'base64url').toString('utf8')) as unknown[]
    if (cursor.startsWith(PREFIX) && typeof timestamp === 'string' && typeof eventId === 'string' && (target === null || typeof target === 'string')) return [timestamp, eventId, target]
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof TypeError)) throw error
  }
  throw apiError('VAL_001', 'cursor is none of this list; begin without one.', { details: { issues: [{ path: 'cursor', message: 'is not known' }] } })
}
