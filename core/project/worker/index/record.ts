import type { FileSymbols } from '../symbols/symbols.js'
import { countWords, hashOf, wholeOf, wordSet } from './terms.js'

/** What is known of one file beside its text. Small, made of plain arrays, and kept on disk between starts. */
export interface FileRecord {
  /** SHA-256 of the file's bytes, hexadecimal. */
  hash: string
  words: Uint32Array
  counts: Uint8Array
  /** Words in all. */
  length: number
  /** Words of the names that it defines. */
  symbols: Uint32Array
  /** Whole names that it defines, each as one hash. */
  defines: Uint32Array
  /** Whole names that it uses and does not define. */
  references: Uint32Array
  imports: string[]
}

/** `text` is what may leave: secrets are taken out before. */
export function recordOf (hash: string, text: string, symbols: FileSymbols): FileRecord {
  const { hashes, counts, length } = countWords(text)
  const names = symbols.definitions.filter(({ kind }) => kind !== 'section').map(({ name }) => name)
  return {
    hash,
    words: hashes,
    counts,
    length,
    symbols: wordSet(names),
    defines: wholeNames(names),
    references: wholeNames(symbols.references),
    imports: symbols.imports
  }
}

function wholeNames (names: readonly string[]): Uint32Array {
  return Uint32Array.from(new Set(names.map((name) => hashOf(wholeOf(name))))).sort()
}
