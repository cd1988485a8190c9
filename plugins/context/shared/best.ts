/** Room beyond what is wanted, so that the list is cut seldom. */
const SPARE = 500

/** Keeps the `most` best of many items; sorting all of them would hold the event loop. */
export function createBest<Item> (most: number, order: (one: Item, other: Item) => number) {
  let kept: Item[] = []
  let worst: Item | undefined
  const cut = () => {
    kept = kept.sort(order).slice(0, most)
    if (kept.length === most) worst = kept.at(-1)
  }
  return {
    add (item: Item): void {
      if (worst !== undefined && order(item, worst) > 0) return
      kept.push(item)
      if (kept.length > most + SPARE) cut()
    },
    /** Best first. */
    items (): readonly Item[] {
      cut()
      return kept
    }
  }
}
