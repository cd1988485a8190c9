import type { FileStructure } from '../symbols/symbols.js'
import { countWords, wordSet } from './terms.js'

/** What is known of one file beside its text, and kept on disk between starts. */
export interface FileRecord {
  /** SHA-256 of the file's bytes, hexadecimal. */
  hash: string
  words: Uint32Array
  counts: Uint8Array
  /** Words in all. */
  length: number
  /** Words of the names that it defines. */
  symbols: Uint32Array
}

/** `text` is what may leave: secrets are taken out before. */
export function recordOf (hash: string, text: string, symbols: FileStructure): FileRecord {
  const { hashes, counts, length } = countWords(text)
  const names = symbols.definitions.filter(({ kind }) => kind !== 'section').map(({ name }) => name)
  return {
    hash,
    words: hashes,
    counts,
    length,
    symbols: wordSet(names)
  }
}
