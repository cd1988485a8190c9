import { apiError } from '../errors.js'

/** Lets so many do their work at once; the others wait for their turn, in the order in which they came. */
export interface Turns {
  /** Throws `SRV_002` when too many wait already. */
  take<Result> (work: () => Promise<Result>): Promise<Result>
}

export function createTurns (atOnce: number, mostWaiting: number): Turns {
  let running = 0
  const waiting: (() => void)[] = []
  return {
    async take (work) {
      if (running >= atOnce) {
        if (waiting.length >= mostWaiting) throw apiError('SRV_002', 'Too many contexts are being gathered; try again in a moment.', { headers: { 'retry-after': '2' } })
        // Whoever ends hands its place over, so that nobody who comes meanwhile takes it.
        await new Promise<void>((resolve) => { waiting.push(resolve) })
      } else {
        running++
      }
      try {
        return await work()
      } finally {
        const next = waiting.shift()
        if (next === undefined) running--
        else next()
      }
    }
  }
}
