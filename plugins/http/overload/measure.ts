import { monitorEventLoopDelay } from 'node:perf_hooks'
import { getHeapStatistics } from 'node:v8'

// A timer of the system's that looks ten times as often as it is asked.
const RESOLUTION_MS = 10

export interface Gauge {
  /** Since the last call: how much later than it should the event loop came to its timers, mean in milliseconds, and the share of the heap that is used. */
  read (): { delayMs: number, heapShare: number }
  close (): void
}

export function openGauge (): Gauge {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  histogram.enable()
  return {
    read () {
      // Without a sample the loop stood still all the time, which the next reading tells.
      const delayMs = Number.isNaN(histogram.mean) ? 0 : Math.max(0, histogram.mean / 1e6 - RESOLUTION_MS)
      histogram.reset()
      const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics()
      return { delayMs, heapShare: used / limit }
    },
    close () { histogram.disable() }
  }
}
