import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { draft, PROJECT } from '../../../core/testing/event-bus/events.js'
import { createStage, numbers } from './stage.js'

const HOUR = 3_600_000

t.test('FAULT 8: a wait lasts as long as it was asked for, and is woken, however the clock is set meanwhile', async (t) => {
  for (const step of [25 * HOUR, -2 * HOUR]) {
    const { bus, clock, wait } = createStage()
    const short = wait({ timeoutMs: 200 })
    const long = wait({ type: 'agent_completed' })
    clock.advance(step)
    // Timers of one process fire in the order of their times.
    const first = await Promise.race([short.then(() => 'the wait'), delay(100).then(() => 'half of its time')])
    t.equal(first, 'half of its time', 'it does not end early')
    const second = await Promise.race([short.then(() => 'the wait'), delay(5_000, 'much more than its time', { ref: false })])
    t.equal(second, 'the wait', 'nor late')
    t.match(await short, { timedOut: true, page: { events: [] } })
    await bus.append(PROJECT, draft(1))
    t.strictSame(numbers(await long), [1])
  }
})
