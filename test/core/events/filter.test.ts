import fc from 'fast-check'
import t from 'tap'
import type { SidecarEvent } from '../../../core/contracts/event-bus.js'
import { codeOf, messageOf } from '../../../core/errors.js'
import { parseFilter } from '../../../core/events/filter.js'
import { anyCharacter } from '../../support/any-character.js'

const EVENT: SidecarEvent = {
  event_id: 'evt_1', event_type: 'note', publisher: 'ada', publisher_type: 'ai-engineer', topic: 'testing', data: {}, timestamp: '2026-01-01T00:00:00.000Z', ttl_seconds: 60
}

/** Few names and values, so that clauses and events meet. */
const name = fc.constantFrom('a', 'b', 'topic', 'data', 'x-y', 'x_1', '__proto__', 'constructor', 'toString', '0')
const text = fc.constantFrom('1', '10', 'on', 'one', 'bone', 'testing', 'null', 'true', '-1.5', 'a:b', 'o n', '*', 'x!y')
const scalar = fc.oneof(text, fc.constantFrom(null, true, false, 0, 1, 10, -1.5, 1e21))
const value = fc.letrec((tie) => ({
  value: fc.oneof({ maxDepth: 3 }, scalar, fc.array(scalar, { maxLength: 3 }), fc.dictionary(name, tie('value'), { maxKeys: 3 }))
})).value
const data = fc.dictionary(name, value, { maxKeys: 4 })

type Alternative = { kind: 'equal' | 'prefix', text: string } | { kind: '>' | '>=' | '<' | '<=', bound: number }
interface Clause { negated: boolean, path: string[], alternatives: Alternative[] }

const alternative: fc.Arbitrary<Alternative> = fc.oneof(
  fc.record({ kind: fc.constant('equal' as const), text: text.filter((word) => !word.endsWith('*')) }),
  fc.record({ kind: fc.constant('prefix' as const), text: fc.oneof(text, fc.constant('')) }),
  fc.record({ kind: fc.constantFrom('>' as const, '>=' as const, '<' as const, '<=' as const), bound: fc.constantFrom(-1.5, 0, 1, 10) })
)
const clause: fc.Arbitrary<Clause> = fc.record({ negated: fc.boolean(), path: fc.array(name, { minLength: 1, maxLength: 3 }), alternatives: fc.array(alternative, { minLength: 1, maxLength: 3 }) })

function write ({ negated, path, alternatives }: Clause): string {
  const values = alternatives.map((one) => ('bound' in one ? `${one.kind}${one.bound}` : one.kind === 'prefix' ? `${one.text}*` : one.text))
  return `${negated ? '!' : ''}${path.join('.')}:${values.join('|')}`
}

/** What a clause means, written down once more without the parser. */
function holds ({ negated, path, alternatives }: Clause, event: SidecarEvent): boolean {
  const at = (root: unknown): unknown => path.reduce<unknown>((node, member) => (
    typeof node === 'object' && node !== null && Object.hasOwn(node, member) ? (node as Record<string, unknown>)[member] : undefined
  ), root)
  const found = at(event) === undefined ? at(event.data) : at(event)
  const candidates = Array.isArray(found) ? found as unknown[] : [found]
  const isMatch = candidates.some((candidate) => alternatives.some((one) => {
    if ('bound' in one) {
      if (typeof candidate !== 'number') return false
      return { '>': candidate > one.bound, '>=': candidate >= one.bound, '<': candidate < one.bound, '<=': candidate <= one.bound }[one.kind]
    }
    if (candidate === undefined || (typeof candidate === 'object' && candidate !== null)) return false
    return one.kind === 'prefix' ? String(candidate).startsWith(one.text) : String(candidate) === one.text
  }))
  return isMatch !== negated
}

t.test('a filter means what its clauses mean together', async () => {
  fc.assert(fc.property(fc.array(clause, { minLength: 1, maxLength: 4 }), data, (clauses, given) => {
    const event = { ...EVENT, data: given as SidecarEvent['data'] }
    const filter = parseFilter(clauses.map(write).join(','))
    return filter.matches(event) === clauses.every((one) => holds(one, event))
  }), { numRuns: 3000 })
})

