import { countBytePairs } from './byte-pairs.js'
import { ownCopy } from './own-copy.js'

// Joining bytes takes time in the square of the longest run of letters, of signs or of spaces (measured: 16 s for 64,000 characters
// of Chinese), so long runs are counted in pieces. That gives at most a token or two more for each.
const LONGEST_RUN = 256
const LONG_RUN = /(\S{256}|\s{256})/u

/**
 * Where the tokenizer begins anew, whatever comes: before a sign of ASCII other than an apostrophe, behind a letter or digit of it. What
 * stands between two such places has as many tokens alone as it has in the text.
 */
const PLACES = /(?<=[A-Za-z0-9])(?=[^A-Za-z0-9'\u0080-\uFFFF])/
// Words come again and again: of the parts of a project's code, seven of eight were counted before.
const LONGEST_KNOWN = 64
const MOST_KNOWN = 100_000
const known = new Map<string, number>()

/** Between two line breaks as JSON writes them is such a place, too. */
const BLANK_LINE = '\\n\\n'
const LINE_BREAK_LENGTH = 2
/** From this length on a text is worth cutting there: of a file that was edited, all paragraphs but one were counted before. */
const LONG_TEXT = 4096
const LONGEST_PARAGRAPH = 4096
const MOST_PARAGRAPHS_LENGTH = 1024 * 1024
/** Those that were met last, and those before them: what is met again goes from these to those, and the rest is forgotten. */
let paragraphs = new Map<string, number>()
let earlier = new Map<string, number>()
let paragraphsLength = 0

/** What has no blank lines is cut by what stands there, so that it is cut in the same places when something before has changed. */
const SHORTEST_PIECE = 256
const WINDOW = 8
const EVERY = 16

/** Tokens of a text in o200k_base. */
export function countTokens (text: string): number {
  if (text.length < LONG_TEXT) return countParts(text)
  let sum = 0
  let start = 0
  for (let at = text.indexOf(BLANK_LINE); at >= 0; at = text.indexOf(BLANK_LINE, at + LINE_BREAK_LENGTH)) {
    sum += countParagraph(text.slice(start, at + LINE_BREAK_LENGTH))
    start = at + LINE_BREAK_LENGTH
  }
  return sum + countParagraph(text.slice(start))
}

function countParagraph (text: string): number {
  if (text.length <= LONGEST_PARAGRAPH) return countKnown(text)
  let sum = 0
  let start = 0
  for (let at = SHORTEST_PIECE; at < text.length; at++) {
    if (!isPlace(text, at) || (at - start < LONGEST_PARAGRAPH && !isMarked(text, at))) continue
    sum += countKnown(text.slice(start, at))
    start = at
    at += SHORTEST_PIECE
  }
  return sum + countKnown(text.slice(start))
}

/** Whether `PLACES` cuts here. */
function isPlace (text: string, at: number): boolean {
  const next = text.charCodeAt(at)
  return isSign(text.charCodeAt(at - 1)) && next < 0x80 && next !== APOSTROPHE && !isSign(next)
}

const APOSTROPHE = 0x27

/** A letter or digit of ASCII. */
function isSign (code: number): boolean {
  return (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || (code >= 48 && code <= 57)
}

function isMarked (text: string, at: number): boolean {
  let sum = 0
  for (let back = 1; back <= WINDOW; back++) sum = Math.imul(sum, 31) + text.charCodeAt(at - back) | 0
  return (sum >>> 8) % EVERY === 0
}

function countKnown (text: string): number {
  const before = paragraphs.get(text)
  if (before !== undefined) return before
  const tokens = earlier.get(text) ?? countParts(text)
  if (text.length > LONGEST_PARAGRAPH) return tokens
  paragraphsLength += text.length
  if (paragraphsLength > MOST_PARAGRAPHS_LENGTH) {
    earlier = paragraphs
    paragraphs = new Map()
    paragraphsLength = text.length
  }
  paragraphs.set(ownCopy(text), tokens)
  return tokens
}

function countParts (text: string): number {
  let sum = 0
  for (const part of text.split(PLACES)) {
    const tokens = known.get(part)
    sum += tokens ?? countPart(part)
  }
  return sum
}

function countPart (part: string): number {
  if (part === '') return 0
  if (hasLongRun(part)) return part.split(LONG_RUN).reduce((sum, piece) => sum + countBytePairs(piece), 0)
  const tokens = countBytePairs(part)
  if (part.length > LONGEST_KNOWN) return tokens
  if (known.size >= MOST_KNOWN) known.clear()
  known.set(ownCopy(part), tokens)
  return tokens
}

/** Looks back from every 256th character for the start of its run, so that most characters are never looked at. */
function hasLongRun (text: string): boolean {
  for (let end = LONGEST_RUN - 1; end < text.length;) {
    const kind = isSpace(text.charCodeAt(end))
    const first = end - LONGEST_RUN + 1
    let at = end
    while (at > first && isSpace(text.charCodeAt(at - 1)) === kind) at--
    if (at === first) return true
    end = at + LONGEST_RUN - 1
  }
  return false
}

/** As `\s` has it, but for the rarest, which only make a run seem longer. */
function isSpace (code: number): boolean {
  return code === 0x20 || (code >= 9 && code <= 13) || code === 0xA0 || code === 0x3000 || (code >= 0x2000 && code <= 0x200A)
}
