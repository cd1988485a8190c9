/** Numbers of files by how much the next step of each is worth, the largest first; of equal ones the lowest number. A binary heap. */
export class StepQueue {
  readonly #files: number[] = []
  readonly #worths: number[] = []

  get size (): number {
    return this.#files.length
  }

  push (file: number, worth: number): void {
    let at = this.#files.length
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!this.#isBefore(file, worth, parent)) break
      this.#move(parent, at)
      at = parent
    }
    this.#files[at] = file
    this.#worths[at] = worth
  }

  /** `undefined` when it is empty. */
  pop (): number | undefined {
    const first = this.#files[0]
    const file = this.#files.pop()
    const worth = this.#worths.pop()
    if (file === undefined || worth === undefined || this.#files.length === 0) return first
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= this.#files.length) break
      if (child + 1 < this.#files.length && this.#isBefore(this.#files[child + 1]!, this.#worths[child + 1]!, child)) child++
      if (this.#isBefore(file, worth, child)) break
      this.#move(child, at)
      at = child
    }
    this.#files[at] = file
    this.#worths[at] = worth
    return first
  }

  #isBefore (file: number, worth: number, other: number): boolean {
    const difference = worth - this.#worths[other]!
    return difference > 0 || (difference === 0 && file < this.#files[other]!)
  }

  #move (from: number, to: number): void {
    this.#files[to] = this.#files[from]!
    this.#worths[to] = this.#worths[from]!
  }
}
