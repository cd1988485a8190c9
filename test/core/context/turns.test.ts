import t from 'tap'
import { createTurns } from '../../../core/context/turns.js'

t.test('no more work at once than may be, in the order in which it came, and a fault frees its place', async t => {
  const turns = createTurns(2, 50)
  const order: number[] = []
  let [running, most] = [0, 0]
  const outcomes = await Promise.allSettled(Array.from({ length: 40 }, async (_, index) => await turns.take(async () => {
    order.push(index)
    most = Math.max(most, ++running)
    await new Promise((resolve) => setImmediate(resolve))
    running--
    if (index % 3 === 0) throw new Error('failed')
    return index
  })))
  t.equal(most, 2)
  t.strictSame(order, Array.from({ length: 40 }, (_, index) => index))
  t.equal(outcomes.filter(({ status }) => status === 'rejected').length, 14)
  t.equal(await turns.take(async () => 'free again'), 'free again')
})

t.test('the queue is bounded', async t => {
  const turns = createTurns(1, 1)
  let end = (): void => {}
  const first = turns.take(async () => await new Promise<void>((resolve) => { end = resolve }))
  const second = turns.take(async () => 'second')
  await t.rejects(turns.take(async () => 'third'), { code: 'SRV_002' })
  end()
  await first
  t.equal(await second, 'second')
})
