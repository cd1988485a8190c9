export type Limit = <Result>(work: () => Promise<Result>) => Promise<Result>

/** Runs at most so many pieces of work at once; the others wait in order. */
export function createLimit (most: number): Limit {
  let waiting: (() => void)[] = []
  let first = 0
  let running = 0

  const leave = (): void => {
    // The place is handed on, so that nobody who comes later slips in before the one who waits.
    const next = waiting[first++]
    if (next !== undefined) next()
    else running--
    if (first < waiting.length) return
    waiting = []
    first = 0
  }

  return async (work) => {
    if (running < most) running++
    else await new Promise<void>((resolve) => waiting.push(resolve))
    try {
      return await work()
    } finally {
      leave()
    }
  }
}
