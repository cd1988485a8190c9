import type { ProjectFile, ProjectView } from '../../../core/plugin-api.js'
import { createPlaces, type Place } from './place.js'
import { inSlices, turn } from './slices.js'

/** What every strategy asks of the same list of files. */
export interface ProjectIndex {
  readonly places: readonly Place[]
  readonly byPath: ReadonlyMap<string, Place>
  /** By lower-case file name. */
  readonly byName: ReadonlyMap<string, readonly Place[]>
  /** By each word of their paths. */
  readonly byWord: ReadonlyMap<string, readonly Place[]>
  readonly languages: ReadonlySet<string | undefined>
  /** Median of the times of modification, in ms since the epoch. */
  readonly medianModified: number
}

// An agent has some nine requirements and an unchanged project keeps its list, so one pass serves many strategies and requests.
const indexes = new WeakMap<readonly ProjectFile[], { count: number, index: Promise<ProjectIndex> }>()

export async function indexOf ({ files }: ProjectView): Promise<ProjectIndex> {
  let known = indexes.get(files)
  if (known?.count !== files.length) {
    // Before anything is awaited: all strategies of a request ask at the same moment.
    known = { count: files.length, index: build(files) }
    indexes.set(files, known)
  }
  return await known.index
}

async function build (files: readonly ProjectFile[]): Promise<ProjectIndex> {
  const places: Place[] = []
  const byPath = new Map<string, Place>()
  const byName = new Map<string, Place[]>()
  const byWord = new Map<string, Place[]>()
  const languages = new Set<string | undefined>()
  const times = new Float64Array(files.length)
  const placeOf = createPlaces()
  await inSlices(files, file => {
    const place = placeOf(file)
    times[places.length] = file.modified
    places.push(place)
    byPath.set(file.path, place)
    languages.add(file.language)
    const namesakes = byName.get(place.name)
    if (namesakes === undefined) byName.set(place.name, [place])
    else namesakes.push(place)
    for (const word of new Set([...place.nameWords, ...place.folderWords])) {
      const others = byWord.get(word)
      if (others === undefined) byWord.set(word, [place])
      else others.push(place)
    }
  })
  await turn()
  times.sort()
  return { places, byPath, byName, byWord, languages, medianModified: times[times.length >> 1] ?? 0 }
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
