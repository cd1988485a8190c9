/** Runs `work` with a signal that Ctrl-C and SIGTERM abort; what it throws because of that counts as its end. `false` when it was interrupted. */
export async function untilInterrupted (work: (signal: AbortSignal) => Promise<void>): Promise<boolean> {
  const stop = new AbortController()
  const onInterrupt = (): void => { stop.abort() }
  process.once('SIGINT', onInterrupt).once('SIGTERM', onInterrupt)
  try {
    await work(stop.signal)
  } catch (error) {
    if (!stop.signal.aborted) throw error
  } finally {
    process.off('SIGINT', onInterrupt).off('SIGTERM', onInterrupt)
  }
  return !stop.signal.aborted
}
