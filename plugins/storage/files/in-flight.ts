/** Calls that have not ended; those that are shared end in a `Shared`. */
export interface InFlight<Shared> {
  /** Who comes with the same key while it runs gets the outcome of the first. */
  share (key: string, work: () => Promise<Shared>): Promise<Shared>
  track<Result> (work: Promise<Result>): Promise<Result>
  /** Resolves when all that run now have ended, however they ended. */
  ended (): Promise<void>
}

export function createInFlight<Shared> (): InFlight<Shared> {
  const shared = new Map<string, Promise<Shared>>()
  const running = new Set<Promise<unknown>>()

  const track = async <Result>(work: Promise<Result>): Promise<Result> => {
    running.add(work)
    try {
      return await work
    } finally {
      running.delete(work)
    }
  }

  return {
    track,
    share (key, work) {
      const same = shared.get(key)
      if (same !== undefined) return same
      const first = track(work()).finally(() => shared.delete(key))
      shared.set(key, first)
      return first
    },
    async ended () {
      await Promise.allSettled(running)
    }
  }
}
