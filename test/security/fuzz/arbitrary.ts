import fc from 'fast-check'

/** The part of JSON Schema that the routes' schemas use. */
export interface Schema {
  type?: string
  enum?: unknown[]
  const?: unknown
  anyOf?: Schema[]
  properties?: Record<string, Schema>
  required?: string[]
  additionalProperties?: boolean | Schema
  patternProperties?: Record<string, Schema>
  items?: Schema
  minItems?: number
  maxItems?: number
  uniqueItems?: boolean
  pattern?: string
  format?: string
  minLength?: number
  maxLength?: number
  minimum?: number
  exclusiveMinimum?: number
  maximum?: number
}

/** What has broken parsers, paths, logs, terminals, patterns and numbers of other programs. */
export const HOSTILE_TEXTS: readonly string[] = [
  '', ' ', '\0', 'a\0b', '..', '../../../../etc/passwd', '..\\..\\windows', '%2e%2e%2f', '/etc/passwd', '~root', 'file:///etc/passwd', '-rf', ':(exclude)',
  '__proto__', 'constructor', 'toString', 'hasOwnProperty', '\r\nset-cookie: a=b', 'a\nb', '\u2028', '\u202e', '\ud800', '\ufeff', '🦓'.repeat(40), 'é', 'ﬃ',
  // eslint-disable-next-line no-template-curly-in-string
  '${7*7}', '$(id)', '`id`', '{{7*7}}', '<script>alert(1)</script>', '\'; DROP TABLE results; --', '%s%n%x', 'a*a*a*a*a*a*a*a*a*a*a*b', '(a+)+$', 'a:', ':a', 'a:|', '!!a:b', 'a:>x', ',,,',
  'x'.repeat(129), 'x'.repeat(2049), '9'.repeat(400), '-1', '0', '1.5', '1e400', 'NaN', 'Infinity', 'null', 'true', 'undefined', '[]', '{}', '2026-02-30T00:00:00Z', '9999-12-31T23:59:60Z',
  'http://127.0.0.1:1/', 'http://169.254.169.254/latest', 'http://[::ffff:127.0.0.1]/', 'http://2130706433/', 'gopher://127.0.0.1:1', 'http://user:pass@192.0.2.1/'
]

const HOSTILE_VALUES: readonly unknown[] = [
  null, true, false, 0, -0, -1, 1.5, 2 ** 53, -(2 ** 63), 1e308, 1e-320, [], {}, [[]], [null], { toString: 1 }, { constructor: { prototype: { admin: true } } },
  Array.from({ length: 3000 }, (_, index) => index), Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`k${index}`, index])), nested(40), nested(70)
]

function nested (depth: number): unknown {
  return depth === 0 ? 0 : [nested(depth - 1)]
}

export const hostileText = fc.constantFrom(...HOSTILE_TEXTS)
export const hostileValue = fc.oneof(hostileText, fc.constantFrom(...HOSTILE_VALUES))

/** Texts that mean something, by the name of the member or parameter that takes them. */
export type Known = Readonly<Record<string, readonly string[]>>

/** Values that fit a schema, or nearly: what patterns with assertions describe is any text. `name` is that of the member. */
export function fitting (schema: Schema, known: Known, name = ''): fc.Arbitrary<unknown> {
  if (schema.const !== undefined) return fc.constant(schema.const)
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum)
  if (schema.anyOf !== undefined) return fc.oneof(...schema.anyOf.map((each) => fitting(each, known, name)))
  switch (schema.type) {
    case 'object': return objects(schema, known)
    case 'array': {
      const bounds = { minLength: schema.minItems ?? 0, maxLength: Math.min(schema.maxItems ?? 4, Math.max(4, schema.minItems ?? 0)) }
      const item = fitting(schema.items ?? {}, known, name)
      return schema.uniqueItems === true ? fc.uniqueArray(item, { ...bounds, selector: (value) => JSON.stringify(value) }) : fc.array(item, bounds)
    }
    case 'string': return texts(schema, known[name])
    case 'integer': return numbers(schema, (range) => fc.integer(range))
    case 'number': return numbers(schema, (range) => fc.double({ ...range, noNaN: true }))
    case 'boolean': return fc.boolean()
    case 'null': return fc.constant(null)
    default: return fc.jsonValue({ maxDepth: 2 })
  }
}

