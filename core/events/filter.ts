import type { SidecarEvent } from '../contracts/event-bus.js'
import { apiError } from '../errors.js'

const MAX_LENGTH = 1024
const MAX_CLAUSES = 16
const MAX_ALTERNATIVES = 16
/** Of all clauses together: an event of 1 kB may hold a list of 500 values, and each is compared with each. */
const MAX_ALTERNATIVES_IN_ALL = 64
const MAX_DEPTH = 8
const FIELD = /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/
const COMPARISON = /^(>=|<=|>|<)(-?\d+(?:\.\d+)?)$/

/** `text` is the value as a filter writes it. */
type Test = (value: Scalar, text: string) => boolean
type Scalar = string | number | boolean | null

/** A clause that only these texts of a field can meet: by it a filter is found among thousands. */
export interface Equality {
  field: string
  path: readonly string[]
  values: readonly string[]
}

export interface Filter {
  /** The same for filters that mean the same. */
  readonly text: string
  /** The clause of the fewest values; `undefined` where none asks for equality. */
  readonly equality: Equality | undefined
  matches (event: SidecarEvent | Omit<SidecarEvent, 'event_id' | 'timestamp'>): boolean
}

/**
 * Compiles `field:value` clauses joined by `,` (and): `a|b` is either, `!field:value` not, `field:pre*` a prefix,
 * `field:>90` a number. A field is looked up in the event and then in its `data`; dots go deeper.
 * Nothing is evaluated and nothing backtracks. Throws `VAL_001` and says where the syntax is wrong.
 */
export function parseFilter (text: string): Filter {
  if (text.length > MAX_LENGTH) throw wrong(`it is longer than ${MAX_LENGTH} characters`)
  const parts = text.split(',')
  if (parts.length > MAX_CLAUSES) throw wrong(`it has more than ${MAX_CLAUSES} clauses`)
  if (text.split('|').length - 1 + parts.length > MAX_ALTERNATIVES_IN_ALL) throw wrong(`it has more than ${MAX_ALTERNATIVES_IN_ALL} alternatives in all`)
  let at = 0
  const clauses = parts.map((part) => {
    const clause = parseClause(part, at)
    at += part.length + 1
    return clause
  })
  return {
    text: clauses.map((clause) => clause.text).sort().join(','),
    equality: clauses.flatMap(({ equality }) => equality ?? []).sort((a, b) => a.values.length - b.values.length)[0],
    matches: (event) => clauses.every((clause) => clause.matches(event))
  }
}

function parseClause (part: string, at: number): Pick<Filter, 'text' | 'equality' | 'matches'> {
  const text = part.trim()
  at += part.length - part.trimStart().length
  const negated = text.startsWith('!')
  const colon = text.indexOf(':')
  if (text === '') throw wrong(`at character ${at + 1} a clause is empty`)
  if (colon < 0) throw wrong(`at character ${at + 1} '${text}' has no ':' between field and value`)
  const field = text.slice(negated ? 1 : 0, colon)
  const path = field.split('.')
  if (!FIELD.test(field)) throw wrong(`at character ${at + 1} '${field}' is no field name`)
  if (path.length > MAX_DEPTH) throw wrong(`at character ${at + 1} '${field}' is deeper than ${MAX_DEPTH} levels`)
  const alternatives = text.slice(colon + 1).split('|')
  if (alternatives.length > MAX_ALTERNATIVES) throw wrong(`at character ${at + colon + 2} there are more than ${MAX_ALTERNATIVES} alternatives`)
  let valueAt = at + colon + 2
  const tests = alternatives.map((value) => {
    const test = testFor(value, valueAt)
    valueAt += value.length + 1
    return test
  })
  const holdsOf = (value: unknown): boolean => {
    if (!isScalar(value)) return false
    const text = String(value)
    return tests.some((test) => test(value, text))
  }
  const holds = (value: unknown): boolean => (Array.isArray(value) ? value.some(holdsOf) : holdsOf(value))
  return {
    text: `${negated ? '!' : ''}${field}:${alternatives.toSorted().join('|')}`,
    equality: negated || !alternatives.every(isExact) ? undefined : { field, path, values: [...new Set(alternatives)] },
    matches: (event) => holds(lookUp(event, path)) !== negated
  }
}

/** Whether a value stands for itself: neither a comparison nor a prefix. */
function isExact (value: string): boolean {
  return !/^[<>]/.test(value) && !value.endsWith('*')
}

function testFor (value: string, at: number): Test {
  if (value === '') throw wrong(`at character ${at} the value is empty`)
  const comparison = COMPARISON.exec(value)
  if (comparison !== null) {
    const bound = Number(comparison[2])
    switch (comparison[1]) {
      case '>': return (found) => typeof found === 'number' && found > bound
      case '>=': return (found) => typeof found === 'number' && found >= bound
      case '<': return (found) => typeof found === 'number' && found < bound
      default: return (found) => typeof found === 'number' && found <= bound
    }
  }
  if (/^[<>]/.test(value)) throw wrong(`at character ${at} '${value}' compares with no number`)
  if (value.endsWith('*')) {
    const prefix = value.slice(0, -1)
    return (_found, text) => text.startsWith(prefix)
  }
  return (_found, text) => text === value
}

function isScalar (value: unknown): value is Scalar {
  return value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
}

/** The texts of a field that an equality is compared with; several where the field holds a list. */
export function textsAt (event: object, path: readonly string[]): readonly string[] {
  const found = lookUp(event, path)
  if (Array.isArray(found)) return found.filter(isScalar).map(String)
  return isScalar(found) ? [String(found)] : []
}

function lookUp (event: object, path: readonly string[]): unknown {
  const found = descend(event, path)
  return found === undefined ? descend((event as { data?: object }).data, path) : found
}

function descend (value: unknown, path: readonly string[]): unknown {
  let node = value
  for (const name of path) {
    if (typeof node !== 'object' || node === null || !Object.hasOwn(node, name)) return undefined
    node = (node as Record<string, unknown>)[name]
  }
  return node
}

function wrong (why: string): Error {
  return apiError('VAL_001', `The filter is not valid: ${why}. It is written field:value, joined by ','.`, {
    details: { issues: [{ path: 'filter', message: why }] }
  })
}
