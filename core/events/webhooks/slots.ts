interface Waiter {
  project: string
  /** Gives the place, or nothing when it is too late. */
  settle (release: (() => void) | undefined): void
}

/** So many pushes at once in all, and so many of one project, so that one whose receivers hang does not stop the others. */
export class Slots {
  readonly #max: number
  readonly #maxPerProject: number
  readonly #taken = new Map<string, number>()
  #count = 0
  readonly #waiting = new Set<Waiter>()

  constructor (max: number, maxPerProject: number) {
    this.#max = max
    this.#maxPerProject = maxPerProject
  }

  /** Resolves to what gives the place back, in the order of asking within a project; to `undefined` when the signal was aborted before. */
  async take (project: string, signal: AbortSignal): Promise<(() => void) | undefined> {
    if (signal.aborted) return undefined
    return await new Promise((resolve) => {
      const abort = (): void => waiter.settle(undefined)
      const waiter: Waiter = {
        project,
        settle: (release) => {
          this.#waiting.delete(waiter)
          signal.removeEventListener('abort', abort)
          resolve(release)
        }
      }
      signal.addEventListener('abort', abort)
      this.#waiting.add(waiter)
      this.#hand()
    })
  }

  /** The same without waiting, and not before those who wait. */
  tryTake (project: string): (() => void) | undefined {
    return this.#waiting.size === 0 && this.#isFree(project) ? this.#give(project) : undefined
  }

  #isFree (project: string): boolean {
    return this.#count < this.#max && (this.#taken.get(project) ?? 0) < this.#maxPerProject
  }

  #give (project: string): () => void {
    this.#count++
    this.#taken.set(project, (this.#taken.get(project) ?? 0) + 1)
    return this.#releaseOf(project)
  }

  #hand (): void {
    for (const waiter of this.#waiting) {
      if (this.#count >= this.#max) return
      if (this.#isFree(waiter.project)) waiter.settle(this.#give(waiter.project))
    }
  }

  #releaseOf (project: string): () => void {
    let isHeld = true
    return () => {
      if (!isHeld) return
      isHeld = false
      this.#count--
      const left = this.#taken.get(project)! - 1
      if (left === 0) this.#taken.delete(project)
      else this.#taken.set(project, left)
      this.#hand()
    }
  }
}
