import fc from 'fast-check'
import t from 'tap'
import type { SidecarEvent } from '../../../core/contracts/event-bus.js'
import { parseSubscription } from '../../../core/events/subscription.js'

const type = fc.constantFrom('a', 'b', 'c', 'build.done', 'x-y')
const topic = fc.constantFrom(undefined, 'testing', 'error')
const filter = fc.constantFrom(undefined, '', 'n:1', '!n:1', 'n:>0,topic:testing')

function event (eventType: string, eventTopic: string, n: number): SidecarEvent {
  return { event_id: 'evt_1', event_type: eventType, publisher: 'ada', publisher_type: 'ai-engineer', topic: eventTopic, data: { n }, timestamp: '2026-01-01T00:00:00.000Z', ttl_seconds: 60 }
}

t.test('a subscription is met by type, topic and filter together', async () => {
  const met: Record<string, (n: number, ofTopic: string) => boolean> = { '': () => true, 'n:1': (n) => n === 1, '!n:1': (n) => n !== 1, 'n:>0,topic:testing': (n, ofTopic) => n > 0 && ofTopic === 'testing' }
  fc.assert(fc.property(
    fc.option(fc.array(type, { minLength: 1, maxLength: 4 }), { nil: undefined }), topic, filter, type, fc.constantFrom('testing', 'error'), fc.integer({ min: -1, max: 2 }),
    (types, wantedTopic, text, eventType, eventTopic, n) => {
      const subscription = parseSubscription({ type: types?.join(','), topic: wantedTopic, filter: text })
      const expected = (types === undefined || types.includes(eventType)) && (wantedTopic === undefined || wantedTopic === eventTopic) && met[text ?? '']!(n, eventTopic)
      return subscription.matches(event(eventType, eventTopic, n)) === expected
    }
  ), { numRuns: 1000 })
})

t.test('the key is the same for the same wish, and another for another', async (t) => {
  fc.assert(fc.property(fc.array(type, { minLength: 1, maxLength: 4 }), topic, filter, (types, wantedTopic, text) => {
    const one = parseSubscription({ type: types.join(','), topic: wantedTopic, filter: text })
    const other = parseSubscription({ type: [...types, types[0]!].reverse().join(','), topic: wantedTopic, filter: text === '' ? undefined : text?.split(',').reverse().join(', ') })
    return one.key === other.key
  }))
  const keys = [{}, { type: 'a' }, { type: 'a,b' }, { topic: 'a' }, { type: 'a', topic: 'a' }, { filter: 'a:1' }, { type: 'a', filter: 'a:1' }, { filter: '!a:1' }].map((query) => parseSubscription(query).key)
  t.equal(new Set(keys).size, keys.length)
  t.equal(parseSubscription({ type: '*' }).key, parseSubscription({}).key)
})

t.test('a type or topic that is none is named', async (t) => {
  for (const [query, path] of [[{ type: 'A' }, 'event_type'], [{ type: 'a,' }, 'event_type'], [{ type: '' }, 'event_type'], [{ type: '*,a' }, 'event_type'], [{ topic: '' }, 'topic'], [{ topic: 'a/b' }, 'topic']] as const) {
    t.throws(() => parseSubscription(query), { code: 'VAL_001', details: { issues: [{ path }] } }, JSON.stringify(query))
  }
})
