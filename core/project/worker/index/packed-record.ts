import type { Place } from './packed-rows.js'
import type { FileRecord } from './record.js'
import { indexOfHash, type QueryTerm } from './terms.js'

/** SHA-256 as words of 32 bits. */
const HASH_WORDS = 8
/** The hash, how many words and names there are, and the length; then words, names, words of the path, and the counts, four to a word. */
const [WORDS_AT, SYMBOLS_AT, PATH_AT, LENGTH_AT] = [HASH_WORDS, HASH_WORDS + 1, HASH_WORDS + 2, HASH_WORDS + 3]
const HEAD = HASH_WORDS + 4

const NOTHING: Pick<FileRecord, 'words' | 'counts' | 'symbols'> = { words: new Uint32Array(), counts: new Uint8Array(), symbols: new Uint32Array() }

/** Every word of a task that a file holds, with how often, and whether its path and the names in it hold it. */
export type Visit = (term: number, count: number, inPath: boolean, inSymbols: boolean) => void

/** A record and the words of its path as one row. Nothing for a file without text. */
export function packRecord (record: FileRecord | undefined, pathWords: Uint32Array): Uint32Array {
  const { words, counts, symbols } = record ?? NOTHING
  const row = new Uint32Array(HEAD + words.length + symbols.length + pathWords.length + Math.ceil(counts.length / 4))
  if (record !== undefined) for (let word = 0; word < HASH_WORDS; word++) row[word] = hashWord(record.hash, word)
  row[WORDS_AT] = words.length
  row[SYMBOLS_AT] = symbols.length
  row[PATH_AT] = pathWords.length
  row[LENGTH_AT] = record?.length ?? 0
  row.set(words, HEAD)
  row.set(symbols, HEAD + words.length)
  row.set(pathWords, HEAD + words.length + symbols.length)
  const countsAt = HEAD + words.length + symbols.length + pathWords.length
  counts.forEach((count, index) => { row[countsAt + (index >>> 2)]! |= count << byteOf(index) })
  return row
}

/** Whether a row can be one of these, whatever wrote it. */
export function isPacked (row: Uint32Array): boolean {
  if (row.length < HEAD) return false
  const counts = Math.ceil(row[WORDS_AT]! / 4)
  return row.length === HEAD + row[WORDS_AT]! + row[SYMBOLS_AT]! + row[PATH_AT]! + counts
}

export function unpackRecord ({ chunk, start }: Place): FileRecord {
  const symbolsAt = start + HEAD + chunk[start + WORDS_AT]!
  const pathAt = symbolsAt + chunk[start + SYMBOLS_AT]!
  const countsAt = pathAt + chunk[start + PATH_AT]!
  return {
    hash: Array.from(chunk.subarray(start, start + HASH_WORDS), (word) => word.toString(16).padStart(8, '0')).join(''),
    words: chunk.slice(start + HEAD, symbolsAt),
    counts: Uint8Array.from({ length: chunk[start + WORDS_AT]! }, (_, index) => countAt(chunk, countsAt, index)),
    length: chunk[start + LENGTH_AT]!,
    symbols: chunk.slice(symbolsAt, pathAt)
  }
}

/** Words in all of a packed record. */
export function lengthAt ({ chunk, start }: Place): number {
  return chunk[start + LENGTH_AT]!
}

/** The first word of its hash; 0 where there is no text. */
export function firstHashWord ({ chunk, start }: Place): number {
  return chunk[start]!
}

export function hasHash ({ chunk, start }: Place, hash: string): boolean {
  for (let word = 0; word < HASH_WORDS; word++) if (chunk[start + word] !== hashWord(hash, word)) return false
  return true
}

/** One of the eight words of a hash. */
export function hashWord (hash: string, word: number): number {
  return Number.parseInt(hash.slice(word * 8, word * 8 + 8), 16)
}

/** Looks for the words of a task. */
export function matchTerms ({ chunk, start }: Place, query: readonly QueryTerm[], visit: Visit): void {
  const wordsAt = start + HEAD
  const symbolsAt = wordsAt + chunk[start + WORDS_AT]!
  const pathAt = symbolsAt + chunk[start + SYMBOLS_AT]!
  const countsAt = pathAt + chunk[start + PATH_AT]!
  for (let term = 0; term < query.length; term++) {
    const { hash } = query[term]!
    const at = indexOfHash(chunk, hash, wordsAt, symbolsAt)
    const inPath = indexOfHash(chunk, hash, pathAt, countsAt) >= 0
    if (at < 0 && !inPath) continue
    visit(term, at < 0 ? 0 : countAt(chunk, countsAt, at - wordsAt), inPath, indexOfHash(chunk, hash, symbolsAt, pathAt) >= 0)
  }
}

/** Where in its word a count lies, bits. */
function byteOf (index: number): number {
  return (index & 3) * 8
}

function countAt (chunk: Uint32Array, countsAt: number, index: number): number {
  return (chunk[countsAt + (index >>> 2)]! >>> byteOf(index)) & 255
}
