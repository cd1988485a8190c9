import type { Position } from '../../core/plugin-api.js'

// Readers that have not come back for so many newer ones are forgotten; they start again from the oldest event.
const MAX_READERS = 100_000

/** Where readers are, by project and name; the least recently saved are dropped first. */
export class ReaderPositions {
  readonly #positions = new Map<string, Position>()

  load (project: string, reader: string): Position | undefined {
    return this.#positions.get(JSON.stringify([project, reader]))
  }

  save (project: string, reader: string, position: Position): void {
    const key = JSON.stringify([project, reader])
    this.#positions.delete(key)
    this.#positions.set(key, position)
    if (this.#positions.size > MAX_READERS) this.#positions.delete(this.#positions.keys().next().value!)
  }

  entries (): [string, Position][] {
    return [...this.#positions]
  }

  restore (entries: readonly [string, Position][]): void {
    for (const [key, position] of entries) this.#positions.set(key, position)
  }
}
