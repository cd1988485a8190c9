import fc from 'fast-check'
import t from 'tap'
import { mergeOffers, type Candidate, type Offer } from '../../../core/context/offers.js'
import { PRIORITY } from '../../../core/context/priority.js'
import type { PriorityClass, Task } from '../../../core/contracts/context-strategy.js'

const priority = fc.constantFrom(...Object.values(PRIORITY)) as fc.Arbitrary<PriorityClass>
const path = fc.constantFrom('src/cart.ts', 'src/cart/total.ts', 'src/login.py', 'docs/cart.md', 'a', 'b/c', 'test/login.test.ts', 'README.md')
const offer: fc.Arbitrary<Offer> = fc.record({
  item: fc.record({ kind: fc.constant('file' as const), path, score: fc.double({ min: -1, max: 2, noNaN: true }), priority }),
  weight: fc.double({ min: 0.01, max: 10, noNaN: true }),
  strategy: fc.constantFrom('one', 'two', 'three')
})
const task: fc.Arbitrary<Task> = fc.record({
  issue_id: fc.constant('i-1'), title: fc.constantFrom('', 'Cart total is wrong', 'login'), labels: fc.constant([]), files: fc.subarray(['src/login.py', 'gone.ts'])
})
const EMPTY_TASK: Task = { issue_id: 'i-1', labels: [], files: [] }

const paths = (candidates: readonly Candidate[]): string[] => candidates.map((candidate) => candidate.path)

function offers (...items: [path: string, score: number, more?: { weight?: number, priority?: PriorityClass, strategy?: string, reason?: string }][]): Offer[] {
  return items.map(([path, score, { weight = 1, priority = PRIORITY.history, strategy = 's', reason } = {}]): Offer => ({
    item: { kind: 'file', path, score, priority, ...(reason === undefined ? {} : { reason }) }, weight, strategy
  }))
}

t.test('merging is deterministic, complete and bounded, for any offers', async t => {
  fc.assert(fc.property(fc.array(offer, { maxLength: 25 }), task, (given, task) => {
    const merged = mergeOffers(given, task)
    const offered = [...new Set(given.map(({ item }) => item.path))].sort()
    return JSON.stringify(merged) === JSON.stringify(mergeOffers(given, task)) && JSON.stringify(paths(merged).sort()) === JSON.stringify(offered) &&
      merged.every(({ need }, index) => need >= 0 && need <= 1 && need <= (merged[index - 1]?.need ?? Infinity))
  }), { numRuns: 1500, seed: 1 })
})

t.test('what is needed more than what', async t => {
  const order = (given: Offer[], task: Partial<Task> = {}): string[] => paths(mergeOffers(given, { ...EMPTY_TASK, ...task }))
  t.strictSame(order(offers(['low', 0.2], ['high', 0.9])), ['high', 'low'], 'the higher score')
  t.strictSame(order(offers(['light', 0.9, { weight: 1 }], ['heavy', 0.9, { weight: 3 }])), ['heavy', 'light'], 'the weightier requirement')
  t.strictSame(order(offers(['one', 0.6], ['both', 0.5], ['both', 0.5, { strategy: 'other' }])), ['both', 'one'], 'two strategies that agree')
  t.strictSame(order(offers(['history', 0.5], ['test', 0.5, { priority: 4 }], ['task', 0.5, { priority: 1 }])), ['task', 'test', 'history'], 'the class, where need is equal')
  t.strictSame(order(offers(['b', 0.5], ['a', 0.5])), ['a', 'b'], 'the path, where all is equal')
  t.strictSame(order(offers(['a', 1], ['named', 0.01]), { files: ['named'] }), ['named', 'a'], 'a file that the issue names')
  const [named, touched, other] = mergeOffers(offers(['other', 0.3], ['touched', 0.3], ['named', 0.3]), { ...EMPTY_TASK, files: ['named'] }, new Set(['touched', 'gone']))
    .sort((a, b) => b.named - a.named)
  t.strictSame([named, touched, other].map((candidate) => [candidate!.path, candidate!.named]), [['named', 1], ['touched', 0.6], ['other', 0]])
  t.strictSame(touched!.reasons, ['touched by an earlier agent'])
})

t.test('reasons are told once each', async t => {
  const [candidate] = mergeOffers(offers(['cart.ts', 0.5, { reason: 'source of the agent' }], ['cart.ts', 0.5, { reason: 'source of the agent', strategy: 'other' }]), EMPTY_TASK)
  t.strictSame(candidate!.reasons, ['source of the agent'])
  t.strictSame(candidate!.strategies, ['s', 'other'])
})
