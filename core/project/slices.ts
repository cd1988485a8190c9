import { setImmediate as rest } from 'node:timers/promises'

/** Time after which a loop over all files of a project gives way: the event loop serves everybody else meanwhile. */
const SLICE_MS = 3
/** Visits between two looks at the clock. */
const VISITS = 64

/** Visits all items, in as many turns of the event loop as it takes. */
export async function inSlices<Item> (items: readonly Item[], visit: (item: Item, index: number) => void): Promise<void> {
  let ends = performance.now() + SLICE_MS
  for (let index = 0; index < items.length; index++) {
    if (index % VISITS === 0 && performance.now() > ends) {
      await rest()
      ends = performance.now() + SLICE_MS
    }
    visit(items[index]!, index)
  }
}
