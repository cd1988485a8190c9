/** How long somebody who is in a hurry waits for a look that is under way. */
const PATIENCE_MS = 10
/** Older than this nothing is told. */
const LATELY_MS = 2000

/**
 * Looks at something for all who ask at once, once. While `isBusy`, what was seen lately is told when the look takes longer than a moment: the threads
 * that ask the disk serve who came first, and health must not stand in line with the load that it is asked about.
 */
export function createLook<Seen> (look: () => Promise<Seen>, isBusy: () => boolean): () => Promise<Seen> {
  let running: Promise<Seen> | undefined
  let last: { seen: Seen, at: number } | undefined

  const start = async (): Promise<Seen> => {
    try {
      const seen = await look()
      last = { seen, at: performance.now() }
      return seen
    } finally {
      running = undefined
    }
  }

  return async () => {
    running ??= start()
    const known = last
    if (known === undefined || !isBusy() || performance.now() - known.at > LATELY_MS) return await running
    let timer: NodeJS.Timeout | undefined
    try {
      return await Promise.race([running, new Promise<Seen>((resolve) => { timer = setTimeout(() => resolve(known.seen), PATIENCE_MS) })])
    } finally {
      clearTimeout(timer)
    }
  }
}
