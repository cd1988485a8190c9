import { setImmediate as rest } from 'node:timers/promises'

/** Time after which a loop over all files of a project gives way: the event loop serves everybody else meanwhile. */
const SLICE_MS = 3
/** Visits between two looks at the clock. */
const VISITS = 64

/** Visits all items, in as many turns of the event loop as it takes. Where one takes long, it looks at the clock after fewer `visits`. */
export async function inSlices<Item> (items: Iterable<Item>, visit: (item: Item, index: number) => void, visits = VISITS): Promise<void> {
  let ends = performance.now() + SLICE_MS
  let index = 0
  const isOver = (): boolean => index % visits === 0 && performance.now() > ends
  const restAWhile = async (): Promise<void> => {
    await rest()
    ends = performance.now() + SLICE_MS
  }
  if (Array.isArray(items)) {
    // An iterator would make an object of each.
    for (; index < items.length; index++) {
      if (isOver()) await restAWhile()
      visit(items[index] as Item, index)
    }
    return
  }
  for (const item of items) {
    if (isOver()) await restAWhile()
    visit(item, index++)
  }
}

/** For work in steps of uneven length: to be awaited behind each. */
export function createPace (): () => Promise<void> {
  let ends = performance.now() + SLICE_MS
  return async () => {
    if (performance.now() < ends) return
    await rest()
    ends = performance.now() + SLICE_MS
  }
}
