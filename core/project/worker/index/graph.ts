import type { Corpus } from './corpus.js'

/** A name that more files define than that ties nothing together. */
const MAX_DEFINERS = 4

/**
 * Spreads the weight of `seeds` (path → weight) one step along references: to files that define what a seed uses, and to
 * files that use what a seed defines. Each name gives its weight by how few define and use it.
 */
export function referenceSpread (corpus: Corpus, seeds: ReadonlyMap<string, number>): Map<string, number> {
  const definers = new Map<number, string[]>()
  const users = new Map<number, string[]>()
  const wanted = new Set<number>()
  for (const path of seeds.keys()) {
    const record = corpus.files.get(path)?.record
    if (record === undefined) continue
    for (const name of record.defines) wanted.add(name)
    for (const name of record.references) wanted.add(name)
  }
  if (wanted.size === 0) return new Map()
  for (const [path, { record }] of corpus.files) {
    for (const name of record.defines) if (wanted.has(name)) push(definers, name, path)
    for (const name of record.references) if (wanted.has(name)) push(users, name, path)
  }
  const found = new Map<string, number>()
  const give = (path: string, share: number): void => { found.set(path, (found.get(path) ?? 0) + share) }
  for (const [seed, weight] of seeds) {
    const record = corpus.files.get(seed)?.record
    if (record === undefined) continue
    for (const name of record.references) {
      const makers = definers.get(name)
      if (makers === undefined || makers.length > MAX_DEFINERS) continue
      for (const path of makers) if (path !== seed) give(path, weight / makers.length)
    }
    for (const name of record.defines) {
      const takers = users.get(name)
      if (takers === undefined || (definers.get(name)?.length ?? 0) > MAX_DEFINERS) continue
      for (const path of takers) if (path !== seed) give(path, weight / takers.length)
    }
  }
  return found
}

function push (map: Map<number, string[]>, key: number, value: string): void {
  const present = map.get(key)
  if (present === undefined) map.set(key, [value])
  else present.push(value)
}
