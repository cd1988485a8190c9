import t, { type Test } from 'tap'
import type { Logger } from '../../../core/contracts/common.js'
import { createReadAhead, type ReadAhead } from '../../../core/project/read-ahead.js'
import { createLogSpy } from '../../support/log-spy.js'

type Step = () => Promise<number>

/** Projects each of which counts down from a number of steps, and what has been read of which in order. */
function setUp (t: Test, steps: Record<string, number>, step: (id: string, left: number) => Promise<number> = async (_id, left) => left) {
  const read: string[] = []
  const projects = Object.entries(steps).map(([id, count]) => {
    let left = count
    const next: Step = async () => {
      read.push(id)
      return await step(id, --left)
    }
    return { id, readAhead: next }
  })
  const log = createLogSpy()
  const start = (): ReadAhead => {
    const reading = createReadAhead(log as Logger, 0)
    t.teardown(() => reading.close())
    for (const project of projects) reading.add(project)
    reading.start()
    return reading
  }
  return { read, log, start }
}

const settled = async (isSo: () => boolean): Promise<void> => {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve))
}

t.test('projects are read one after the other, each to its end', async t => {
  const { read, log, start } = setUp(t, { a: 3, b: 1 })
  start()
  await settled(() => log.said.debug.length === 2)
  t.strictSame(read, ['a', 'a', 'a', 'b'])
  t.strictSame(log.lines.map(({ details }) => (details as { project: string }).project), ['a', 'b'])
  t.strictSame(log.said.warn, [])
})

t.test('a project that comes later is read when it comes, and before the start none is', async t => {
  const { read, log, start } = setUp(t, { a: 2 })
  const reading = start()
  t.strictSame(read, [])
  await settled(() => log.said.debug.length === 1)
  reading.add({ id: 'later', readAhead: async () => { read.push('later'); return 0 } })
  await settled(() => log.said.debug.length === 2)
  t.strictSame(read, ['a', 'a', 'later'])
})

t.test('a project that cannot be read keeps no other from it, and is told of', async t => {
  const { read, log, start } = setUp(t, { a: 3, b: 1 }, async (id, left) => {
    if (id === 'a') throw new Error('It is gone.')
    return left
  })
  start()
  await settled(() => log.said.debug.length === 1)
  t.strictSame(read, ['a', 'b'])
  t.match(log.lines, [{ level: 'warn', details: { project: 'a', err: { message: 'It is gone.' } } }, { level: 'debug' }])
})

t.test('once closed, no further step is taken, and what fails because of it is nobody\'s fault', async t => {
  const steps: { resolve (left: number): void, reject (error: Error): void }[] = []
  const { read, log, start } = setUp(t, { a: 9, b: 9 }, async () => await new Promise((resolve, reject) => { steps.push({ resolve, reject }) }))
  const first = start()
  await settled(() => steps.length === 1)
  first.close()
  first.add({ id: 'late', readAhead: async () => { read.push('late'); return 0 } })
  steps[0]!.resolve(5)
  const second = start()
  await settled(() => steps.length === 2)
  second.close()
  steps[1]!.reject(new Error('The sidecar is shutting down.'))
  for (let turns = 0; turns < 20; turns++) await new Promise((resolve) => setImmediate(resolve))
  t.strictSame(read, ['a', 'a'])
  t.strictSame(log.lines, [])
  start().close()
  await new Promise((resolve) => setTimeout(resolve, 20))
  t.strictSame(read, ['a', 'a'], 'nor a first one')
})
