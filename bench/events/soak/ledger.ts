/** What an event of the soak says of itself. */
export interface SoakEvent {
  event_id: string
  event_type: string
  topic: string
  data: { project: string, publisher: number, n: number, lane: number }
}

export interface Reader {
  name: string
  project: string
  wants (event: SoakEvent): boolean
}

interface Received {
  /** By event, the life of the server in which it came first. */
  lives: Map<string, number>
  /** The newest event of each topic. */
  newest: Map<string, string>
}

export interface Counts {
  acknowledged: number
  delivered: number
  /** Given once more after a crash. */
  repeated: number
  lost: number
  outOfOrder: number
  strayed: number
  /** Given once more without a crash. */
  duplicated: number
  /** A publish that was tried again, with its key, and made a second event. */
  publishedTwice: number
}

const SHOWN = 20

/** Holds what was acknowledged against what was received. Events of one project are ordered by their ids. */
export class Ledger {
  readonly #acknowledged = new Map<string, SoakEvent>()
  readonly #received = new Map<Reader, Received>()
  readonly #ids = new Map<string, string>()
  readonly #counts: Counts = { acknowledged: 0, delivered: 0, repeated: 0, lost: 0, outOfOrder: 0, strayed: 0, duplicated: 0, publishedTwice: 0 }
  /** The first violations, in words. */
  readonly violations: string[] = []

  get counts (): Readonly<Counts> {
    return this.#counts
  }

  acknowledge (event: SoakEvent): void {
    this.#acknowledged.set(event.event_id, event)
    this.#counts.acknowledged = this.#acknowledged.size
    this.#checkOnce(event)
  }

  /** `life` counts the starts of the server. */
  receive (reader: Reader, event: SoakEvent, life: number): void {
    const { lives, newest } = this.#of(reader)
    const { event_id: id, topic } = event
    const first = lives.get(id)
    if (first !== undefined) {
      if (first === life) this.#violate('duplicated', `${reader.name} was given ${id} twice without a crash between`)
      else this.#counts.repeated++
      lives.set(id, life)
      return
    }
    lives.set(id, life)
    this.#counts.delivered++
    if (event.data.project !== reader.project || !reader.wants(event)) this.#violate('strayed', `${reader.name} was given ${id} of ${event.data.project}, which it does not wait for`)
    if (id < (newest.get(topic) ?? '')) this.#violate('outOfOrder', `${reader.name} was given ${id} behind ${newest.get(topic)}`)
    else newest.set(topic, id)
    this.#checkOnce(event)
  }

  /** How many of the acknowledged events that a reader waits for it has not been given. */
  missingOf (reader: Reader): number {
    const { lives } = this.#of(reader)
    let missing = 0
    for (const [id, event] of this.#acknowledged) if (event.data.project === reader.project && reader.wants(event) && !lives.has(id)) missing++
    return missing
  }

  /** To be called at the end: what is missing now is lost. */
  settle (readers: readonly Reader[]): void {
    for (const reader of readers) {
      const missing = this.missingOf(reader)
      if (missing > 0) this.#violate('lost', `${reader.name} was never given ${missing} acknowledged events`, missing)
    }
  }

  #checkOnce ({ event_id: id, data: { project, publisher, n } }: SoakEvent): void {
    const key = `${project}/${publisher}/${n}`
    const known = this.#ids.get(key)
    if (known !== undefined && known !== id) this.#violate('publishedTwice', `event ${n} of publisher ${publisher} is both ${known} and ${id}`)
    this.#ids.set(key, id)
  }

  #of (reader: Reader): Received {
    const known = this.#received.get(reader) ?? { lives: new Map<string, number>(), newest: new Map<string, string>() }
    this.#received.set(reader, known)
    return known
  }

  #violate (kind: 'lost' | 'outOfOrder' | 'strayed' | 'duplicated' | 'publishedTwice', text: string, times = 1): void {
    this.#counts[kind] += times
    if (this.violations.length < SHOWN) this.violations.push(text)
  }
}
