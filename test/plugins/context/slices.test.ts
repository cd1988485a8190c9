import t from 'tap'
import { createBest } from '../../../plugins/context/shared/best.js'
import { createPace, inSlices } from '../../../plugins/context/shared/slices.js'

/** Works for some microseconds. */
function work (): void {
  const until = performance.now() + 0.05
  while (performance.now() < until);
}

/** How many turns the event loop makes while something runs. */
async function turnsDuring (run: () => Promise<unknown>): Promise<number> {
  let turns = 0
  let running = true
  const count = (): void => {
    turns++
    if (running) setImmediate(count)
  }
  setImmediate(count)
  await run()
  running = false
  return turns
}

t.test('loops over many files let others have the event loop', async t => {
  const visited: number[] = []
  const items = Array.from({ length: 2000 }, (_, index) => index)
  const turns = await turnsDuring(async () => await Promise.all([1, 2].map(async () => await inSlices(items, item => {
    visited.push(item)
    work()
  }))))
  t.strictSame(visited, [...items, ...items], 'all in order, one loop after the other')
  // 200 ms of work in slices of three.
  t.ok(turns > 20, `${turns} turns`)
})

t.test('a loop ends when nobody wants it any more, and the next goes on', async t => {
  const controller = new AbortController()
  const seen: number[] = []
  const items = Array.from({ length: 5000 }, (_, index) => index)
  const given = inSlices(items, item => {
    if (item === 100) controller.abort(new Error('gone'))
    work()
  }, controller.signal)
  const faulty = inSlices([1], () => { throw new TypeError('a fault') })
  const next = inSlices([1, 2], item => { seen.push(item) })
  await t.rejects(given, { message: 'gone' })
  await t.rejects(faulty, { message: 'a fault' })
  await next
  t.strictSame(seen, [1, 2])
})

t.test('work in uneven steps gives way, too', async t => {
  const pace = createPace(new AbortController().signal)
  const turns = await turnsDuring(async () => {
    for (let step = 0; step < 1000; step++) {
      await pace()
      work()
    }
  })
  t.ok(turns > 5, `${turns} turns`)
  await t.rejects(createPace(AbortSignal.abort(new Error('gone')))(), { message: 'gone' })
})

t.test('the best are the same as if all were sorted', t => {
  const numbers = Array.from({ length: 10_000 }, (_, index) => (index * 7919) % 10_007)
  for (const most of [1, 10, 400, 20_000]) {
    const best = createBest<number>(most, (one, other) => other - one)
    numbers.forEach(best.add)
    t.strictSame(best.items(), [...numbers].sort((one, other) => other - one).slice(0, most))
  }
  t.end()
})
