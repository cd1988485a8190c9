/** Time after which a loop over all files of a project gives way: the event loop serves everybody else meanwhile. */
const MOST_MS = 3
/** Visits between two looks at the clock. */
const VISITS = 16

// Many strategies run at once. Were each to go on by itself, all would do so in the same turn of the event loop.
const waiting: (() => void)[] = []

function wake (): void {
  waiting.shift()!()
  if (waiting.length > 0) setImmediate(wake)
}

/** Resolves in a turn of the event loop that no other loop over files has. */
export async function turn (): Promise<void> {
  await new Promise<void>(resolve => {
    waiting.push(resolve)
    if (waiting.length === 1) setImmediate(wake)
  })
}

/** For work in steps of uneven length: to be awaited before each. Throws when `signal` aborts. */
export function createPace (signal: AbortSignal): () => Promise<void> {
  let until = 0
  return async () => {
    if (performance.now() < until) return
    await turn()
    signal.throwIfAborted()
    until = performance.now() + MOST_MS
  }
}

let running: Promise<void> = Promise.resolve()

/**
 * Visits all items, in as many turns of the event loop as it takes. Throws when `signal` aborts.
 * One loop runs to its end before the next begins: side by side they would all keep their garbage until the last one ends.
 */
export async function inSlices<Item> (items: readonly Item[], visit: (item: Item) => void, signal?: AbortSignal): Promise<void> {
  const run = running.then(async () => { await visitAll(items, visit, signal) })
  running = run.catch(() => {})
  await run
}

async function visitAll<Item> (items: readonly Item[], visit: (item: Item) => void, signal: AbortSignal | undefined): Promise<void> {
  let until = 0
  for (let at = 0; at < items.length; at++) {
    if (at % VISITS === 0 && performance.now() > until) {
      await turn()
      signal?.throwIfAborted()
      until = performance.now() + MOST_MS
    }
    visit(items[at]!)
  }
}
