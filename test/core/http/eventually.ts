import { setTimeout as delay } from 'node:timers/promises'

/** Asks again until the answer is as wanted, and gives it; throws when that takes too long. */
export async function eventually<Value> (ask: () => Value | Promise<Value>, isWanted: (value: Value) => boolean = Boolean): Promise<Value> {
  const deadline = performance.now() + 30_000
  // At longer and longer distances: looking takes the processor from what is waited for.
  for (let pause = 5; ; pause = Math.min(pause * 1.2, 25)) {
    const value = await ask()
    if (isWanted(value)) return value
    if (performance.now() > deadline) throw new Error(`This stayed so: ${JSON.stringify(value)}`)
    await delay(pause)
  }
}
