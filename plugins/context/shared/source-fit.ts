import type { GatherInput } from '../../../core/plugin-api.js'
import { isAside } from './aside.js'
import { SOURCE_LANGUAGES, wantedLanguages } from './languages.js'
import { ENTRY_POINTS } from './manifests.js'
import { isNoise } from './noise.js'
import { readList, readPaths } from './parameters.js'
import { kindOf } from './path-kind.js'
import { createPathMatcher } from './path-matcher.js'
import type { Place } from './place.js'
import type { ProjectIndex } from './project-index.js'
import { DISTINCT, type Relevance } from './relevance.js'
import { remembered } from './remembered.js'

export interface SourceFit {
  /** 0…1, before what the task says. */
  base: number
  reason: string
}

const matchEntry = createPathMatcher(ENTRY_POINTS.map(pattern => [pattern, true] as const))

const NOT_PREFERRED = 0.3

/** From here on a file speaks of the task, by what the search of the project says of it. */
const FOUND = 0.35

/** How well a file fits the parameters and the task; `undefined` where it is not wanted. `found` is the score of a search for the task, 0 where it has not been found. */
export function createSourceFit (input: GatherInput, index: ProjectIndex, relevance: Relevance): (place: Place, found: number) => SourceFit | undefined {
  const { names, only } = wantedLanguages(input, index)
  // A site may be all that a project is: then its pages are the source.
  const hasNoSource = index.sources.size === 0
  const extensions = readList(input, 'extensions')?.map(extension => `.${extension.toLowerCase().replace(/^\.+/, '')}`)
  const inPaths = readPaths(input, index)
  const isPreferred = readPaths(input, index, 'prefer') ?? (() => true)
  const speaks = ({ file: { language } }: Place) => names === undefined || (language !== undefined && names.has(language))

  return (place, found) => {
    if (inPaths?.(place) === false) return undefined
    if (extensions !== undefined && !extensions.some(extension => place.name.endsWith(extension))) return undefined
    const kind = kindOf(place)
    // Tests have a requirement of their own; paths that hold them keep them, at the end.
    if (kind === 'test' && inPaths === undefined) return undefined
    if (isNoise(place)) return undefined
    if (kind === 'test') return { base: 0.2, reason: 'test within the paths' }
    if (relevance.names(place)) return { base: 1, reason: 'named by the task' }
    // Asked for by extension or language, a file is wanted whether or not it is source code to us.
    const asked = extensions !== undefined || (names !== undefined && speaks(place))
    if (!asked && kind !== 'source' && !(hasNoSource && SOURCE_LANGUAGES.has(place.file.language ?? ''))) return undefined

    const language = place.file.language ?? place.name.slice(place.name.lastIndexOf('.') + 1)
    const related = relevance.of(place) >= DISTINCT || found >= FOUND
    const reason = related ? `${language} source, matches the task` : `${language} source`
    if (asked || names === undefined) {
      const base = related ? Math.max(0.75, baseOf(place)) : baseOf(place)
      // A project need not name its folders as a profile expects: its other code comes behind, where there is room.
      return isPreferred(place) ? { base, reason } : { base: base * NOT_PREFERRED, reason }
    }
    // An agent knows its languages better than others, which does not keep a task from being about code in another one.
    if (related) return { base: 0.6, reason }
    return only ? undefined : { base: baseOf(place) * NOT_PREFERRED, reason }
  }
}

const baseOf = remembered((place: Place): number => {
  if (place.file.size === 0) return 0.1
  let base = 0.5
  matchEntry(place, () => { base = 0.65 })
  return isAside(place) ? 0.35 : base
})
