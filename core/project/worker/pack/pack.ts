import type { QueryTerm } from '../index/terms.js'
import { indexOfHash } from '../index/terms.js'
import type { FileShape, Segment } from './shape.js'

export type Truncation = 'none' | 'sampled' | 'outline' | 'stripped' | 'summary'

export interface Size {
  bytes: number
  tokens: number
}

export interface Packable<Made extends Entry = Entry> {
  path: string
  /** How likely the reader needs it, against the others; above 0. */
  worth: number
  shape: FileShape
  /** The file's entry in the answer: whole for `null`, else the marked lines of it; `version` tells what is marked from what is not. */
  entry (keep: Uint8Array | null, version: string, truncation: Truncation): Made
  /** Of the entry without its content, for planning. */
  envelope: Size
}

export interface Entry {
  /** Counted exactly, with the comma behind it. */
  size: Size
  truncation: Truncation
}

export interface Packed<Made extends Entry = Entry> {
  path: string
  entry: Made
}

/** Values that `npm run bench:context` has found; see docs/context.md. */
export interface PackOptions {
  /** What knowing a file's definitions is worth, against 1 for its whole text. */
  outlineWorth: number
  /** What a segment's match with the task adds to its worth, against 1 for its length. */
  matchWorth: number
  /** The largest share of the budget that one file may take. */
  fileShare: number
}

export const PACKING: PackOptions = { outlineWorth: 0.45, matchWorth: 8, fileShare: 0.5 }

/** Files whose rest costs less than that are not worth a gap. */
const SMALL_REST = 40
// A gap is shown as a line of its own.
const GAP_TOKENS = 4

interface Item {
  file: number
  /** -1 for the outline or the small file as a whole. */
  segment: number
  size: Size
  density: number
}

interface State {
  segments: Uint8Array
  base: boolean
  size: Size
}

/**
 * Chooses what to show of which file, so that what is shown is worth most within the budget: steps (a file's outline, then
 * its segments) are taken in order of worth per token, each as long as it fits. What is best at a small budget is so at
 * a larger one, too: a larger budget takes the same steps and then further ones.
 */
export function pack<Made extends Entry> (files: readonly Packable<Made>[], query: readonly QueryTerm[], weights: readonly number[], budget: Size, options: PackOptions = PACKING): Packed<Made>[] {
  const states: State[] = files.map(({ shape }) => ({ segments: new Uint8Array(shape.segments.length), base: false, size: { bytes: 0, tokens: 0 } }))
  const left = { ...budget }
  const costOf = (size: Size): number => Math.max(size.bytes / budget.bytes, budget.tokens === Infinity ? 0 : size.tokens / budget.tokens)
  const queue: Item[] = []
  const matches = segmentMatches(files, query, weights)
  files.forEach((file, index) => queue.push(...itemsOf(file, index, matches[index]!, options, costOf)))
  queue.sort((a, b) => b.density - a.density || a.file - b.file || a.segment - b.segment)

  const taken: Item[] = []
  for (const item of queue) {
    const state = states[item.file]!
    if (item.segment >= 0 && !state.base) continue
    if (item.size.bytes > left.bytes || item.size.tokens > left.tokens) continue
    const grown = { bytes: state.size.bytes + item.size.bytes, tokens: state.size.tokens + item.size.tokens }
    if (item.segment >= 0 && files.length > 1 && costOf(grown) > options.fileShare) continue
    if (item.segment >= 0) state.segments[item.segment] = 1
    else state.base = true
    if (item.segment < 0 && isSmall(files[item.file]!)) state.segments.fill(1)
    state.size = grown
    left.bytes -= item.size.bytes
    left.tokens -= item.size.tokens
    taken.push(item)
  }
  return settle(files, states, taken, budget)
}

function isSmall ({ shape, envelope }: Packable): boolean {
  return shape.segments.length <= 1 || shape.tokens <= shape.outlineTokens + SMALL_REST || shape.tokens < envelope.tokens
}

function itemsOf (file: Packable, index: number, matches: Float64Array, options: PackOptions, costOf: (size: Size) => number): Item[] {
  const { shape, envelope, worth } = file
  if (isSmall(file)) {
    const size = { bytes: shape.bytes + envelope.bytes, tokens: shape.tokens + envelope.tokens }
    return [{ file: index, segment: -1, size, density: worth / costOf(size) }]
  }
  const { sizes, weights } = costsOf(shape)
  const worths = weights.map((weight, at) => weight * (1 + options.matchWorth * matches[at]!))
  const outlineWorth = options.outlineWorth * shape.outlineShare
  const total = worths.reduce((sum, value) => sum + value, 1e-9)
  const segments = sizes.map((size, at): Item => {
    return { file: index, segment: at, size, density: worth * (1 - outlineWorth) * worths[at]! / total / costOf(size) }
  }).sort((a, b) => b.density - a.density)

  // The outline opens the way to the segments: it is worth what it is worth with the best of them.
  const size = { bytes: shape.outlineBytes + envelope.bytes, tokens: shape.outlineTokens + envelope.tokens }
  let value = worth * outlineWorth
  let cost = costOf(size)
  let density = value / cost
  for (const segment of segments) {
    const added = costOf(segment.size)
    value += segment.density * added
    cost += added
    density = Math.max(density, value / cost)
  }
  return [
    { file: index, segment: -1, size, density },
    ...segments.map((segment) => ({ ...segment, density: Math.min(segment.density, density) }))
  ]
}

