import { performance } from 'node:perf_hooks'

/** What a contract suite registers its tests with: `t.test` of node-tap, `test` of node:test, or that of `collectTests()`. */
export type TestFunction = (name: string, body: () => Promise<void> | void) => unknown

export interface TestOutcome {
  name: string
  ok: boolean
  /** What the test threw; absent when it passed. */
  error?: unknown
  duration_ms: number
}

export interface TestCollection {
  /** Collects a test; nothing runs before `run()`. */
  readonly test: TestFunction
  readonly tests: readonly { name: string, body: () => Promise<void> | void }[]
  /**
   * Runs what was collected, one after the other, in order, and never rejects. A test that has not ended after
   * `timeoutMs` (30,000 by default) counts as failed and is left behind. `onOutcome` hears of each as it ends.
   */
  run (options?: { timeoutMs?: number, onOutcome?: (outcome: TestOutcome) => void }): Promise<TestOutcome[]>
}

const DEFAULT_TIMEOUT_MS = 30_000

/** A plain runner, for programs that run a suite without a test framework. */
export function collectTests (): TestCollection {
  const tests: { name: string, body: () => Promise<void> | void }[] = []
  return {
    tests,
    test (name, body) { tests.push({ name, body }) },
    async run ({ timeoutMs = DEFAULT_TIMEOUT_MS, onOutcome } = {}) {
      const outcomes: TestOutcome[] = []
      for (const { name, body } of tests) {
        const outcome = await runOne(name, body, timeoutMs)
        outcomes.push(outcome)
        onOutcome?.(outcome)
      }
      return outcomes
    }
  }
}

async function runOne (name: string, body: () => Promise<void> | void, timeoutMs: number): Promise<TestOutcome> {
  const started = performance.now()
  let timer: NodeJS.Timeout | undefined
  const tooLong = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`The test did not end within ${timeoutMs} ms.`)), timeoutMs)
  })
  const took = (): number => Math.round((performance.now() - started) * 1000) / 1000
  try {
    await Promise.race([(async () => body())(), tooLong])
    return { name, ok: true, duration_ms: took() }
  } catch (error) {
    return { name, ok: false, error, duration_ms: took() }
  } finally {
    clearTimeout(timer)
  }
}
