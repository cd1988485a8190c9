import type { Task } from '../../../core/plugin-api.js'
import type { Place } from './place.js'
import type { ProjectIndex } from './project-index.js'
import { STOP_WORDS, wordsOf } from './words.js'

/** How much a path has to do with the task. Contents are the ranking's business, which reads files anyway. */
export interface Relevance {
  /** 0…1; one distinctive word in the name of the file makes 0.5. */
  of (place: Place): number
  /** Whether the task names this very file. */
  names (place: Place): boolean
}

/** From here on a path speaks of the task: a distinctive word in its name, or two in its folders. */
export const DISTINCT = 0.5

const MOST_TEXT = 20_000
const LIKE = 0.5
const [SHARING, NAMED] = [1, 2]
const IN_FOLDER = 0.5

export function taskText ({ title = '', description = '', labels }: Task): string {
  return [title, ...labels, description].join('\n').slice(0, MOST_TEXT)
}

export function createRelevance (task: Task, index: ProjectIndex): Relevance {
  const text = taskText(task)
  const named = namedPlaces([...task.files, ...text.split(/[\s'"`()<>[\]{},;]+/)], index)
  const weights = wordWeights(text, index)
  // Few paths are named by the task or share a word with it, and every strategy asks of all of them.
  const shares = new Uint8Array(index.room)
  for (const word of weights.keys()) for (const position of index.byWord.get(word)!) shares[position] = SHARING
  for (const { position } of named) shares[position] = NAMED
  const sum = (words: readonly string[]) => {
    let total = 0
    for (const word of words) total += weights.get(word) ?? 0
    return total
  }
  return {
    names: ({ position }) => shares[position] === NAMED,
    of (place) {
      const share = shares[place.position]
      if (share !== SHARING) return share === NAMED ? 1 : 0
      const points = sum(place.nameWords) + IN_FOLDER * sum(place.folderWords)
      return points / (points + 1)
    }
  }
}

function namedPlaces (mentions: readonly string[], index: ProjectIndex): Set<Place> {
  const named = new Set<Place>()
  for (const mention of mentions) {
    // `src/a.ts:12`, `./src/a.ts` and `a.ts.` at the end of a sentence name src/a.ts.
    const path = mention.toLowerCase().replace(/^\.?\//, '').replace(/(?::\d{1,9}){0,2}[.:!?]?$/, '')
    const cut = path.lastIndexOf('/')
    if (cut < 0 && !path.includes('.')) continue
    const namesakes = index.called(path.slice(cut + 1))
    const meant = namesakes.filter(place => place.path === path || place.path.endsWith(`/${path}`))
    // A name that many files bear, such as index.ts, names none of them.
    if (meant.length <= 3) for (const place of meant) named.add(place)
  }
  return named
}

/** The project's words that the task uses, or uses a longer or shorter form of (`auth`, `authentication`). */
function wordWeights (text: string, { byWord, places }: ProjectIndex): Map<string, number> {
  // A word that stands in every tenth path tells nothing apart.
  const most = Math.max(5, places.length / 10)
  const wanted = [...new Set(wordsOf(text))].filter(word => word.length > 2 && !STOP_WORDS.has(word))
  const weights = new Map<string, number>()
  if (wanted.length === 0) return weights
  const starts = new Set(wanted.flatMap(word => word.length < 4 ? [] : [word.slice(0, 4)]))
  const exact = new Set(wanted)
  for (const [word, { length }] of byWord) {
    if (length > most) continue
    if (exact.has(word)) weights.set(word, 1)
    else if (starts.has(word.slice(0, 4)) && wanted.some(other => alike(word, other))) weights.set(word, LIKE)
  }
  return weights
}

function alike (one: string, other: string): boolean {
  const shorter = Math.min(one.length, other.length)
  return shorter >= 4 && (one.startsWith(other) || other.startsWith(one))
}
