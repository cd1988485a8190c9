/** Entries in ascending order of id. Ids sort by time, so nearly all are added at the end. */
export interface SortedEntries<Entry extends { id: string }> {
  readonly length: number
  at (index: number): Entry | undefined
  /** Where the first entry stands whose id is not below `id`. */
  position (id: string): number
  add (entry: Entry): void
  remove (entries: ReadonlySet<Entry>): void
}

export function createSortedEntries<Entry extends { id: string }> (): SortedEntries<Entry> {
  let entries: Entry[] = []

  const position = (id: string): number => {
    let low = 0
    let high = entries.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (entries[middle]!.id < id) low = middle + 1
      else high = middle
    }
    return low
  }

  return {
    get length () { return entries.length },
    at: (index) => entries.at(index),
    position,
    add (entry) {
      const last = entries.at(-1)
      if (last === undefined || last.id < entry.id) entries.push(entry)
      else entries.splice(position(entry.id), 0, entry)
    },
    remove (removed) {
      const [only] = removed
      if (removed.size !== 1 || only === undefined) {
        entries = entries.filter((entry) => !removed.has(entry))
        return
      }
      const index = position(only.id)
      if (entries[index] === only) entries.splice(index, 1)
    }
  }
}
