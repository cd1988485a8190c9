import type { DeadLetter, Logger } from '../../core/plugin-api.js'

// The oldest give way: a bounded list that says so beats one that fills the memory or the disk.
const MAX_LETTERS = 10_000

/** Dead letters by project, oldest first, at most one for an event and target. */
export class DeadLetters {
  readonly #log: Logger
  readonly #letters = new Map<string, Map<string, DeadLetter>>()

  constructor (log: Logger) {
    this.#log = log
  }

  add (project: string, letter: DeadLetter): void {
    const letters = this.#letters.get(project) ?? new Map<string, DeadLetter>()
    this.#letters.set(project, letters)
    const key = keyOf(letter.event.event_id, letter.target)
    letters.delete(key)
    letters.set(key, structuredClone(letter))
    if (letters.size > MAX_LETTERS) {
      const [oldest, { event }] = letters.entries().next().value!
      letters.delete(oldest)
      this.#log.warn({ event_id: event.event_id }, 'the oldest dead letter gave way to a new one')
    }
  }

  has (project: string, eventId: string, target?: string): boolean {
    return this.#letters.get(project)?.has(keyOf(eventId, target)) ?? false
  }

  remove (project: string, eventId: string, target?: string): boolean {
    return this.#letters.get(project)?.delete(keyOf(eventId, target)) ?? false
  }

  list (project: string): DeadLetter[] {
    return structuredClone([...this.#letters.get(project)?.values() ?? []])
  }

  count (project?: string): number {
    const chosen = project === undefined ? [...this.#letters.values()] : [this.#letters.get(project)]
    return chosen.reduce((sum, letters) => sum + (letters?.size ?? 0), 0)
  }

  /** All of them with their projects, in an order in which they can be added again. */
  * entries (): Iterable<[string, DeadLetter]> {
    for (const [project, letters] of this.#letters) {
      for (const letter of letters.values()) yield [project, letter]
    }
  }
}

function keyOf (eventId: string, target: string | undefined): string {
  return JSON.stringify([eventId, target ?? null])
}
