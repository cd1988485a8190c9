import type { Corpus } from './corpus.js'

/** What a signal adds to the scores of files. Which numbers the files have is found out once, as long as none comes or goes. */
export class Spread {
  readonly #values: ReadonlyMap<string, number>
  #generation: object | undefined
  #ids = new Uint32Array()
  #added = new Float64Array()

  constructor (values: ReadonlyMap<string, number>) {
    this.#values = values
  }

  of (path: string): number {
    return this.#values.get(path) ?? 0
  }

  addTo (scores: Float64Array, corpus: Corpus): void {
    if (this.#generation !== corpus.generation) this.#find(corpus)
    for (let index = 0; index < this.#ids.length; index++) scores[this.#ids[index]!]! += this.#added[index]!
  }

  #find (corpus: Corpus): void {
    const present = [...this.#values].flatMap(([path, value]): [number, number][] => {
      const id = value > 0 ? corpus.idOf(path) : undefined
      return id === undefined ? [] : [[id, value]]
    })
    this.#ids = Uint32Array.from(present, ([id]) => id)
    this.#added = Float64Array.from(present, ([, value]) => value)
    this.#generation = corpus.generation
  }
}
