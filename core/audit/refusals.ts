import type { AuditEntry, AuditLog } from '../contracts/index.js'

const WINDOW_MS = 60_000
/** Distinct refusals that are recorded on their own within a window. */
const MAX_KEYS = 256
const REST = 'others'

/**
 * Records refusals, of which a stranger can cause as many as requests get through: the first of its kind at once, equal ones within a minute
 * as one more record with their count, and what differs too often as one of all. So an attack is seen and does not fill the disk.
 */
export class Refusals {
  readonly #audit: AuditLog
  readonly #repeated = new Map<string, { entry: AuditEntry, count: number }>()
  #timer: NodeJS.Timeout | undefined

  constructor (audit: AuditLog) {
    this.#audit = audit
  }

  /** `kind` says what makes it equal to another one. */
  note (kind: string, entry: AuditEntry): void {
    const key = this.#repeated.has(kind) || this.#repeated.size < MAX_KEYS ? kind : REST
    const known = this.#repeated.get(key)
    if (known !== undefined) {
      known.count++
      return
    }
    const { action, outcome } = entry
    this.#repeated.set(key, { entry: key === REST ? { action, outcome, actor: null, details: { mixed: true } } : entry, count: 0 })
    this.#audit.note(entry)
    this.#timer ??= setTimeout(() => { this.flush() }, WINDOW_MS).unref()
  }

  /** Tells what was counted. */
  flush (): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    for (const { entry, count } of this.#repeated.values()) {
      if (count > 0) this.#audit.note({ ...entry, count })
    }
    this.#repeated.clear()
  }
}
