export interface Bell {
  ring (): void
  /** Resolves when it was rung since the last time, when the signal is aborted, or when all was quiet for so long. */
  rung (signal: AbortSignal, quietMs?: number): Promise<void>
}

/** Remembers one ring, so that a ring before the wait is not lost. */
export function createBell (): Bell {
  let isRung = false
  let wake = (): void => {}
  return {
    ring () {
      isRung = true
      wake()
    },
    async rung (signal, quietMs) {
      if (!isRung && !signal.aborted) {
        const woken = new Promise<void>((resolve) => { wake = resolve })
        const timer = quietMs === undefined ? undefined : setTimeout(wake, quietMs)
        signal.addEventListener('abort', wake)
        await woken
        signal.removeEventListener('abort', wake)
        clearTimeout(timer)
      }
      isRung = false
    }
  }
}
