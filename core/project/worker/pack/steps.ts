import type { QueryTerm } from '../index/terms.js'
import { indexOfHash } from '../index/terms.js'
import type { FileShape, Segment } from './shape.js'

export interface Size {
  bytes: number
  tokens: number
}

/** Values that `npm run bench:context` has found; see docs/context.md. */
export interface PackOptions {
  /** What knowing a file's definitions is worth, against 1 for its whole text. */
  outlineWorth: number
  /** What a segment's match with the task adds to its worth, against 1 for its length. */
  matchWorth: number
  /** What a segment of comments is worth, against one of code: little, but more than a file that has nothing to do with the task. */
  commentWorth: number
  /** The largest share of the budget that one file may take from others. */
  fileShare: number
}

export const PACKING: PackOptions = { outlineWorth: 0.45, matchWorth: 8, commentWorth: 0.1, fileShare: 0.5 }

/** Files whose rest costs less than that are not worth a gap. */
const SMALL_REST = 40
// A gap is shown as a line of its own.
const GAP_TOKENS = 4

/** One way to show more of a file. */
export interface Step {
  /** -1 for the outline, or for a small file as a whole. */
  segment: number
  size: Size
  /** Worth for each token or byte it costs, in a file of worth 1. */
  density: number
}

/** A file's steps, best first: the outline, which opens the way to the others, then its segments. */
export interface Steps {
  list: readonly Step[]
  /** Of the smallest step. */
  least: Size
}

/** What a step's worth is divided by: the scarcer of the two. */
export type Price = (size: Size) => number

interface Known {
  match: Match
  best: number
  price: Price
  envelope: Size
  options: PackOptions
  steps: Steps
}

/** Of the task that was asked for last, because the next answer is about the same. */
const known = new WeakMap<FileShape, Known>()

/** `match` is how the file's segments match the task, `best` the best match of all files, and `envelope` what its entry takes without content. */
export function stepsOf (shape: FileShape, envelope: Size, match: Match, best: number, price: Price, options: PackOptions): Steps {
  const held = known.get(shape)
  if (held?.match === match && held.best === best && held.price === price && held.envelope === envelope && held.options === options) return held.steps
  const list = listSteps(shape, envelope, match, best, price, options)
  const steps = { list, least: { bytes: Math.min(...list.map(({ size }) => size.bytes)), tokens: Math.min(...list.map(({ size }) => size.tokens)) } }
  known.set(shape, { match, best, price, envelope, options, steps })
  return steps
}

export function isSmall (shape: FileShape, envelope: Size): boolean {
  return shape.segments.length <= 1 || shape.tokens <= shape.outlineTokens + SMALL_REST || shape.tokens < envelope.tokens
}

function listSteps (shape: FileShape, envelope: Size, { sums }: Match, best: number, price: Price, options: PackOptions): Step[] {
  if (isSmall(shape, envelope)) {
    const size = { bytes: shape.bytes + envelope.bytes, tokens: shape.tokens + envelope.tokens }
    return [{ segment: -1, size, density: 1 / price(size) }]
  }
  const worths = shape.segments.map(({ start, end, code }, at) => Math.sqrt(end - start + 1) * Math.max(code, options.commentWorth) * (1 + options.matchWorth * sums[at]! / best))
  const outlineWorth = options.outlineWorth * shape.outlineShare
  const total = worths.reduce((sum, value) => sum + value, 1e-9)
  const segments = shape.segments.map((segment, at): Step => {
    const size = addedBy(shape, segment)
    return { segment: at, size, density: (1 - outlineWorth) * worths[at]! / total / price(size) }
  }).sort((a, b) => b.density - a.density || a.segment - b.segment)

  // It is worth what it is worth with the best of the segments.
  const size = { bytes: shape.outlineBytes + envelope.bytes, tokens: shape.outlineTokens + envelope.tokens }
  let value = outlineWorth
  let cost = price(size)
  let density = value / cost
  for (const segment of segments) {
    const added = price(segment.size)
    value += segment.density * added
    cost += added
    density = Math.max(density, value / cost)
  }
  for (const segment of segments) segment.density = Math.min(segment.density, density)
  return [{ segment: -1, size, density }, ...segments]
}

/** What a segment adds to an outline that shows some of its lines already. */
function addedBy (shape: FileShape, segment: Segment): Size {
  let shown = 0
  for (let line = segment.start; line <= segment.end; line++) shown += shape.outline[line]!
  const share = 1 - shown / (segment.end - segment.start + 1)
  return { bytes: Math.ceil(segment.bytes * share) + 8, tokens: Math.ceil(segment.tokens * share) + GAP_TOKENS }
}

/** A task as the packing knows it: by its words, and by what each of them is worth at the moment. */
export interface PackTask {
  query: readonly QueryTerm[]
  weights: readonly number[]
  words: string
  worths: string
}

export function packTask (query: readonly QueryTerm[], weights: readonly number[]): PackTask {
  return { query, weights, words: query.map(({ hash }) => hash).join(' '), worths: weights.join(' ') }
}

/** How a file's segments answer a task. */
export interface Match {
  words: string
  worths: string
  sums: Float64Array
  best: number
  /** Which words of the task stand in which segments, and how much each counts there. */
  found: SegmentTerms
}

interface SegmentTerms {
  segments: readonly number[]
  terms: readonly number[]
  values: readonly number[]
}

/** Of the task that was asked for last, because the next answer is about the same. */
const matches = new WeakMap<FileShape, Match>()

export function matchOf (shape: FileShape, { query, weights, words, worths }: PackTask): Match {
  const held = matches.get(shape)
  if (held?.words === words && held.worths === worths) return held
  const found = held?.words === words ? held.found : findTerms(shape, query)
  const sums = new Float64Array(shape.segments.length)
  let best = 0
  for (let at = 0; at < found.segments.length; at++) {
    const sum = sums[found.segments[at]!]! += weights[found.terms[at]!]! * found.values[at]!
    best = Math.max(best, sum)
  }
  const match = { words, worths, sums, best, found }
  matches.set(shape, match)
  return match
}

function findTerms ({ segments }: FileShape, query: readonly QueryTerm[]): SegmentTerms {
  const found = { segments: [] as number[], terms: [] as number[], values: [] as number[] }
  segments.forEach(({ words }, segment) => query.forEach(({ hash }, term) => {
    const at = indexOfHash(words.hashes, hash)
    if (at < 0) return
    found.segments.push(segment)
    found.terms.push(term)
    found.values.push(1 + Math.log(words.counts[at]!))
  }))
  return found
}
