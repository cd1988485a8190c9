import type { ProjectFile, ProjectView } from '../../../core/plugin-api.js'
import { createPlaces, type Place } from './place.js'

/** What every strategy asks of the same list of files. */
export interface ProjectIndex {
  readonly places: readonly Place[]
  readonly byPath: ReadonlyMap<string, Place>
  /** By lower-case file name. */
  readonly byName: ReadonlyMap<string, readonly Place[]>
  /** In how many files' paths a word stands. */
  readonly wordCounts: ReadonlyMap<string, number>
  /** Median of the times of modification, in ms since the epoch. */
  readonly medianModified: number
}

// An agent has some nine requirements and an unchanged project keeps its list, so one pass serves many strategies and requests.
const indexes = new WeakMap<readonly ProjectFile[], ProjectIndex>()

export function indexOf (project: ProjectView): ProjectIndex {
  const { files } = project
  let index = indexes.get(files)
  if (index === undefined || index.places.length !== files.length) {
    index = build(files)
    indexes.set(files, index)
  }
  return index
}

function build (files: readonly ProjectFile[]): ProjectIndex {
  const places = files.map(createPlaces())
  const byPath = new Map<string, Place>()
  const byName = new Map<string, Place[]>()
  const wordCounts = new Map<string, number>()
  for (const place of places) {
    byPath.set(place.file.path, place)
    const namesakes = byName.get(place.name)
    if (namesakes === undefined) byName.set(place.name, [place])
    else namesakes.push(place)
    for (const word of new Set([...place.nameWords, ...place.folderWords])) {
      wordCounts.set(word, (wordCounts.get(word) ?? 0) + 1)
    }
  }
  const times = Float64Array.from(files, file => file.modified).sort()
  return { places, byPath, byName, wordCounts, medianModified: times[times.length >> 1] ?? 0 }
}
