import type { ProjectFile, ProjectView } from '../../../core/plugin-api.js'
import { isAside } from './aside.js'
import { isNoise } from './noise.js'
import { kindOf } from './path-kind.js'
import { createPlaces, type Place } from './place.js'
import { inSlices, turn } from './slices.js'

/** What every strategy asks of the same list of files. */
export interface ProjectIndex {
  /** By path. A file that is as it was in the index before has the same place in both. */
  readonly places: readonly Place[]
  /** All positions are below it; some may belong to files that are gone. */
  readonly room: number
  /** The same for all indexes in which a position means the same path. */
  readonly family: object
  /** By position, which place by path it is: to compare numbers takes a fraction of what paths take. */
  readonly numbers: Uint32Array
  /** Positions by each word of their paths. */
  readonly byWord: ReadonlyMap<string, readonly number[]>
  readonly languages: ReadonlySet<string | undefined>
  /** How many files of source code there are of each language; without tests, what is vendored or generated, and what only serves the code. */
  readonly sources: ReadonlyMap<string | undefined, number>
  /** Median of the times of modification, in ms since the epoch. */
  readonly medianModified: number
  /** Tells it from all others, also when it has gone. */
  readonly mark: object
  /** Where it has other places than the index with this mark, and that one has the same number of them; `undefined` for one that was made anew. */
  readonly since: { readonly mark: object, readonly positions: readonly number[] } | undefined
  at (position: number): Place | undefined
  find (path: string): Place | undefined
  /** The places with a file name, which is in lower case. */
  called (name: string): readonly Place[]
}

/** What an index knows of paths alone, shared by those of the same paths. */
interface Paths {
  family: object
  room: number
  positions: ReadonlyMap<string, number>
  numbers: Uint32Array
  /** The last position with each file name. */
  byName: ReadonlyMap<string, number>
  /** By position, the one before it with the same name, plus one; 0 for none. An array for each name, of which most are one file's, would take ten times as much. */
  namesakes: Uint32Array
  byWord: ReadonlyMap<string, readonly number[]>
}

interface Made {
  index: ProjectIndex
  paths: Paths
  at: readonly (Place | undefined)[]
  /** Times of modification, sorted. */
  times: Float64Array
  /** How many files there are of each language. */
  languages: Counts
  sources: Counts
}

type Counts = ReadonlyMap<string | undefined, number>

/** More that changed at once are looked at with all others. */
const MOST_EDITS = 64

// An agent has some nine requirements and an unchanged project keeps its list, so one pass serves many strategies and requests.
const indexes = new WeakMap<readonly ProjectFile[], { count: number, made: Promise<Made> }>()
/** The latest index of each project: whoever edits a file asks again, and all but this file is as it was. */
const latest = new Map<string, WeakRef<Promise<Made>>>()
const MOST_PROJECTS = 64

export async function indexOf ({ id, files }: ProjectView): Promise<ProjectIndex> {
  let known = indexes.get(files)
  if (known?.count !== files.length) {
    const earlier = latest.get(id)?.deref()
    // Before anything is awaited: all strategies of a request ask at the same moment.
    known = { count: files.length, made: earlier === undefined ? build(files) : earlier.then(async made => await update(made, files), async () => await build(files)) }
    indexes.set(files, known)
    latest.delete(id)
    latest.set(id, new WeakRef(known.made))
    if (latest.size > MOST_PROJECTS) latest.delete(latest.keys().next().value!)
  }
  return (await known.made).index
}

