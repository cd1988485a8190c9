import assert from 'node:assert/strict'
import type { Clock, Lifecycle } from '../contracts/common.js'
import { messageOf } from '../errors.js'
import { createTestClock, type TestClock } from './clock.js'
import { within } from './expectations.js'
import type { TestFunction } from './runner.js'

/** What a suite tells the factory. */
export interface ContractOptions {
  /** The only source of time for the instance. */
  clock: Clock
}

/** One instance under test, over storage of its own that nothing else uses and that starts empty. */
export interface ContractSubject<Instance> {
  /** Not opened yet: the suite calls `open()` where there is one. */
  instance: Instance
  /**
   * Another instance over the same storage, not opened yet, as after a restart. The earlier one may not have been
   * closed (a crash); it is not used any more, and is closed at the end. Needed where `supports.durable` is true.
   */
  reopen? (): Promise<Instance>
  /** Removes the storage. Called once, after every instance was closed. */
  dispose (): Promise<void>
}

/** Makes a subject for one test. Rejects when it cannot, and the test fails with that. */
export type ContractFactory<Instance, Options extends ContractOptions = ContractOptions> =
  (options: Options) => Promise<ContractSubject<Instance>>

/** What the body of a contract test works with. */
export interface Scope<Subject extends ContractSubject<Lifecycle>> {
  /** Open. */
  instance: Subject['instance']
  subject: Subject
  clock: TestClock
  /** Opens another instance over the same storage, without closing the first. Fails where the factory offers none. */
  reopen (): Promise<Subject['instance']>
  /** Opens an instance over storage of its own, on the same clock. */
  another (): Promise<Subject['instance']>
}

/** Registers a test that gets an open instance and leaves nothing behind. */
export type ContractTest<Subject extends ContractSubject<Lifecycle>> =
  (name: string, body: (scope: Scope<Subject>) => Promise<void>) => void

export function contractTest<Subject extends ContractSubject<Lifecycle>> (
  test: TestFunction,
  create: (options: ContractOptions) => Promise<Subject>
): ContractTest<Subject> {
  return (name, body) => {
    test(name, () => withSubjects<Subject>(async (keep) => {
      const clock = createTestClock()
      const subject = await create({ clock })
      const instance = await keep.subject(subject)
      await body({
        instance,
        subject,
        clock,
        async reopen () {
          assert.ok(subject.reopen, 'the factory of the suite must offer reopen() for what supports.durable promises')
          return keep.instance(await subject.reopen())
        },
        another: async () => keep.subject(await create({ clock }))
      })
    }))
  }
}

/** Opens subjects and instances, and remembers them for closing. */
export interface Keep<Subject extends ContractSubject<Lifecycle>> {
  subject (subject: Subject): Promise<Subject['instance']>
  instance (instance: Subject['instance']): Promise<Subject['instance']>
}

/** Runs `body`; then closes every instance twice and disposes of every subject, whatever happened. The first failure wins. */
export async function withSubjects<Subject extends ContractSubject<Lifecycle>> (body: (keep: Keep<Subject>) => Promise<void>): Promise<void> {
  const subjects: Subject[] = []
  const instances: Lifecycle[] = []
  const failures: unknown[] = []
  const attempt = async (what: string, step: () => Promise<unknown>): Promise<void> => {
    await step().catch((error: unknown) => failures.push(new Error(`${what}: ${messageOf(error)}`, { cause: error })))
  }
  const keepInstance = async (instance: Subject['instance']): Promise<Subject['instance']> => {
    instances.push(instance)
    await instance.open?.()
    return instance
  }
  // What an instance waits for need not keep the process alive; the test does.
  const alive = setInterval(() => {}, 60_000)
  await body({
    instance: keepInstance,
    async subject (subject) {
      subjects.push(subject)
      return keepInstance(subject.instance)
    }
  }).catch((error: unknown) => failures.push(error))
  for (const instance of instances.reverse()) {
    await attempt('close() failed', async () => instance.close?.())
    await attempt('close() failed the second time, and must be idempotent', async () => instance.close?.())
  }
  for (const subject of subjects) await attempt('dispose() of the factory failed', () => subject.dispose())
  clearInterval(alive)
  if (failures.length > 0) throw failures[0]
}

/** What holds for the instances of every kind. */
export function lifecycleTests<Subject extends ContractSubject<Lifecycle>> (check: ContractTest<Subject>): void {
  check('opens, answers check() within a second and may be closed twice', async ({ instance }) => {
    await within(1_000, (async () => instance.check?.())(), 'check() of an open instance resolves')
    await instance.close?.()
    await instance.close?.()
  })
}
