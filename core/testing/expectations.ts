import assert from 'node:assert/strict'
import { codeOf, messageOf, type ApiErrorCode } from '../errors.js'

/** Between the first two looks, and at most: looking takes the processor from what is waited for. */
const [FIRST_MS, LONGEST_MS] = [5, 25]
/** Far beyond what is waited for: a deadline tells what never comes from what is slow on a busy machine. */
const DEADLINE_MS = 20_000

/** Resolves as soon as `condition` holds; rejects with `what` when it still does not at the deadline. */
export async function eventually (condition: () => boolean | Promise<boolean>, what: string, deadlineMs = DEADLINE_MS): Promise<void> {
  const deadline = Date.now() + deadlineMs
  for (let pause = FIRST_MS; !await condition(); pause = Math.min(pause * 1.2, LONGEST_MS)) {
    if (Date.now() > deadline) assert.fail(`within ${deadlineMs} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, pause))
  }
}

/** Rejects with `what` when the promise has not settled within `ms`; otherwise settles as it does. */
export async function within<Value> (ms: number, promise: Promise<Value>, what: string): Promise<Value> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new assert.AssertionError({ message: `within ${ms} ms: ${what}` })), ms)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Passes when the call rejects, or throws, with that code. `what` says what was tried. */
export async function rejectsWith (code: ApiErrorCode, call: () => Promise<unknown>, what: string): Promise<void> {
  let value: unknown
  try {
    value = await call()
  } catch (error) {
    assert.equal(codeOf(error), code, `${what} must be refused with ${code}, and was with: ${messageOf(error)}`)
    return
  }
  assert.fail(`${what} must be refused with ${code}, and gave ${JSON.stringify(value)}`)
}