/** The index of a list of which most may be as it was. */
async function update (earlier: Made, files: readonly ProjectFile[]): Promise<Made> {
  const { places, mark } = earlier.index
  if (places.length !== files.length) return await build(files, earlier)
  const edited: number[] = []
  for (let number = 0; number < files.length; number++) {
    const before = places[number]!.file
    if (before === files[number]) continue
    if (before.path !== files[number]!.path) return await build(files, earlier)
    edited.push(number)
  }
  const next = places.slice()
  const at = earlier.at.slice()
  const placeOf = createPlaces()
  // Mostly one has changed, but of a list that was read anew each is another object.
  await inSlices(edited, number => {
    const { position } = places[number]!
    next[number] = at[position] = placeOf(files[number]!, position)
  })
  await turn()
  if (edited.length > MOST_EDITS) return makeIndex(next, at, earlier.paths, undefined, timesOf(files), languagesOf(files), await sourcesOf(next))
  const languages = new Map(earlier.languages)
  const sources = new Map(earlier.sources)
  const times = earlier.times.slice()
  for (const number of edited) {
    const [before, after] = [places[number]!.file, files[number]!]
    count(languages, before.language, -1)
    count(languages, after.language, 1)
    countSource(sources, places[number]!, -1)
    countSource(sources, next[number]!, 1)
    moveTime(times, before.modified, after.modified)
  }
  return makeIndex(next, at, earlier.paths, { mark, positions: edited.map(number => places[number]!.position) }, times, languages, sources)
}

function timesOf (files: readonly ProjectFile[]): Float64Array {
  const times = new Float64Array(files.length)
  for (let number = 0; number < files.length; number++) times[number] = files[number]!.modified
  return times.sort()
}

function languagesOf (files: readonly ProjectFile[]): Map<string | undefined, number> {
  const languages = new Map<string | undefined, number>()
  for (const { language } of files) count(languages, language, 1)
  return languages
}

async function sourcesOf (places: readonly Place[]): Promise<Counts> {
  const sources = new Map<string | undefined, number>()
  await inSlices(places, place => { countSource(sources, place, 1) })
  return sources
}

function countSource (sources: Map<string | undefined, number>, place: Place, more: number): void {
  if (kindOf(place) === 'source' && !isNoise(place) && !isAside(place)) count(sources, place.file.language, more)
}

function count (languages: Map<string | undefined, number>, language: string | undefined, more: number): void {
  const number = (languages.get(language) ?? 0) + more
  if (number === 0) languages.delete(language)
  else languages.set(language, number)
}

/** Takes one time out of sorted ones and puts another in. */
function moveTime (times: Float64Array, before: number, after: number): void {
  const from = firstNotBelow(times, before)
  const to = firstNotBelow(times, after)
  if (to > from) {
    times.copyWithin(from, from + 1, to)
    times[to - 1] = after
  } else {
    times.copyWithin(to + 1, to, from)
    times[to] = after
  }
}

function firstNotBelow (times: Float64Array, time: number): number {
  let [low, high] = [0, times.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (times[middle]! < time) low = middle + 1
    else high = middle
  }
  return low
}

async function build (files: readonly ProjectFile[], earlier?: Made): Promise<Made> {
  const places: Place[] = []
  const positions = new Map<string, number>()
  const byName = new Map<string, number>()
  const byWord = new Map<string, number[]>()
  const placeOf = createPlaces()
  // Positions of files that went stay empty, until they are more than those in use.
  const kept = earlier !== undefined && earlier.paths.room < 2 * files.length + 100 ? earlier : undefined
  let room = kept?.paths.room ?? 0
  const at: (Place | undefined)[] = []
  const namesakes = new Uint32Array(room + files.length)
  const numbers = new Uint32Array(room + files.length)
  await inSlices(files, file => {
    const position = kept?.paths.positions.get(file.path)
    const before = position === undefined ? undefined : kept!.at[position]
    const place = before?.file === file ? before : placeOf(file, position ?? room++)
    numbers[place.position] = places.length
    places.push(place)
    at[place.position] = place
    positions.set(file.path, place.position)
    namesakes[place.position] = (byName.get(place.name) ?? -1) + 1
    byName.set(place.name, place.position)
    for (const word of new Set([...place.nameWords, ...place.folderWords])) enter(byWord, word, place.position)
  })
  await turn()
  return makeIndex(places, at, { family: kept?.paths.family ?? {}, room, positions, numbers, byName, namesakes, byWord }, undefined, timesOf(files), languagesOf(files), await sourcesOf(places))
}

