import { countTokens as count } from 'gpt-tokenizer/encoding/o200k_base'

// The tokenizer takes time in the square of the longest run of letters, of signs or of spaces, so long runs are counted in pieces. Others
// are not: JSON hardly has a space, and a cut within a word would count it twice.
const LONG_RUN = /([\p{L}\p{N}]{256}|[^\s\p{L}\p{N}]{256}|\s{256})/u
const OPTIONS = { disallowedSpecial: new Set<string>() }

/** Tokens of the o200k_base vocabulary. */
export function countTokens (text: string): number {
  return text.split(LONG_RUN).reduce((sum, piece) => sum + (piece === '' ? 0 : count(piece, OPTIONS)), 0)
}
