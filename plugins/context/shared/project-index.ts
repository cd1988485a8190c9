import type { ProjectFile, ProjectView } from '../../../core/plugin-api.js'
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
  /** Positions by each word of their paths. */
  readonly byWord: ReadonlyMap<string, readonly number[]>
  readonly languages: ReadonlySet<string | undefined>
  /** Median of the times of modification, in ms since the epoch. */
  readonly medianModified: number
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
  byName: ReadonlyMap<string, readonly number[]>
  byWord: ReadonlyMap<string, readonly number[]>
}

interface Made { index: ProjectIndex, paths: Paths, at: readonly (Place | undefined)[] }

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
  const places = [...earlier.index.places]
  if (places.length !== files.length || !files.every(({ path }, number) => path === places[number]!.file.path)) return await build(files, earlier)
  const placeOf = createPlaces()
  const at = [...earlier.at]
  let number = 0
  // Mostly one has changed, but of a list that was read anew each is another object.
  await inSlices(files, file => {
    const before = places[number]!
    if (before.file !== file) places[number] = at[before.position] = placeOf(file, before.position)
    number++
  })
  await turn()
  return makeIndex(files, places, at, earlier.paths)
}

async function build (files: readonly ProjectFile[], earlier?: Made): Promise<Made> {
  const places: Place[] = []
  const positions = new Map<string, number>()
  const byName = new Map<string, number[]>()
  const byWord = new Map<string, number[]>()
  const placeOf = createPlaces()
  // Positions of files that went stay empty, until they are more than those in use.
  const kept = earlier !== undefined && earlier.paths.room < 2 * files.length + 100 ? earlier : undefined
  let room = kept?.paths.room ?? 0
  const at: (Place | undefined)[] = []
  await inSlices(files, file => {
    const position = kept?.paths.positions.get(file.path)
    const before = position === undefined ? undefined : kept!.at[position]
    const place = before?.file === file ? before : placeOf(file, position ?? room++)
    places.push(place)
    at[place.position] = place
    positions.set(file.path, place.position)
    enter(byName, place.name, place.position)
    for (const word of new Set([...place.nameWords, ...place.folderWords])) enter(byWord, word, place.position)
  })
  await turn()
  return makeIndex(files, places, at, { family: kept?.paths.family ?? {}, room, positions, byName, byWord })
}

function enter (index: Map<string, number[]>, key: string, position: number): void {
  const others = index.get(key)
  if (others === undefined) index.set(key, [position])
  else others.push(position)
}

function makeIndex (files: readonly ProjectFile[], places: readonly Place[], at: readonly (Place | undefined)[], paths: Paths): Made {
  const { family, room, positions, byName, byWord } = paths
  const times = Float64Array.from(files, ({ modified }) => modified).sort()
  const index: ProjectIndex = {
    places,
    room,
    family,
    byWord,
    languages: new Set(files.map(({ language }) => language)),
    medianModified: times[times.length >> 1] ?? 0,
    at: position => at[position],
    find: path => {
      const position = positions.get(path)
      return position === undefined ? undefined : at[position]
    },
    called: name => (byName.get(name) ?? []).map(position => at[position]!)
  }
  return { index, paths, at }
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

/** The same of what a function finds out about single files: of a file that is as it was when this was asked before, it is not asked again. */
export function rememberedOfPlaces<Value extends object> (compute: (place: Place) => Value | undefined): (index: ProjectIndex) => Promise<readonly Value[]> {
  const latest = new WeakMap<object, { index: ProjectIndex, values: ReadonlyMap<number, Value> }>()
  return rememberedOfIndex(async index => {
    const earlier = latest.get(index.family)
    const values = new Map<number, Value>()
    await inSlices(index.places, place => {
      const { position } = place
      const value = earlier?.index.at(position) === place ? earlier.values.get(position) : compute(place)
      if (value !== undefined) values.set(position, value)
    })
    latest.set(index.family, { index, values })
    return [...values.values()]
  })
}