function enter (index: Map<string, number[]>, key: string, position: number): void {
  const others = index.get(key)
  if (others === undefined) index.set(key, [position])
  else others.push(position)
}

function makeIndex (places: readonly Place[], at: readonly (Place | undefined)[], paths: Paths, since: ProjectIndex['since'], times: Float64Array, languages: Counts, sources: Counts): Made {
  const { family, room, positions, numbers, byName, namesakes, byWord } = paths
  const index: ProjectIndex = {
    places,
    room,
    family,
    mark: {},
    since,
    numbers,
    byWord,
    languages: new Set(languages.keys()),
    sources,
    medianModified: times[times.length >> 1] ?? 0,
    at: position => at[position],
    find: path => {
      const position = positions.get(path)
      return position === undefined ? undefined : at[position]
    },
    called: name => {
      const found: Place[] = []
      for (let next = (byName.get(name) ?? -1) + 1; next > 0; next = namesakes[next - 1]!) found.push(at[next - 1]!)
      return found.reverse()
    }
  }
  return { index, paths, at, times, languages, sources }
}

/** Remembers what a function finds out about the files of a project, for as long as their list is in use: 119 agents ask at once. */
export function rememberedOfIndex<Value extends object> (compute: (index: ProjectIndex) => Promise<Value>): (index: ProjectIndex) => Promise<Value> {
  const known = new WeakMap<ProjectIndex, Promise<Value>>()
  return async index => {
    let value = known.get(index)
    if (value === undefined) {
      value = compute(index)
      known.set(index, value)
    }
    return await value
  }
}

interface KnownOfPlaces<Value> {
  index: ProjectIndex
  values: readonly Value[]
  /** Where the value of a position stands among the values. */
  slots: ReadonlyMap<number, number>
}

/** The same of what a function finds out about single files: of a file that is as it was when this was asked before, it is not asked again. */
export function rememberedOfPlaces<Value extends object> (compute: (place: Place) => Value | undefined): (index: ProjectIndex) => Promise<readonly Value[]> {
  const latest = new WeakMap<object, KnownOfPlaces<Value>>()
  return rememberedOfIndex(async index => {
    const earlier = latest.get(index.family)
    const known = edited(earlier, index, compute) ?? await collect(earlier, index, compute)
    latest.set(index.family, known)
    return known.values
  })
}

/** Asks of those places alone that have changed; `undefined` where it is not known which, or where one has a value that had none, or the reverse. */
function edited<Value extends object> (earlier: KnownOfPlaces<Value> | undefined, index: ProjectIndex, compute: (place: Place) => Value | undefined): KnownOfPlaces<Value> | undefined {
  if (earlier === undefined || index.since?.mark !== earlier.index.mark) return undefined
  const values = earlier.values.slice()
  for (const position of index.since.positions) {
    const slot = earlier.slots.get(position)
    const value = compute(index.at(position)!)
    if ((slot === undefined) !== (value === undefined)) return undefined
    if (slot !== undefined) values[slot] = value!
  }
  return { index, values, slots: earlier.slots }
}

async function collect<Value extends object> (earlier: KnownOfPlaces<Value> | undefined, index: ProjectIndex, compute: (place: Place) => Value | undefined): Promise<KnownOfPlaces<Value>> {
  const values: Value[] = []
  const slots = new Map<number, number>()
  await inSlices(index.places, place => {
    const { position } = place
    const slot = earlier?.slots.get(position)
    const value = earlier?.index.at(position) !== place ? compute(place) : slot === undefined ? undefined : earlier.values[slot]
    if (value === undefined) return
    slots.set(position, values.length)
    values.push(value)
  })
  return { index, values, slots }
}
