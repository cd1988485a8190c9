import type { QueryTerm } from '../index/terms.js'
import { StepQueue } from './queue.js'
import type { FileShape } from './shape.js'
import { isSmall, matchOf, PACKING, packTask, stepsOf, type PackOptions, type Price, type Size, type Step, type Steps } from './steps.js'

export type { Size } from './steps.js'

export type Truncation = 'none' | 'sampled' | 'outline' | 'stripped' | 'summary'

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

/** How often what an exact count leaves is given out. */
const ROUNDS = 4
const BYTES_PER_TOKEN = 3.5
const NOTHING: Size = { bytes: 0, tokens: 0 }

const byBytes: Price = ({ bytes }) => bytes
const byTokens: Price = ({ tokens }) => tokens

interface State {
  steps: Steps
  /** The step that comes next. */
  next: number
  segments: Uint8Array
  base: boolean
  size: Size
}

interface Taken {
  file: number
  segment: number
}

/**
 * Chooses what to show of which file, so that what is shown is worth most within the budget: steps (a file's outline, then
 * its segments) are taken in order of worth per token, each as long as it fits. What is best at a small budget is so at
 * a larger one, too: a larger budget takes the same steps and then further ones. Where all files fit, all are whole.
 */
export function pack<Made extends Entry> (files: readonly Packable<Made>[], query: readonly QueryTerm[], weights: readonly number[], budget: Size, options: PackOptions = PACKING): Packed<Made>[] {
  const whole = allWhole(files, budget)
  if (whole !== undefined) return whole
  const price = budget.tokens * BYTES_PER_TOKEN < budget.bytes ? byTokens : byBytes
  const task = packTask(query, weights)
  const matches = files.map(({ shape }) => matchOf(shape, task))
  const best = matches.reduce((most, match) => Math.max(most, match.best), 1e-9)
  const states = files.map(({ shape, envelope }, index): State => ({
    steps: stepsOf(shape, envelope, matches[index]!, best, price, options), next: 0, segments: new Uint8Array(shape.segments.length), base: false, size: NOTHING
  }))
  const packing = createPacking(files, states, budget)
  const chooser = createChooser(files, states, budget)
  // Steps are estimated a little too large; what the exact count leaves is spent on the best of those that did not fit, and on the rest
  // of a file that is larger than its share, which nobody else has room for.
  let left = budget
  for (let round = 0; round < ROUNDS; round++) {
    const steps = chooser.choose(left, round === 0 && files.length > 1 ? options.fileShare : 1)
    if (steps.length === 0) break
    left = packing.settle(steps)
  }
  return packing.packed()
}

/** `undefined` where not all fit. */
function allWhole<Made extends Entry> (files: readonly Packable<Made>[], budget: Size): Packed<Made>[] | undefined {
  const fits = (sizes: readonly Size[]): boolean => sizes.reduce((sum, { bytes }) => sum + bytes, 0) <= budget.bytes && sizes.reduce((sum, { tokens }) => sum + tokens, 0) <= budget.tokens
  if (!fits(files.map(({ shape }) => shape))) return undefined
  const packed = files.map((file) => wholeOf(file))
  return fits(packed.map(({ entry }) => entry.size)) ? packed : undefined
}

function wholeOf<Made extends Entry> (file: Packable<Made>): Packed<Made> {
  return { path: file.path, entry: file.entry(null, '', 'none') }
}

interface Chooser {
  /** Takes what fits into what is left, the best first, no file more than its share. */
  choose (left: Size, share: number): Taken[]
}

function createChooser (files: readonly Packable[], states: readonly State[], budget: Size): Chooser {
  const queue = new StepQueue()
  const least = states.reduce(({ bytes, tokens }, { steps }) => ({ bytes: Math.min(bytes, steps.least.bytes), tokens: Math.min(tokens, steps.least.tokens) }), { bytes: Infinity, tokens: Infinity })
  let refused: { file: number, step: Step }[] = []
  const offer = (file: number): void => {
    const { steps: { list }, next } = states[file]!
    if (next < list.length) queue.push(file, files[file]!.worth * list[next]!.density)
  }
  files.forEach((_file, index) => offer(index))

  return {
    choose (left, share) {
      const taken: Taken[] = []
      let { bytes, tokens } = left
      const take = (file: number, step: Step): void => {
        const { segment, size } = step
        const { shape, envelope } = files[file]!
        const state = states[file]!
        const grown = { bytes: state.size.bytes + size.bytes, tokens: state.size.tokens + size.tokens }
        const fits = size.bytes <= bytes && size.tokens <= tokens &&
          (segment < 0 || (state.base && grown.bytes <= share * budget.bytes && grown.tokens <= share * budget.tokens))
        if (!fits) {
          refused.push({ file, step })
          return
        }
        if (segment >= 0) state.segments[segment] = 1
        else state.base = true
        if (segment < 0 && isSmall(shape, envelope)) state.segments.fill(1)
        state.size = grown
        bytes -= size.bytes
        tokens -= size.tokens
        taken.push({ file, segment })
        // Without its outline nothing of a file is shown.
        if (segment < 0) offer(file)
      }
      const again = refused
      refused = []
      for (const { file, step } of again) take(file, step)
      while (bytes >= least.bytes && tokens >= least.tokens) {
        const file = queue.pop()
        if (file === undefined) break
        const state = states[file]!
        const step = state.steps.list[state.next++]!
        take(file, step)
        if (step.segment >= 0) offer(file)
      }
      return taken
    }
  }
}

interface Packing<Made extends Entry> {
  /** Renders what the steps have changed and counts it exactly; those that turn out too large are taken back, the last first. Gives what is left. */
  settle (steps: Taken[]): Size
  packed (): Packed<Made>[]
}

function createPacking<Made extends Entry> (files: readonly Packable<Made>[], states: readonly State[], budget: Size): Packing<Made> {
  const rendered = new Map<number, Packed<Made>>()
  let total = NOTHING
  const put = (index: number): void => {
    const state = states[index]!
    const before = rendered.get(index)?.entry.size ?? NOTHING
    const after = state.base ? render(files[index]!, state) : undefined
    if (after === undefined) rendered.delete(index)
    else rendered.set(index, after)
    state.size = after?.entry.size ?? NOTHING
    total = { bytes: total.bytes - before.bytes + state.size.bytes, tokens: total.tokens - before.tokens + state.size.tokens }
  }
  return {
    settle (steps) {
      for (const index of new Set(steps.map(({ file }) => file))) put(index)
      while (total.bytes > budget.bytes || total.tokens > budget.tokens) {
        const { file, segment } = steps.pop()!
        const state = states[file]!
        if (segment < 0) {
          state.base = false
          state.segments.fill(0)
        } else {
          state.segments[segment] = 0
        }
        put(file)
      }
      return { bytes: budget.bytes - total.bytes, tokens: budget.tokens - total.tokens }
    },
    packed: () => [...rendered].sort(([a], [b]) => a - b).map(([, packed]) => packed)
  }
}

function render<Made extends Entry> (file: Packable<Made>, state: State): Packed<Made> {
  const { shape, path, envelope } = file
  if (!state.segments.includes(0)) return wholeOf(file)
  const keep = shape.outline.slice()
  shape.segments.forEach((segment, at) => {
    if (state.segments[at] === 1) keep.fill(1, segment.start, segment.end + 1)
  })
  const entry = file.entry(keep, state.segments.join(''), state.segments.includes(1) ? 'sampled' : shape.outlineIs)
  // Gaps can cost more than what they leave out.
  return entry.size.tokens >= shape.tokens + envelope.tokens ? wholeOf(file) : { path, entry }
}
