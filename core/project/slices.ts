import { setImmediate as rest } from 'node:timers/promises'

/** Time after which a loop over all files of a project gives way: the event loop serves everybody else meanwhile. */
const SLICE_MS = 3
/** Visits between two looks at the clock. */
const VISITS = 64

/** Visits all items, in as many turns of the event loop as it takes. */
export async function inSlices<Item> (items: Iterable<Item>, visit: (item: Item, index: number) => void): Promise<void> {
  let ends = performance.now() + SLICE_MS
  let index = 0
  for (const item of items) {
    if (index % VISITS === 0 && performance.now() > ends) {
      await rest()
      ends = performance.now() + SLICE_MS
    }
    visit(item, index++)
  }
}
