const CHUNK_BITS = 16
/** Words in a chunk, 256 KiB. */
const CHUNK = 1 << CHUNK_BITS
/** The first word of a chunk is left free, so that 0 is the place of nothing. */
const FIRST = 1
/** A row of more words has a chunk of its own: any other fits beside what is moved to a new one. */
const LARGE = CHUNK / 4
/** Of a chunk, below which what is left in it is moved. */
const LEAST_USED = 0.5

/** Where a row begins. */
export interface Place { readonly chunk: Uint32Array, readonly start: number }

/**
 * Rows of 32-bit words by small whole numbers, in few large pieces of memory: a typed array for each would take ten times the memory of
 * what a small file has in it, and as much of each collection's time.
 */
export class PackedRows {
  /** Where the row of each number is: its chunk, and there the word that says how long it is. 0 where there is none. */
  #places = new Uint32Array(1024)
  readonly #chunks: (Uint32Array | undefined)[] = []
  /** Words of each chunk that belong to rows. */
  readonly #used: number[] = []
  readonly #free: number[] = []
  #current = -1
  #end = CHUNK

  /** Where a row lies until rows are next set or deleted; `undefined` where there is none. */
  place (id: number): Place | undefined {
    const place = this.#places[id] ?? 0
    return place === 0 ? undefined : { chunk: this.#chunks[place >>> CHUNK_BITS]!, start: (place & (CHUNK - 1)) + 1 }
  }

  /** A row where it lies, until rows are next set or deleted. */
  row (id: number): Uint32Array | undefined {
    const place = this.place(id)
    return place?.chunk.subarray(place.start, place.start + place.chunk[place.start - 1]!)
  }

  /** Visits all rows by number: an object for each place would take longer than most that is done with it. */
  forEach (visit: (id: number, chunk: Uint32Array, start: number, end: number) => void): void {
    for (let id = 0; id < this.#places.length; id++) {
      const place = this.#places[id]!
      if (place === 0) continue
      const chunk = this.#chunks[place >>> CHUNK_BITS]!
      const at = place & (CHUNK - 1)
      visit(id, chunk, at + 1, at + 1 + chunk[at]!)
    }
  }

  /** Takes the first words of `words`. */
  set (id: number, words: Uint32Array, length = words.length): void {
    this.delete(id)
    if (id >= this.#places.length) {
      const more = new Uint32Array(Math.max(id + 1, this.#places.length * 2))
      more.set(this.#places)
      this.#places = more
    }
    this.#append(id, length).set(length === words.length ? words : words.subarray(0, length))
  }

  delete (id: number): void {
    const place = this.place(id)
    if (place === undefined) return
    const index = this.#places[id]! >>> CHUNK_BITS
    this.#places[id] = 0
    this.#used[index]! -= place.chunk[place.start - 1]! + 1
    if (index !== this.#current && this.#used[index]! < LEAST_USED * place.chunk.length) this.#leave(index)
  }

  /** Room for a row, behind the word that says how long it is. */
  #append (id: number, length: number): Uint32Array {
    const index = this.#roomFor(length + 1)
    const chunk = this.#chunks[index]!
    const at = index === this.#current ? this.#end : FIRST
    if (index === this.#current) this.#end += length + 1
    chunk[at] = length
    this.#used[index]! += length + 1
    this.#places[id] = index * CHUNK + at
    return chunk.subarray(at + 1, at + 1 + length)
  }

  #roomFor (words: number): number {
    if (words > LARGE) return this.#open(words + FIRST)
    if (this.#end + words > CHUNK) {
      const full = this.#current
      this.#current = this.#open(CHUNK)
      this.#end = FIRST
      if (full >= 0 && this.#used[full]! < LEAST_USED * CHUNK) this.#leave(full)
      // What was moved took room of the new one.
      return this.#roomFor(words)
    }
    return this.#current
  }

  #open (words: number): number {
    const index = this.#free.pop() ?? this.#chunks.length
    this.#chunks[index] = new Uint32Array(words)
    this.#used[index] = 0
    return index
  }

  /** Moves the rows that are left in a chunk, and lets it go. */
  #leave (index: number): void {
    const chunk = this.#chunks[index]!
    this.#chunks[index] = undefined
    const left = this.#used[index]!
    this.#used[index] = 0
    for (let id = 0, moved = 0; moved < left && id < this.#places.length; id++) {
      const place = this.#places[id]!
      if (place === 0 || place >>> CHUNK_BITS !== index) continue
      const start = (place & (CHUNK - 1)) + 1
      const length = chunk[start - 1]!
      this.#append(id, length).set(chunk.subarray(start, start + length))
      moved += length + 1
    }
    this.#free.push(index)
  }
}
