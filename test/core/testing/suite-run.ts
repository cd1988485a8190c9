import { collectTests, type TestFunction } from '../../../core/testing/index.js'
import { messageOf } from '../../../core/errors.js'

type Register = (test: TestFunction) => void

/** Runs a whole suite; the names of the tests that failed, with why. */
export async function failuresOf (register: Register): Promise<string[]> {
  const collection = collectTests()
  register(collection.test)
  const outcomes = await collection.run()
  return outcomes.filter(({ ok }) => !ok).map(({ name, error }) => `${name}: ${messageOf(error)}`)
}

/** Runs one test of a suite, by its name; why it failed, or `undefined` when it passed. */
export async function failureIn (name: string, register: Register): Promise<string | undefined> {
  const all = collectTests()
  register(all.test)
  const named = all.tests.filter((each) => each.name === name)
  if (named.length !== 1) throw new Error(`The suite has ${named.length} tests named '${name}'. Its tests: ${all.tests.map((each) => each.name).join(' | ')}`)
  const one = collectTests()
  one.test(name, named[0]!.body)
  const [outcome] = await one.run()
  return outcome!.ok ? undefined : messageOf(outcome!.error)
}
