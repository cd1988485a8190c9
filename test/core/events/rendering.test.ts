import t from 'tap'
import type { SidecarEvent } from '../../../core/contracts/index.js'
import { renderAnswer, renderEvent } from '../../../core/events/rendering.js'
import { draft } from '../../../core/testing/event-bus/events.js'

const eventOf = (number: number): SidecarEvent => ({ event_id: `evt_${number}`, ...draft(number, { data: { number, text: '"\u2028é\\' } }), timestamp: '2026-01-01T00:00:00.000Z' })

t.test('an answer is what JSON.stringify would make of it', async (t) => {
  const [a, b, c] = [eventOf(1), eventOf(2), eventOf(3)]
  const timestamp = '2026-01-01T00:00:00.000Z'
  const answers = [
    { events: [], more_available: false, next_cursor: 'cur_1', timeout: true, timestamp },
    { events: [a, b], more_available: true, next_cursor: 'cur_2', timestamp },
    { events: [a, c], more_available: true, next_cursor: 'cur_2', timestamp },
    { events: [a, b], more_available: true, next_cursor: 'cur_2', gap: { missed: 3 }, timestamp },
    { events: [a], more_available: false, next_cursor: 'cur_1', deliveries: [{ event_id: 'evt_1', attempt: 1 }], timestamp },
    { events: [a], more_available: false, next_cursor: 'cur_1' }
  ]
  // Twice, so that what is kept is used.
  for (const answer of [...answers, ...answers]) t.strictSame(JSON.parse(renderAnswer(answer)), answer)
})

t.test('an event is rendered once as long as it is new', async (t) => {
  let times = 0
  const event = { ...eventOf(1), data: { toJSON: () => ++times } as unknown as SidecarEvent['data'] }
  for (let reader = 0; reader < 119; reader++) {
    renderEvent(event)
    renderAnswer({ events: [event], more_available: false, next_cursor: 'cur_1' })
  }
  t.equal(times, 1)
})
