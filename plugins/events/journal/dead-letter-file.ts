import type { DeadLetter, Logger } from '../../../core/plugin-api.js'
import { DeadLetters } from '../dead-letters.js'
import { ChangeLog } from './change-log.js'

type Change =
  | { add: DeadLetter, project_id: string }
  | { remove: string, target?: string | undefined, project_id: string }

/** Dead letters by project, kept as a log of changes. */
export class DeadLetterFile {
  readonly #letters: DeadLetters
  readonly #changes: ChangeLog<Change>

  constructor (path: string, log: Logger) {
    this.#letters = new DeadLetters(log)
    this.#changes = new ChangeLog({
      path, about: 'dead letters', log, apply: (change) => this.#apply(change), snapshot: () => this.#snapshot()
    })
  }

  async open (): Promise<void> {
    await this.#changes.open()
  }

  async add (project: string, letter: DeadLetter): Promise<void> {
    await this.#changes.append({ add: letter, project_id: project })
  }

  list (project: string): DeadLetter[] {
    return this.#letters.list(project)
  }

  async remove (project: string, eventId: string, target?: string): Promise<boolean> {
    if (!this.#letters.has(project, eventId, target)) return false
    await this.#changes.append({ remove: eventId, target, project_id: project })
    return true
  }

  count (project?: string): number {
    return this.#letters.count(project)
  }

  async close (): Promise<void> {
    await this.#changes.close()
  }

  #apply (change: Change): void {
    if ('remove' in change) this.#letters.remove(change.project_id, change.remove, change.target)
    else this.#letters.add(change.project_id, change.add)
  }

  * #snapshot (): Generator<Change> {
    for (const [project, add] of this.#letters.entries()) yield { add, project_id: project }
  }
}