t.test('filters of the same meaning have the same text', async () => {
  fc.assert(fc.property(
    fc.array(clause, { minLength: 1, maxLength: 4 }).chain((clauses) => fc.tuple(fc.constant(clauses), fc.shuffledSubarray(clauses, { minLength: clauses.length }), fc.constantFrom('', ' ', '  '))),
    ([clauses, shuffled, space]) => {
      const other = shuffled.map((one) => `${space}${write({ ...one, alternatives: [...one.alternatives].reverse() })}${space}`)
      return parseFilter(clauses.map(write).join(',')).text === parseFilter(other.join(',')).text
    }
  ))
})

t.test('the text of a filter is a filter of the same meaning', async () => {
  fc.assert(fc.property(fc.array(clause, { minLength: 1, maxLength: 4 }), data, (clauses, given) => {
    const event = { ...EVENT, data: given as SidecarEvent['data'] }
    const filter = parseFilter(clauses.map(write).join(','))
    const again = parseFilter(filter.text)
    return again.text === filter.text && again.matches(event) === filter.matches(event)
  }))
})

t.test('any text is a filter or is refused with a place, and none takes long', async (t) => {
  let refused = 0
  let slowest = ''
  let longest = 0
  const big = { ...EVENT, data: Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`member_${n}`, 'a'.repeat(20)])) }
  const piece = fc.constantFrom('a', 'aaaa', '*', '**', ':', '|', ',', '!', '.', '>', '<=', '9', '-', ' ', 'é', '\0', 'member_1', '(', '[', '\\', '$')
  fc.assert(fc.property(fc.oneof(fc.array(piece, { maxLength: 120 }).map((pieces) => pieces.join('')), fc.string({ unit: anyCharacter, maxLength: 60 })), (given) => {
    const started = performance.now()
    try {
      parseFilter(given).matches(big)
    } catch (error) {
      refused++
      if (codeOf(error) !== 'VAL_001') throw error
      if (!/at character \d+|longer than|more than \d+ clauses/.test(messageOf(error))) throw new Error(`No place in: ${messageOf(error)}`)
    }
    const took = performance.now() - started
    if (took > longest) [slowest, longest] = [given, took]
  }), { numRuns: 3000 })
  t.ok(refused > 0)
  // The best of several: one run alone may have been interrupted. Writing the event 200 times is the measure.
  const best = (run: () => void): number => Math.min(...Array.from({ length: 7 }, () => {
    const started = performance.now()
    run()
    return performance.now() - started
  }))
  const limit = best(() => { for (let round = 0; round < 200; round++) JSON.stringify(big) })
  const took = best(() => {
    try {
      parseFilter(slowest).matches(big)
    } catch {
      // Refused, which is an answer as well.
    }
  })
  t.ok(took < limit, `the longest took ${took} ms, and the limit ${limit} ms: ${JSON.stringify(slowest)}`)
})

t.test('the place is where the fault is', async (t) => {
  const faults: [string, number][] = [
    ['', 1], [',', 1], ['a', 1], ['a:1,', 5], ['a:1, ,b:1', 6], ['a:1, b', 6], [' :1', 2], ['a:', 3], ['  a:', 5], ['a:x|', 5], ['a:1,!b:1||2', 10], ['!a:>1|>x', 7], ['a..b:1', 1]
  ]
  for (const [given, place] of faults) {
    t.throws(() => parseFilter(given), { code: 'VAL_001', message: new RegExp(`at character ${place} `), details: { issues: [{ path: 'filter', message: String }] } }, JSON.stringify(given))
  }
})

t.test('a field is the event\'s own before it is of its data', async (t) => {
  const event = { ...EVENT, correlation_id: 'c1', data: { topic: 'hidden', correlation_id: 'other', deep: { topic: 'x' } } }
  t.ok(parseFilter('topic:testing').matches(event))
  t.notOk(parseFilter('topic:hidden').matches(event))
  t.ok(parseFilter('data.topic:hidden').matches(event))
  t.ok(parseFilter('deep.topic:x').matches(event))
  t.ok(parseFilter('!absent:x').matches(event), 'what is not there is not x')
  t.notOk(parseFilter('absent:*').matches(event), 'a lone * asks whether there is any')
  t.notOk(parseFilter('deep:*').matches(event), 'an object is no value')
})
