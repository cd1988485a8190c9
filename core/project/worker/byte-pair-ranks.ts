import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** As published: on each line the bytes of a token in base64, a space and its rank; the ranks begin with 0, and some may be left out. */
const PUBLISHED = 'gpt-tokenizer/data/o200k_base.tiktoken'
/** What the build makes of it, beside this code. */
const PREPARED = new URL('./o200k_base.ranks', import.meta.url)

/** Twice as many and more than there are tokens, so that most searches end at once. A power of two. */
const SLOTS = 2 ** 19
/** A slot holds a rank plus one, or 0, and above it as much of the hash as has room. */
const RANK_BITS = 18
const RANK_MASK = 2 ** RANK_BITS - 1

/** The ranks of sequences of bytes, as a table of hashes in one piece of memory: made anew, an index of 200,000 strings takes longer than the start of the thread. */
export interface BytePairRanks {
  slots: Uint32Array
  /** Where the bytes of each token begin in `bytes`; one more than there are tokens. */
  offsets: Uint32Array
  bytes: Uint8Array
}

export function encodingRanks (): BytePairRanks {
  if (!existsSync(PREPARED)) return unpackRanks(packRanks())
  return unpackRanks(readFileSync(PREPARED))
}

/** The rank of a sequence of bytes, or -1. */
export function rankOf ({ slots, offsets, bytes }: BytePairRanks, text: Uint8Array, start: number, end: number): number {
  const hash = hashOf(text, start, end)
  for (let slot = hash % SLOTS; ; slot = (slot + 1) % SLOTS) {
    const entry = slots[slot]!
    if (entry === 0) return -1
    if (entry >>> RANK_BITS !== hash >>> RANK_BITS) continue
    const rank = (entry & RANK_MASK) - 1
    const from = offsets[rank]!
    if (offsets[rank + 1]! - from !== end - start) continue
    let at = start
    while (at < end && text[at] === bytes[from + at - start]) at++
    if (at === end) return rank
  }
}

/** FNV-1a, whose last bits are mixed with its first; unsigned. */
function hashOf (text: Uint8Array, start: number, end: number): number {
  let hash = 0x811C9DC5
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ text[at]!, 0x01000193)
  hash ^= hash >>> 15
  return Math.imul(hash, 0x2C1B3C6D) >>> 0
}

/** What is read of the ranks at a start: the number of offsets, the slots, the offsets, the bytes; numbers in the order of this machine. */
export function packRanks (): Uint8Array {
  const tokens: Buffer[] = []
  for (const line of readFileSync(fileURLToPath(import.meta.resolve(PUBLISHED)), 'latin1').split('\n')) {
    const [base64, rank] = line.split(' ')
    if (rank !== undefined) tokens[Number(rank)] = Buffer.from(base64!, 'base64')
  }
  const slots = new Uint32Array(SLOTS)
  const offsets = new Uint32Array(tokens.length + 1)
  for (let rank = 0; rank < tokens.length; rank++) {
    const token = tokens[rank] ?? Buffer.alloc(0)
    offsets[rank + 1] = offsets[rank]! + token.length
    if (token.length === 0) continue
    const hash = hashOf(token, 0, token.length)
    let slot = hash % SLOTS
    while (slots[slot] !== 0) slot = (slot + 1) % SLOTS
    slots[slot] = (hash >>> RANK_BITS) * 2 ** RANK_BITS + rank + 1
  }
  const present = tokens.filter((token) => token !== undefined)
  return Buffer.concat([new Uint32Array([offsets.length]), slots, offsets, ...present].map((part) => Buffer.from(part.buffer, part.byteOffset, part.byteLength)))
}

function unpackRanks ({ buffer, byteOffset, byteLength }: Uint8Array): BytePairRanks {
  const [count] = new Uint32Array(buffer, byteOffset, 1)
  const slots = new Uint32Array(buffer, byteOffset + 4, SLOTS)
  const offsets = new Uint32Array(buffer, slots.byteOffset + slots.byteLength, count)
  const start = offsets.byteOffset + offsets.byteLength
  return { slots, offsets, bytes: new Uint8Array(buffer as ArrayBuffer, start, byteOffset + byteLength - start) }
}
