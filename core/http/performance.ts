const WINDOW_MS = 60_000
const MAX_SAMPLES = 4096

export interface PerformanceFigures {
  avg_response_time_ms: number
  p95_response_time_ms: number
  p99_response_time_ms: number
  requests_per_second: number
  errors_per_minute: number
}

/** Response times of the last minute, at most so many of the newest; long polls are not among them. */
export class Performance {
  readonly #at = new Float64Array(MAX_SAMPLES).fill(-Infinity)
  readonly #duration = new Float64Array(MAX_SAMPLES)
  readonly #failed = new Uint8Array(MAX_SAMPLES)
  #next = 0

  record (duration: number, failed: boolean): void {
    this.#at[this.#next] = performance.now()
    this.#duration[this.#next] = duration
    this.#failed[this.#next] = failed ? 1 : 0
    this.#next = (this.#next + 1) % MAX_SAMPLES
  }

  figures (): PerformanceFigures {
    const now = performance.now()
    const recent = [...this.#at.keys()].filter((index) => now - this.#at[index]! < WINDOW_MS)
    const durations = recent.map((index) => this.#duration[index]!).sort((a, b) => a - b)
    const oldest = recent.reduce((least, index) => Math.min(least, this.#at[index]!), now)
    const quantile = (share: number): number => round(durations[Math.max(0, Math.ceil(durations.length * share) - 1)] ?? 0)
    return {
      avg_response_time_ms: durations.length === 0 ? 0 : round(durations.reduce((sum, value) => sum + value, 0) / durations.length),
      p95_response_time_ms: quantile(0.95),
      p99_response_time_ms: quantile(0.99),
      // A full ring covers less than the window; then what it covers is the measure.
      requests_per_second: durations.length === 0 ? 0 : round(durations.length / Math.max(1, (durations.length < MAX_SAMPLES ? WINDOW_MS : now - oldest) / 1000)),
      errors_per_minute: recent.filter((index) => this.#failed[index] === 1).length
    }
  }
}

function round (value: number): number {
  return Math.round(value * 100) / 100
}
