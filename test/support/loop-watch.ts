/** Runs something and tells how long it took and for how long nobody else had the event loop at most, ms. */
export async function watchLoop (run: () => Promise<unknown>): Promise<{ took: number, longest: number }> {
  let running = true
  let longest = 0
  const started = performance.now()
  let last = started
  const look = (): void => {
    const now = performance.now()
    longest = Math.max(longest, now - last)
    last = now
    if (running) setImmediate(look)
  }
  setImmediate(look)
  await run()
  running = false
  const ended = performance.now()
  return { took: ended - started, longest: Math.max(longest, ended - last) }
}
