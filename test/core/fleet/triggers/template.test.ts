import fc from 'fast-check'
import t from 'tap'
import type { JsonObject, SidecarEvent } from '../../../../core/contracts/index.js'
import { parseTemplate } from '../../../../core/fleet/triggers/template.js'
import { anyCharacter } from '../../../support/any-character.js'

const LONGEST_VALUE = 2000

function eventWith (data: JsonObject, more: Partial<SidecarEvent> = {}): SidecarEvent {
  return { event_id: 'evt_1', event_type: 'note', publisher: 'ada', publisher_type: 'ai-engineer', topic: 'coordination', data, timestamp: '2026-01-01T00:00:00.000Z', ttl_seconds: 60, ...more }
}

const fill = (text: string, data: JsonObject = {}, more: Partial<SidecarEvent> = {}, issue?: string): string => parseTemplate(text).fill(eventWith(data, more), issue)

t.test('places are looked up: lists are joined, objects are JSON, the issue is the one that was found', async (t) => {
  t.equal(fill('Test {{data.files}} of {{ event_type }}.', { files: ['a.ts', 'b.ts'] }), 'Test a.ts, b.ts of note.')
  t.equal(fill('{{data.counts}} {{data.done}} {{data.nothing}}', { counts: { a: 1 }, done: true, nothing: null }), '{"a":1} true null')
  t.equal(fill('{{data.list}}', { list: [{ a: 1 }, 2] }), '{"a":1}, 2')
  t.equal(fill('{{correlation_id}}/{{round}}/{{issue_id}}', {}, { correlation_id: 'c', round: 2 }, 'issue-1'), 'c/2/issue-1')
  t.equal(fill('no place } at { all'), 'no place } at { all')
})

t.test('what a value says is not read as a place', async (t) => {
  t.equal(fill('{{data.text}}', { text: '{{data.secret}}', secret: 'x' }), '{{data.secret}}')
})

t.test('a place that the event does not have is an error, also one that every object inherits', async (t) => {
  for (const place of ['data.files', 'data.constructor', 'data.__proto__', 'data.toString.length', 'correlation_id', 'issue_id', 'data.list.0', 'data.list.length', 'data.text.length']) {
    t.throws(() => fill(`{{${place}}}`, { list: ['a'], text: 'abc' }), { message: `the event has no '${place}'` }, place)
  }
})

t.test('what is written wrong says where', async (t) => {
  t.throws(() => parseTemplate('Do {{data.files'), { message: "'{{' at character 4 is not closed by '}}'" })
  t.throws(() => parseTemplate('{{process.env}}'), { message: /^'\{\{process\.env\}\}' at character 1 begins with no member of an event; known: event_id, / })
  t.throws(() => parseTemplate('{{data.files[0]}}'), { message: /is no place: names joined by '\.' are meant/ })
  t.throws(() => parseTemplate('{{}}'), { message: /is no place/ })
  t.throws(() => parseTemplate(`{{data${'.a'.repeat(8)}}}`), { message: /deeper than 8 levels/ })
  t.throws(() => parseTemplate('{{topic}}'.repeat(33)), { message: /more than 32 places/ })
})

t.test('whatever the data are, a value is bounded, on one line and without what is not seen', async (t) => {
  const value = fc.oneof(fc.jsonValue(), fc.string({ unit: anyCharacter, maxLength: 5000 }), fc.array(fc.string({ unit: anyCharacter }), { maxLength: 2000 }))
  fc.assert(fc.property(value, (given) => {
    const filled = fill('{{data.value}}', { value: given as JsonObject })
    return filled.length <= LONGEST_VALUE && !/[\p{Cc}\p{Cs}\u2028\u2029\u202e]/u.test(filled)
  }))
  t.equal(fill('{{data.value}}', { value: 'one\r\ntwo\u0000\u001b[31m\u202ethree' }), 'one two[31mthree')
  t.equal(fill('{{data.value}}', { value: 'x'.repeat(LONGEST_VALUE) }).length, LONGEST_VALUE, 'what just fits is not cut')
  t.match(fill('{{data.value}}', { value: `${'x'.repeat(LONGEST_VALUE - 2)}\u{1f600}yy` }), /^x+…$/, 'no half of a character is left')
})

t.test('texts without places are themselves, and reading any text ends in a template or an error', async () => {
  fc.assert(fc.property(fc.string({ unit: anyCharacter }).filter((text) => !text.includes('{{')), (text) => fill(text) === text))
  fc.assert(fc.property(fc.array(fc.constantFrom('{{', '}}', 'data', '.', 'a', ' ', '{', '}', '__proto__')), (parts) => {
    try {
      fill(parts.join(''), { a: 'A' })
    } catch (error) {
      return /^('|the event has no|there are more)/.test((error as Error).message)
    }
    return true
  }))
})