/** What does not depend on the task or the budget, once for each shape. */
interface Costs {
  /** What each segment adds. */
  sizes: readonly Size[]
  /** What it is worth by its length and kind. */
  weights: readonly number[]
}

const costs = new WeakMap<FileShape, Costs>()

function costsOf (shape: FileShape): Costs {
  const known = costs.get(shape) ?? {
    sizes: shape.segments.map((segment) => addedBy(shape, segment)),
    weights: shape.segments.map(({ start, end, code }) => Math.sqrt(end - start + 1) * code)
  }
  costs.set(shape, known)
  return known
}

/** What a segment adds to an outline that shows some of its lines already. */
function addedBy (shape: FileShape, segment: Segment): Size {
  let shown = 0
  for (let line = segment.start; line <= segment.end; line++) shown += shape.outline[line]!
  const share = 1 - shown / (segment.end - segment.start + 1)
  return { bytes: Math.ceil(segment.bytes * share) + 8, tokens: Math.ceil(segment.tokens * share) + GAP_TOKENS }
}

/** Which words of a task stand in a file's segments, and how much each counts there. */
interface SegmentTerms {
  /** The hashes of the task. */
  task: string
  segments: readonly number[]
  terms: readonly number[]
  values: readonly number[]
}

/** Of the task that was asked for last, because the next answer is about the same. */
const segmentTerms = new WeakMap<FileShape, SegmentTerms>()

function termsIn (shape: FileShape, query: readonly QueryTerm[], task: string): SegmentTerms {
  const known = segmentTerms.get(shape)
  if (known?.task === task) return known
  const found = { task, segments: [] as number[], terms: [] as number[], values: [] as number[] }
  shape.segments.forEach(({ words }, segment) => query.forEach(({ hash }, term) => {
    const at = indexOfHash(words.hashes, hash)
    if (at < 0) return
    found.segments.push(segment)
    found.terms.push(term)
    found.values.push(1 + Math.log(words.counts[at]!))
  }))
  segmentTerms.set(shape, found)
  return found
}

/** How well each segment answers the task, 0…1 over all files. */
function segmentMatches (files: readonly Packable[], query: readonly QueryTerm[], weights: readonly number[]): Float64Array[] {
  const task = query.map(({ hash }) => hash).join(' ')
  let best = 1e-9
  const found = files.map(({ shape }) => {
    const sums = new Float64Array(shape.segments.length)
    const { segments, terms, values } = termsIn(shape, query, task)
    for (let at = 0; at < segments.length; at++) {
      const sum = sums[segments[at]!]! += weights[terms[at]!]! * values[at]!
      best = Math.max(best, sum)
    }
    return sums
  })
  for (const values of found) for (let at = 0; at < values.length; at++) values[at]! /= best
  return found
}

/** Renders what was chosen and counts it exactly; steps that turn out too large are taken back, the last first. */
function settle<Made extends Entry> (files: readonly Packable<Made>[], states: readonly State[], taken: Item[], budget: Size): Packed<Made>[] {
  const rendered = new Map<number, Packed<Made>>()
  let total = { bytes: 0, tokens: 0 }
  const put = (index: number): void => {
    const before = rendered.get(index)?.entry.size ?? { bytes: 0, tokens: 0 }
    const after = states[index]!.base ? render(files[index]!, states[index]!) : undefined
    if (after === undefined) rendered.delete(index)
    else rendered.set(index, after)
    total = { bytes: total.bytes - before.bytes + (after?.entry.size.bytes ?? 0), tokens: total.tokens - before.tokens + (after?.entry.size.tokens ?? 0) }
  }
  states.forEach((state, index) => { if (state.base) put(index) })
  while (total.bytes > budget.bytes || total.tokens > budget.tokens) {
    const item = taken.pop()!
    const state = states[item.file]!
    if (item.segment < 0) {
      state.base = false
      state.segments.fill(0)
    } else {
      state.segments[item.segment] = 0
    }
    put(item.file)
  }
  return [...rendered].sort(([a], [b]) => a - b).map(([, packed]) => packed)
}

function render<Made extends Entry> (file: Packable<Made>, state: State): Packed<Made> {
  const { shape, path, envelope } = file
  const whole = (): Packed<Made> => ({ path, entry: file.entry(null, '', 'none') })
  if (state.segments.every((shown) => shown === 1)) return whole()
  const keep = Uint8Array.from(shape.outline)
  shape.segments.forEach((segment, at) => {
    if (state.segments[at] === 1) keep.fill(1, segment.start, segment.end + 1)
  })
  const entry = file.entry(keep, state.segments.join(''), state.segments.includes(1) ? 'sampled' : shape.outlineIs)
  // Gaps can cost more than what they leave out.
  return entry.size.tokens >= shape.tokens + envelope.tokens ? whole() : { path, entry }
}
