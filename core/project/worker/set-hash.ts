/**
 * The hash of a set of strings that members can enter and leave at the cost of one: the sum, word by word, of a hash of 128 bits
 * of each (MurmurHash3). It tells states of a disk apart and guards against nobody.
 */
export class SetHash {
  readonly #sum = new Uint32Array(4)

  add (member: string): void {
    hash(member)
    for (let word = 0; word < 4; word++) this.#sum[word]! += words[word]!
  }

  delete (member: string): void {
    hash(member)
    for (let word = 0; word < 4; word++) this.#sum[word]! -= words[word]!
  }

  /** Adds what another has had added, and takes away what it has had taken away. */
  merge (other: SetHash): void {
    for (let word = 0; word < 4; word++) this.#sum[word]! += other.#sum[word]!
  }

  toString (): string {
    return Buffer.from(this.#sum.buffer, this.#sum.byteOffset, this.#sum.byteLength).toString('hex')
  }
}

/** Writes the 128 bits of one string to four words. */
export function hashInto (target: Uint32Array, at: number, text: string): void {
  hash(text)
  target.set(words, at)
}

const words = new Uint32Array(4)
const [C1, C2, C3, C4] = [0x239b961b, 0xab0e9789, 0x38b34ae5, 0xa1e38b93]

const turn = (value: number, bits: number): number => (value << bits) | (value >>> (32 - bits))

function finish (value: number): number {
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35)
  return value ^ (value >>> 16)
}

/** Of the UTF-16 code units, two to a word; leaves the result in `words`. */
function hash (text: string): void {
  const { length } = text
  let [h1, h2, h3, h4] = [0, 0, 0, 0]
  const word = (index: number): number => (index < length ? text.charCodeAt(index) : 0) | ((index + 1 < length ? text.charCodeAt(index + 1) : 0) << 16)
  for (let index = 0; index < length; index += 8) {
    h1 = Math.imul(turn(h1 ^ Math.imul(turn(Math.imul(word(index), C1), 15), C2), 19) + h2, 5) + 0x561ccd1b | 0
    h2 = Math.imul(turn(h2 ^ Math.imul(turn(Math.imul(word(index + 2), C2), 16), C3), 17) + h3, 5) + 0x0bcaa747 | 0
    h3 = Math.imul(turn(h3 ^ Math.imul(turn(Math.imul(word(index + 4), C3), 17), C4), 15) + h4, 5) + 0x96cd1c35 | 0
    h4 = Math.imul(turn(h4 ^ Math.imul(turn(Math.imul(word(index + 6), C4), 18), C1), 13) + h1, 5) + 0x32ac3b17 | 0
  }
  h1 ^= length; h2 ^= length; h3 ^= length; h4 ^= length
  h1 = h1 + h2 + h3 + h4 | 0
  h2 = h2 + h1 | 0; h3 = h3 + h1 | 0; h4 = h4 + h1 | 0
  h1 = finish(h1); h2 = finish(h2); h3 = finish(h3); h4 = finish(h4)
  h1 = h1 + h2 + h3 + h4 | 0
  words[0] = h1; words[1] = h2 + h1; words[2] = h3 + h1; words[3] = h4 + h1
}
