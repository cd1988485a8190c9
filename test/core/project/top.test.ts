import fc from 'fast-check'
import t from 'tap'
import { topOf } from '../../../core/project/worker/index/top.js'

t.test('the best are those that sorting all of them gives', async t => {
  // Few values, so that there are equals; none, and negative ones; and such that lie close together or far apart.
  const score = fc.oneof(fc.constantFrom(0, -1, 0.5, 1, 1.7), fc.double({ min: 0, max: 2, noNaN: true }), fc.double({ min: 1, max: 1 + 1e-9, noNaN: true }), fc.constantFrom(1e-300, 1e300))
  fc.assert(fc.property(fc.array(score, { maxLength: 300 }), fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constantFrom(1, 300, Infinity)), (values, most) => {
    const scores = Float64Array.from(values)
    const nameOf = (id: number): string => `${(id * 7919) % 1009}`.padStart(4, '0')
    const expected = [...scores.keys()].filter((id) => scores[id]! > 0)
      .sort((one, other) => scores[other]! - scores[one]! || (nameOf(one) < nameOf(other) ? -1 : 1)).slice(0, most === Infinity ? undefined : most)
    return JSON.stringify(topOf(scores, most, nameOf)) === JSON.stringify(expected)
  }), { numRuns: 500, seed: 1 })
})
