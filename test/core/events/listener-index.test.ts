import fc from 'fast-check'
import t from 'tap'
import type { EventDraft } from '../../../core/contracts/index.js'
import { ListenerIndex, type Listener } from '../../../core/events/listener-index.js'
import { parseSubscription } from '../../../core/events/subscription.js'
import { draft } from '../../../core/testing/event-bus/events.js'

const value = fc.constantFrom('a', 'b', '1', 'null', 'true')
const clause = fc.tuple(fc.constantFrom('', '!'), fc.constantFrom('x', 'y', 'deep.z', 'topic'), fc.oneof(fc.uniqueArray(value, { minLength: 1, maxLength: 3 }).map((all) => all.join('|')), fc.constantFrom('a*', '>0', 'b|a*')))
  .map(([not, field, text]) => `${not}${field}:${text}`)
const query = fc.record({
  type: fc.option(fc.constantFrom('t1', 't2', 't1,t2', '*'), { nil: undefined }),
  topic: fc.option(fc.constantFrom('a', 'b'), { nil: undefined }),
  filter: fc.option(fc.array(clause, { minLength: 1, maxLength: 3 }).map((clauses) => clauses.join()), { nil: undefined })
})
const field = fc.oneof(fc.constantFrom<unknown>('a', 'b', 1, null, true, undefined, {}), fc.array(fc.constantFrom('a', 'b', 1)))
const event: fc.Arbitrary<EventDraft> = fc.record({ event_type: fc.constantFrom('t1', 't2', 't3'), topic: fc.constantFrom('a', 'b', 'c'), x: field, y: field, z: field })
  .map(({ event_type, topic, x, y, z }) => draft(1, { event_type, topic, data: JSON.parse(JSON.stringify({ x, y, deep: { z } })) }))

t.test('an index finds whom asking all would find, also when some have gone', async () => {
  fc.assert(fc.property(fc.array(fc.tuple(query, fc.boolean()), { maxLength: 30 }), fc.array(event, { minLength: 1, maxLength: 10 }), (queries, events) => {
    const index = new ListenerIndex()
    const all = queries.map(([asked, stays]) => ({ stays, listener: { agentType: 'tester', subscription: parseSubscription(asked), wake () {} } satisfies Listener }))
    for (const { listener } of all) index.add(listener)
    for (const { listener, stays } of all) if (!stays) index.delete(listener)
    for (const event of events) {
      const wanted = all.filter(({ listener, stays }) => stays && listener.subscription.matches(event)).map(({ listener }) => listener)
      const found = index.matching(event)
      if (found.size !== wanted.length || !wanted.every((listener) => found.has(listener))) throw new Error(`${found.size} were found of ${wanted.length}`)
    }
  }), { numRuns: 500 })
})

t.test('among 10,000 that ask for different values an event asks only those that ask for its own', async (t) => {
  const index = new ListenerIndex()
  let asked = 0
  for (let number = 0; number < 10_000; number++) {
    const subscription = parseSubscription({ type: 'agent_completed', filter: `number:${number},publisher_type:backend-architect` })
    const counted = { ...subscription, matches: (event: EventDraft) => { asked++; return subscription.matches(event) } }
    for (let reader = 0; reader < 2; reader++) index.add({ agentType: 'tester', subscription: counted, wake () {} })
  }
  t.equal(index.matching(draft(4711)).size, 2)
  t.equal(index.matching(draft(10_000)).size, 0)
  t.equal(asked, 1, 'who asks the same is asked once')
})
