/** A request at the turnstile. Called once: with nothing when it may go on, with why when it may not. */
export type Entrant = (refusal?: 'full' | 'late') => void

interface Waiting { entrant: Entrant, since: number }

export interface TurnstileOptions {
  /** Classes of requests, the last of which goes first. */
  classes: number
  /** Requests that begin in one turn of the event loop. */
  perTurn: number
  /** That may wait, of all classes. */
  mostWaiting: number
  longestMs: number
  now? (): number
}

/**
 * Lets so many requests begin in each turn of the event loop, and the others wait for the next one: the highest class first, and within a class who
 * came first. So a turn stays short whatever arrives in it, nothing is refused for a burst, and under lasting load the lowest class is late first.
 */
export class Turnstile {
  readonly #options: TurnstileOptions
  readonly #now: () => number
  /** One line for each class. */
  readonly #lines: Waiting[][]
  /** Where in each line the first is that still waits: to shift a long array for each of them would cost more than they do. */
  readonly #firsts: number[]
  #waiting = 0
  #begun = 0
  #isTurning = false
  /** How many have begun when the end of a turn begins to be watched for: to watch each turn costs more than all else that is done here. */
  readonly #many: number

  constructor (options: TurnstileOptions) {
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
    this.#many = Math.ceil(options.perTurn / 2)
    this.#lines = Array.from({ length: options.classes }, () => [])
    this.#firsts = this.#lines.map(() => 0)
  }

  get waiting (): number {
    return this.#waiting
  }

  /** Whether a request may begin at once; it has then. */
  pass (): boolean {
    if (this.#begun >= this.#options.perTurn || this.#waiting > 0) return false
    if (++this.#begun >= this.#many) this.#turn()
    return true
  }

  enter (place: number, entrant: Entrant): void {
    if (this.pass()) {
      entrant()
      return
    }
    if (this.#waiting >= this.#options.mostWaiting && !this.#displace(place)) {
      entrant('full')
      return
    }
    this.#lines[place]!.push({ entrant, since: this.#now() })
    this.#waiting++
  }

  /** Refuses those who have waited too long; to be called now and then. */
  expire (): void {
    const deadline = this.#now() - this.#options.longestMs
    for (let place = 0; place < this.#lines.length; place++) {
      while ((this.#lines[place]![this.#firsts[place]!]?.since ?? Infinity) < deadline) this.#take(place)('late')
    }
  }

  #turn (): void {
    if (this.#isTurning) return
    this.#isTurning = true
    setImmediate(() => {
      this.#isTurning = false
      this.#begun = 0
      for (let place = this.#lines.length - 1; place >= 0; place--) {
        while (this.#begun < this.#options.perTurn && this.#firsts[place]! < this.#lines[place]!.length) {
          this.#begun++
          this.#take(place)()
        }
      }
      if (this.#begun >= this.#many) this.#turn()
    })
  }

  /** Makes room by refusing the newest of a class below. */
  #displace (place: number): boolean {
    for (let below = 0; below < place; below++) {
      const line = this.#lines[below]!
      if (this.#firsts[below]! === line.length) continue
      this.#waiting--
      line.pop()!.entrant('full')
      return true
    }
    return false
  }

  #take (place: number): Entrant {
    const line = this.#lines[place]!
    const { entrant } = line[this.#firsts[place]!++]!
    this.#waiting--
    if (this.#firsts[place] === line.length) {
      line.length = 0
      this.#firsts[place] = 0
    } else if (this.#firsts[place]! > this.#options.mostWaiting) {
      line.splice(0, this.#firsts[place])
      this.#firsts[place] = 0
    }
    return entrant
  }
}
