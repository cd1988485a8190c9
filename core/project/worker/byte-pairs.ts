import { encodingRanks, rankOf } from './byte-pair-ranks.js'

/** How the encoding o200k_base cuts a text before it joins bytes, as its authors publish it. Something matches at each place of any text. */
const ENDING = "(?:'(?:[sS]|[dD]|[mM]|[tT]|[lL][lL]|[vV][eE]|[rR][eE]))?"
const PIECE = new RegExp([
  String.raw`[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+${ENDING}`,
  String.raw`[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*${ENDING}`,
  String.raw`\p{N}{1,3}`,
  String.raw` ?[^\s\p{L}\p{N}]+[\r\n/]*`,
  String.raw`\s*[\r\n]+`,
  String.raw`\s+(?!\S)`,
  String.raw`\s+`
].join('|'), 'yu')

const ASCII_LIMIT = 0x80
/** Most bytes of a unit of UTF-16 in UTF-8. */
const MOST_BYTES = 3
const NEVER = 0x7FFFFFFF

const ranks = encodingRanks()
const encoder = new TextEncoder()
let bytes = new Uint8Array(1024)
/** Where the parts of a piece begin, and the rank of each joined with its neighbour. */
let starts = new Int32Array(1025)
let joined = new Int32Array(1025)

/**
 * Tokens of a text in o200k_base; what looks like a control token counts as the text that it is.
 * Takes time in the square of its longest run of letters, of signs or of spaces.
 */
export function countBytePairs (text: string): number {
  let tokens = 0
  let start = 0
  PIECE.lastIndex = 0
  while (start < text.length && PIECE.test(text)) {
    const end = PIECE.lastIndex
    const length = encode(text, start, end)
    tokens += length === 1 || rankOf(ranks, bytes, 0, length) >= 0 ? 1 : countMerged(length)
    start = end
    PIECE.lastIndex = end
  }
  return tokens
}

/** Puts a part of a text into `bytes`; how many they are. */
function encode (text: string, start: number, end: number): number {
  const most = (end - start) * MOST_BYTES
  if (most > bytes.length) {
    bytes = new Uint8Array(2 * most)
    starts = new Int32Array(2 * most + 1)
    joined = new Int32Array(2 * most + 1)
  }
  for (let at = start; at < end; at++) {
    const code = text.charCodeAt(at)
    if (code >= ASCII_LIMIT) return encoder.encodeInto(text.slice(start, end), bytes).written
    bytes[at - start] = code
  }
  return end - start
}

/** Joins the two neighbours of the lowest rank until none are left that can be; how many parts remain of the first `length` of `bytes`. */
function countMerged (length: number): number {
  let parts = length
  for (let part = 0; part <= length; part++) starts[part] = part
  for (let part = 0; part < length; part++) joined[part] = rankOfPair(part, parts)
  while (parts > 1) {
    let lowest = NEVER
    let at = -1
    for (let part = 0; part < parts - 1; part++) {
      if (joined[part]! < lowest) {
        lowest = joined[part]!
        at = part
      }
    }
    if (at < 0) break
    starts.copyWithin(at + 1, at + 2, parts + 1)
    joined.copyWithin(at, at + 1, parts)
    parts--
    joined[at] = rankOfPair(at, parts)
    if (at > 0) joined[at - 1] = rankOfPair(at - 1, parts)
  }
  return parts
}

function rankOfPair (part: number, parts: number): number {
  if (part + 2 > parts) return NEVER
  const rank = rankOf(ranks, bytes, starts[part]!, starts[part + 2]!)
  return rank < 0 ? NEVER : rank
}
