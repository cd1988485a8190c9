import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import t from 'tap'
import { copyJson } from '../../../plugins/events/copy-json.js'
import { completeEvent } from '../../../plugins/events/event-draft.js'

const DRAFT = { event_type: 'code_ready', publisher: 'agent-1', publisher_type: 'backend-developer', topic: 'implementation', data: { files: ['a'] }, ttl_seconds: 60 }
const nextId = (): string => 'evt_1'

t.test('a copy is what the JSON of a value says', async (t) => {
  const odd = fc.constantFrom<unknown>(undefined, NaN, Infinity, -0, () => 1, Symbol('s'), new Date(0), new Date(NaN), Object(1), Object('s'), Object.create(null), /x/, new Map([[1, 2]]), { toJSON: () => ({ a: 1 }) })
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof({ depthSize: 'small' }, odd, fc.jsonValue(), fc.array(tie('tree')), fc.dictionary(fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', 'toJSON')), tie('tree')))
  }))
  const asText = (value: unknown): unknown => {
    const text = JSON.stringify(value) as string | undefined
    return text === undefined ? undefined : JSON.parse(text)
  }
  fc.assert(fc.property(tree, (value) => isDeepStrictEqual(copyJson(value), asText(value))), { seed: 1, numRuns: 1000 })
  t.equal(Object.is((copyJson({ n: -0 }) as { n: number }).n, 0), true)
  const given: unknown = JSON.parse('{"__proto__":{"a":1}}')
  t.same(Object.keys(copyJson(given) as object), ['__proto__'])
})

t.test('an event is what its text says, and shares no object with the draft', async (t) => {
  const draft = { ...DRAFT, data: { files: ['a'], nested: { n: -0, gone: undefined } }, extensions: { tenant: 'a' }, idempotency_key: 'agent-1/key', round: 2 }
  const { event, text } = completeEvent(draft as unknown as Parameters<typeof completeEvent>[0], nextId, () => 5)
  t.strictSame(event, JSON.parse(text))
  t.notOk('idempotency_key' in event)
  draft.data.files.push('b')
  draft.data.nested.n = 7
  draft.extensions.tenant = 'b'
  t.strictSame(event, JSON.parse(text))
})

t.test('every optional member of a draft is taken over', async (t) => {
  const optional = { correlation_id: 'c', round: 1, references: 'r', priority: 'high' as const, traceparent: 't', replay_of: 'e', extensions: { tenant: true } }
  const { event } = completeEvent({ ...DRAFT, ...optional, event_id: 'mine' }, nextId, () => 5)
  t.strictSame(event, { ...DRAFT, ...optional, event_id: 'mine', timestamp: '1970-01-01T00:00:00.005Z' })
})

t.test('the time is that of each event, also behind a clock that said none', async (t) => {
  const at = (time: number): string => completeEvent(DRAFT, nextId, () => time).event.timestamp
  t.equal(at(1), '1970-01-01T00:00:00.001Z')
  t.throws(() => at(NaN), RangeError)
  t.equal(at(2), '1970-01-01T00:00:00.002Z')
  t.equal(at(1), '1970-01-01T00:00:00.001Z')
})
