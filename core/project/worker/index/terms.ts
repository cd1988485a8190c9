import { ownCopy } from '../own-copy.js'

/**
 * Words as the index knows them: identifiers taken apart, lower case, stemmed, and hashed to 32 bits. The index is kept
 * on disk, and of a hash nobody reads what a file said. Two words that share a hash (one pair in four thousand millions)
 * make a file look a little more relevant than it is, and nothing else.
 */

const WORD = /[\p{L}\p{N}_$]+/gu
const PART = /[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\p{ASCII}]+/gu
const LONGEST_WORD = 64
const MAX_KNOWN = 100_000

/** The words of a text, identifiers taken apart (`parseURLQuery`, `parse_url_query` → parse, url, query), lower case. */
export function splitWords (text: string): string[] {
  return [...text.matchAll(WORD)].flatMap(([word]) => partsOf(word)).filter((word) => word.length > 1)
}

function partsOf (word: string): string[] {
  return (word.match(PART) ?? []).map((part) => part.toLowerCase())
}

/** Cuts the commonest English endings, so that `waiting` finds `wait`. */
export function stem (word: string): string {
  const single = word.length > 3 ? word.replace(/(?<=[^s])s$/, '') : word
  if (single.length < 5) return single.length === 4 ? single.replace(/e$/, '') : single
  const base = single.replace(/(ation|ing|ie|ied|er|or|ed|e|y)$/, (ending) => (single.length - ending.length >= 3 ? '' : ending))
  // stopped → stop, but not pass → pas.
  return /([bdgmnprt])\1$/.test(base) && base !== single ? base.slice(0, -1) : base
}

/** FNV-1a, 32 bits. */
export function hashOf (text: string): number {
  let hash = 0x811C9DC5
  for (let at = 0; at < text.length; at++) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  }
  return hash >>> 0
}

/** Identifier → hashes of its stemmed parts and, where it has several, of the whole. */
const known = new Map<string, readonly number[]>()

/** The hashes of one identifier: of each of its parts and, where there are several, of the whole in lower case. */
export function hashesOf (identifier: string): readonly number[] {
  const present = known.get(identifier)
  if (present !== undefined) return present
  const hashes: number[] = []
  if (identifier.length <= LONGEST_WORD) {
    const parts = partsOf(identifier)
    for (const part of parts) if (part.length > 1) hashes.push(hashOf(stem(part)))
    // As one word, the same for `parseQuery`, `parse_query` and `ParseQuery`.
    if (parts.length > 1) hashes.push(hashOf(identifier.replace(/[_$]/g, '').toLowerCase()))
  }
  if (known.size >= MAX_KNOWN) known.clear()
  // Without the room that a list which grew has left: it would take five times as much as what is in it.
  const list = hashes.slice()
  known.set(ownCopy(identifier), list)
  return list
}

/** 1 for signs of ASCII that words are made of. */
const WORD_SIGNS = Uint8Array.from({ length: 128 }, (_, code) => (/[\w$]/.test(String.fromCharCode(code)) ? 1 : 0))
const WORD_SIGN = /[\p{L}\p{N}]/u

/** The same words that `WORD` finds, in a third of the time. */
function eachWord (text: string, use: (word: string) => void): void {
  let start = -1
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    let units = 1
    let isInWord: boolean
    if (code < 128) {
      isInWord = WORD_SIGNS[code] === 1
    } else {
      const point = text.codePointAt(at)!
      if (point > 0xFFFF) units = 2
      isInWord = WORD_SIGN.test(String.fromCodePoint(point))
    }
    if (isInWord) {
      if (start < 0) start = at
    } else if (start >= 0) {
      use(text.slice(start, at))
      start = -1
    }
    at += units - 1
  }
  if (start >= 0) use(text.slice(start))
}

const MOST_COUNTED = 255

export interface WordCounts {
  /** Sorted. */
  hashes: Uint32Array
  /** How often each occurs, at most 255. */
  counts: Uint8Array
  /** Of all words. */
  length: number
}

export function countWords (text: string): WordCounts {
  const counts = new Map<number, number>()
  let length = 0
  eachWord(text, (word) => {
    for (const hash of hashesOf(word)) {
      counts.set(hash, (counts.get(hash) ?? 0) + 1)
      length++
    }
  })
  return countsOf(counts, length)
}

function countsOf (counts: ReadonlyMap<number, number>, length: number): WordCounts {
  const hashes = Uint32Array.from(counts.keys()).sort()
  return { hashes, counts: Uint8Array.from(hashes, (hash) => Math.min(MOST_COUNTED, counts.get(hash)!)), length }
}

/** The words of a text by those of its parts, no word of which is in two parts. */
export function sumWords (parts: readonly WordCounts[]): WordCounts {
  const sums = new Map<number, number>()
  let length = 0
  for (const part of parts) {
    length += part.length
    for (let at = 0; at < part.hashes.length; at++) sums.set(part.hashes[at]!, (sums.get(part.hashes[at]!) ?? 0) + part.counts[at]!)
  }
  return countsOf(sums, length)
}

/** Sorted and distinct. */
export function wordSet (texts: readonly string[]): Uint32Array {
  const hashes = new Set<number>()
  for (const text of texts) {
    for (const [word] of text.matchAll(WORD)) for (const hash of hashesOf(word)) hashes.add(hash)
  }
  return Uint32Array.from(hashes).sort()
}

/** Place of a hash in an array that is sorted between two places, or -1. */
export function indexOfHash (hashes: Uint32Array, hash: number, start = 0, end = hashes.length): number {
  let low = start
  let high = end - 1
  while (low <= high) {
    const middle = (low + high) >>> 1
    const value = hashes[middle]!
    if (value === hash) return middle
    if (value < hash) low = middle + 1
    else high = middle - 1
  }
  return -1
}

// Words that occur in every task and tell no file from another.
const STOP_WORDS = new Set(('a an the and or of to in on for with is are be was were by from at as it its this that these those not no when if then than into do does done ' +
  'should must can could will would may might add adds added fix fixes fixed make makes use uses using used update change changes changed implement create remove removed support new all any ' +
  'some more so we you he they i our your their has have had there here which who what how why also only just but because about after before between both each ' +
  'such same other another via per now out up down over very too been being get gets set sets let e g ie eg etc feat chore docs refactor perf test tests').split(' '))

const MAX_QUERY_TERMS = 80

export interface QueryTerm {
  hash: number
  /** 0…1: what the title says counts more than what the description says. */
  weight: number
}

/** What a task asks for. Labels count like the title, each distinct word once, with the larger of its weights. */
export function queryOf (title: string, description: string): QueryTerm[] {
  const terms = new Map<number, number>()
  const add = (text: string, weight: number): void => {
    for (const [word] of text.matchAll(WORD)) {
      if (terms.size >= MAX_QUERY_TERMS) return
      if (STOP_WORDS.has(word.toLowerCase())) continue
      for (const hash of hashesOf(word)) terms.set(hash, Math.max(terms.get(hash) ?? 0, weight))
    }
  }
  add(title, 1)
  add(description, title === '' ? 1 : 0.6)
  for (const word of STOP_WORDS) for (const hash of hashesOf(word)) terms.delete(hash)
  return [...terms].map(([hash, weight]) => ({ hash, weight }))
}
