import { compileGlob, type GatherInput } from '../../../core/plugin-api.js'
import type { Place } from './place.js'
import type { ProjectIndex } from './project-index.js'

// Profiles may come with a repository, from a stranger: what they ask for is bounded before it costs anything.
const MOST_ENTRIES = 64
const LONGEST_ENTRY = 256

/** A list of strings, or `undefined` where the requirement names none. What is malformed is said and left out. */
export function readList ({ requirement, log }: GatherInput, name: string): string[] | undefined {
  const value = requirement[name]
  if (value === undefined || value === null) return undefined
  const entries = typeof value === 'string' ? [value] : value
  if (!Array.isArray(entries)) {
    log.warn({ need: requirement.need, parameter: name }, `Parameter '${name}' must be a list of strings; it is ignored`)
    return undefined
  }
  // An empty list restricts nothing: who wants nothing of a need does not name it.
  if (entries.length === 0) return undefined
  const usable = entries
    .filter((entry): entry is string => typeof entry === 'string' && entry.length > 0 && entry.length <= LONGEST_ENTRY)
    .slice(0, MOST_ENTRIES)
  if (usable.length < entries.length) {
    log.warn(
      { need: requirement.need, parameter: name, ignored: entries.length - usable.length },
      `Parameter '${name}' takes at most ${MOST_ENTRIES} strings of 1 to ${LONGEST_ENTRY} characters; the rest is ignored`
    )
  }
  return usable
}

/** A positive whole number, at most `most`; `most` where the requirement names none. */
export function readCount ({ requirement, log }: GatherInput, name: string, most: number): number {
  const value = requirement[name]
  if (value === undefined || value === null) return most
  if (typeof value === 'number' && Number.isInteger(value) && value > 0) return Math.min(value, most)
  log.warn({ need: requirement.need, parameter: name }, `Parameter '${name}' must be a positive integer; it is ignored`)
  return most
}

/** Which of the known values are wanted; all where the requirement names none. */
export function readChoice (input: GatherInput, name: string, known: readonly string[]): ReadonlySet<string> {
  const asked = readList(input, name)
  if (asked === undefined) return new Set(known)
  const wanted = new Set(asked.map(value => value.toLowerCase()))
  const unknown = [...wanted].filter(value => !known.includes(value))
  if (unknown.length > 0) {
    input.log.warn(
      { need: input.requirement.need, parameter: name, unknown },
      `Parameter '${name}' knows ${known.map(value => `'${value}'`).join(', ')}`
    )
  }
  return wanted
}

/** Whether a place matches one of the globs in `paths`; `undefined` where the requirement names none. */
export function readPaths (input: GatherInput, index: ProjectIndex, parameter: 'paths' | 'prefer' = 'paths'): ((place: Place) => boolean) | undefined {
  const globs = readList(input, parameter)?.map(normalise)
  if (globs === undefined) return undefined
  const verdicts = verdictsOf(index, globs)
  let matchers: ((path: string) => boolean)[] | undefined
  return ({ file: { path }, position }) => {
    if (verdicts[position] === UNKNOWN) {
      matchers ??= globs.map(compileGlob)
      verdicts[position] = matchers.some(matches => matches(path)) ? YES : NO
    }
    return verdicts[position] === YES
  }
}

const UNKNOWN = 0
const YES = 1
const NO = 2

// The profiles of all agents have fewer lists of globs; a project with more forgets the one that was not used for longest.
const MOST_LISTS = 256
const known = new WeakMap<object, Map<string, Uint8Array>>()

/** What is known of the paths, by position; agents ask the same of the same files with each request. */
function verdictsOf ({ family, room }: ProjectIndex, globs: readonly string[]): Uint8Array {
  let lists = known.get(family)
  if (lists === undefined) known.set(family, lists = new Map())
  const key = JSON.stringify(globs)
  let verdicts = lists.get(key) ?? new Uint8Array(room)
  if (verdicts.length < room) {
    const larger = new Uint8Array(room)
    larger.set(verdicts)
    verdicts = larger
  }
  lists.delete(key)
  lists.set(key, verdicts)
  if (lists.size > MOST_LISTS) lists.delete(lists.keys().next().value!)
  return verdicts
}

function normalise (glob: string): string {
  const relative = glob.startsWith('./') ? glob.slice(2) : glob.startsWith('/') ? glob.slice(1) : glob
  return relative.endsWith('/') ? `${relative}**` : relative
}
