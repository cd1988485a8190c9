import fc from 'fast-check'
import t from 'tap'
import { TokenBuckets } from '../../../plugins/http/token-buckets.js'

const rates = { perMinute: fc.integer({ min: 1, max: 100_000 }), burst: fc.integer({ min: 1, max: 50 }) }

t.test('never more than the burst and the rate since, over any stretch of time, and no less', (t) => {
  fc.assert(fc.property(fc.record(rates), fc.array(fc.nat(3000), { minLength: 1, maxLength: 60 }), fc.integer({ min: 1, max: 4 }), ({ perMinute, burst }, steps, eager) => {
    let now = 17.5
    const buckets = new TokenBuckets({ now: () => now })
    const passed: number[] = []
    // In sixty thousandths of a token, so that nothing is rounded.
    let level = burst * 60_000
    for (const step of steps) {
      now += step
      level = Math.min(burst * 60_000, level + step * perMinute)
      for (let draw = 0; draw < eager; draw++) {
        const { allowed, remaining, waitMs } = buckets.draw([{ key: 'a', perMinute, burst }])
        if (allowed !== (level >= 60_000)) return false
        if (allowed) {
          level -= 60_000
          passed.push(now)
        }
        if (remaining !== Math.floor(level / 60_000)) return false
        // After the wait there is one more, and a millisecond earlier there is not.
        if (Math.floor((level + waitMs * perMinute) / 60_000) < remaining + 1 || Math.floor((level + (waitMs - 1) * perMinute) / 60_000) > remaining) return false
      }
    }
    return passed.every((from, first) => passed.slice(first).every((to, place) => (place + 1) * 60_000 <= burst * 60_000 + (to - from) * perMinute))
  }), { numRuns: 500 })
  t.end()
})

t.test('whoever asks all the time gets the burst and the rate, to the last one', (t) => {
  fc.assert(fc.property(fc.record(rates), fc.integer({ min: 1, max: 2000 }), ({ perMinute, burst: more }, milliseconds) => {
    // What flows in between two draws must have room beside a part of a token.
    const burst = more + 1 + Math.ceil(perMinute / 60_000)
    let now = 0
    const buckets = new TokenBuckets({ now: () => now })
    let passed = 0
    for (; now <= milliseconds; now++) while (buckets.draw([{ key: 'a', perMinute, burst }]).allowed) passed++
    return passed === Math.floor(burst + milliseconds * perMinute / 60_000)
  }), { numRuns: 100 })
  t.end()
})

t.test('of several buckets all give one, or none does', (t) => {
  const buckets = new TokenBuckets({ now: () => 0 })
  const own = { key: 'own', perMinute: 60, burst: 5 }
  const shared = { key: 'shared', perMinute: 30, burst: 2 }
  t.match(buckets.draw([own, shared]), { allowed: true, place: 0, remaining: 4 })
  t.match(buckets.draw([own, shared]), { allowed: true, place: 0, remaining: 3 })
  t.match(buckets.draw([own, shared]), { allowed: false, place: 1, remaining: 0, waitMs: 2000 })
  t.match(buckets.draw([own]), { allowed: true, remaining: 2 }, 'a draw that the other bucket refused took nothing')
  t.end()
})

t.test('full buckets are forgotten, and there are never more than the bound', (t) => {
  let now = 0
  const buckets = new TokenBuckets({ most: 10, now: () => now })
  for (let key = 0; key < 10; key++) buckets.draw([{ key: `key ${key}`, perMinute: 60, burst: 1 }])
  t.equal(buckets.size, 10)
  buckets.draw([{ key: 'another', perMinute: 60, burst: 1 }])
  t.equal(buckets.size, 10, 'the oldest makes room')
  now = 1000
  buckets.draw([{ key: 'one more', perMinute: 60, burst: 1 }])
  t.equal(buckets.size, 1, 'all that were full again went before it')
  buckets.putBack({ key: 'one more', perMinute: 60, burst: 1 })
  t.equal(buckets.size, 0, 'and one to which its token was given back')
  t.end()
})

t.test('a rate that changes holds from the next draw', (t) => {
  const buckets = new TokenBuckets({ now: () => 0 })
  t.match(buckets.draw([{ key: 'a', perMinute: 60, burst: 100 }]), { remaining: 99 })
  t.match(buckets.draw([{ key: 'a', perMinute: 60, burst: 3 }]), { remaining: 2 })
  t.end()
})