function texts ({ pattern, format, minLength = 0, maxLength = 300 }: Schema, known: readonly string[] | undefined): fc.Arbitrary<string> {
  if (format === 'date-time') return fc.date({ noInvalidDate: true, min: new Date(0), max: new Date('2100-01-01') }).map((date) => date.toISOString())
  const free = pattern === undefined || pattern.includes('(?')
    ? fc.string({ minLength, maxLength: Math.min(maxLength, minLength + 20) })
    : matching(pattern)
  return known === undefined ? free : fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...known) }, free)
}

const matchers = new Map<string, fc.Arbitrary<string>>()

/** Made once for each pattern: making one takes longer than a request. */
function matching (pattern: string): fc.Arbitrary<string> {
  const matcher = matchers.get(pattern) ?? fc.stringMatching(new RegExp(pattern))
  matchers.set(pattern, matcher)
  return matcher
}

function numbers<Number> ({ minimum, exclusiveMinimum, maximum }: Schema, make: (range: { min: number, max: number }) => fc.Arbitrary<Number>): fc.Arbitrary<Number | number> {
  const min = minimum ?? (exclusiveMinimum === undefined ? -1000 : exclusiveMinimum + 1)
  const max = maximum ?? 1_000_000
  return fc.oneof(make({ min, max }), fc.constantFrom(min, max))
}

function objects ({ properties = {}, required = [], additionalProperties, patternProperties = {} }: Schema, known: Known): fc.Arbitrary<unknown> {
  const members = membersOf(Object.fromEntries(Object.entries(properties).map(([name, member]) => [name, fitting(member, known, name)])), required)
  const [more] = [...Object.values(patternProperties), additionalProperties].filter((each) => typeof each === 'object')
  if (more === undefined) return members
  return fc.tuple(members, fc.dictionary(fc.stringMatching(/^[a-z_]{1,8}$/), fitting(more, known), { maxKeys: 3 })).map(([own, others]) => ({ ...others, ...own }))
}

/** An object with what is required, and mostly with little else: each further member is one more that can be refused. */
export function membersOf<Value> (members: Record<string, fc.Arbitrary<Value>>, required: readonly string[]): fc.Arbitrary<Record<string, Value>> {
  const optional = Object.keys(members).filter((name) => !required.includes(name))
  const kept = fc.oneof({ weight: 3, arbitrary: fc.subarray(optional, { maxLength: Math.min(2, optional.length) }) }, fc.subarray(optional))
  return fc.tuple(fc.record(members), kept).map(([all, names]) => Object.fromEntries(Object.entries(all).filter(([name]) => required.includes(name) || names.includes(name))))
}

/** A body with what is required, in which one thing can then be wrong. */
export function wellFormed ({ anyOf: [first] = [], ...schema }: Schema): object {
  const { properties = {}, required = [] } = first ?? schema
  const needed = Object.fromEntries(Object.entries(properties).filter(([name]) => required.includes(name)))
  return fc.sample(fitting({ type: 'object', properties: needed, required }, {}), { numRuns: 1, seed: 1 })[0] as object
}

export interface Mutation { at: number, kind: 'replace' | 'remove' | 'add', value: unknown }

export const mutation: fc.Arbitrary<Mutation> = fc.record({ at: fc.nat(1000), kind: fc.constantFrom('replace', 'replace', 'remove', 'add'), value: hostileValue })

/** The value with one place of it changed. */
export function mutate (value: unknown, { at, kind, value: hostile }: Mutation): unknown {
  const places: { holder: Record<string, unknown>, name: string }[] = []
  const copy = structuredClone({ value })
  const visit = (holder: Record<string, unknown>): void => {
    for (const name of Object.keys(holder)) {
      places.push({ holder, name })
      const member = holder[name]
      if (typeof member === 'object' && member !== null) visit(member as Record<string, unknown>)
    }
  }
  visit(copy)
  const { holder, name } = places[at % places.length]!
  if (kind === 'remove' && holder !== copy) delete holder[name]
  else if (kind === 'add') addTo(holder[name], hostile, at)
  else holder[name] = hostile
  return copy.value
}

function addTo (target: unknown, hostile: unknown, at: number): void {
  if (Array.isArray(target)) target.push(hostile)
  else if (typeof target === 'object' && target !== null) Object.assign(target, { [HOSTILE_TEXTS[at % HOSTILE_TEXTS.length]!]: hostile })
}
