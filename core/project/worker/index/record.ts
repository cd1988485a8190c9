import type { FileStructure } from '../symbols/symbols.js'
import { wordSet, type WordCounts } from './terms.js'

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

/** The words are those of what may leave: secrets are taken out before. */
export function recordOf (hash: string, { hashes, counts, length }: WordCounts, symbols: FileStructure): FileRecord {
  const names = symbols.definitions.filter(({ kind }) => kind !== 'section').map(({ name }) => name)
  return {
    hash,
    words: hashes,
    counts,
    length,
    symbols: wordSet(names)
  }
}
