import type { SidecarEvent } from '../../contracts/event-bus.js'

/** What a text of a rule may name: members of the event, and the issue that it is about. */
const ROOTS: ReadonlySet<string> = new Set([
  'event_id', 'event_type', 'publisher', 'publisher_type', 'topic', 'data', 'correlation_id', 'round', 'references', 'priority', 'timestamp', 'extensions', 'issue_id'
])
const MAX_PLACES = 32
const MAX_DEPTH = 8
/** Of one value, in UTF-16 units: with all its places filled a task stays below what an agent's environment takes. */
const MAX_VALUE = 2000
const NAME = /^[A-Za-z0-9_-]{1,64}$/
// Control characters, halves of characters, line separators, and what turns the direction of the text that follows.
const UNSEEN = /[\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu
const SPACE = /[\t\n\v\f\r\u0085\u2028\u2029]+/g

type Scope = Omit<SidecarEvent, 'data'> & { data: unknown, issue_id?: string }

/** A text with places like `{{data.files}}`. */
export interface Template {
  readonly places: readonly string[]
  /** Throws for a place that the event does not have, naming it. */
  fill (event: SidecarEvent, issueId: string | undefined): string
}

/**
 * Reads a text with places. A place is looked up and nothing is evaluated: own members only, at most 8 deep.
 * Throws for what is written wrong, saying where.
 */
export function parseTemplate (text: string): Template {
  const parts: (string | string[])[] = []
  const places: string[] = []
  let at = 0
  for (;;) {
    const open = text.indexOf('{{', at)
    if (open < 0) break
    const close = text.indexOf('}}', open + 2)
    if (close < 0) throw new Error(`'{{' at character ${open + 1} is not closed by '}}'`)
    const place = text.slice(open + 2, close).trim()
    parts.push(text.slice(at, open), pathOf(place, open))
    places.push(place)
    at = close + 2
  }
  if (places.length > MAX_PLACES) throw new Error(`there are more than ${MAX_PLACES} places`)
  parts.push(text.slice(at))
  return {
    places,
    fill (event, issueId) {
      const scope: Scope = { ...event, ...(issueId === undefined ? {} : { issue_id: issueId }) }
      return parts.map((part) => (typeof part === 'string' ? part : valueAt(scope, part))).join('')
    }
  }
}

function pathOf (place: string, at: number): string[] {
  const path = place.split('.')
  if (path.length > MAX_DEPTH) throw new Error(`'{{${place}}}' at character ${at + 1} is deeper than ${MAX_DEPTH} levels`)
  if (!path.every((name) => NAME.test(name))) throw new Error(`'{{${place}}}' at character ${at + 1} is no place: names joined by '.' are meant`)
  if (!ROOTS.has(path[0]!)) throw new Error(`'{{${place}}}' at character ${at + 1} begins with no member of an event; known: ${[...ROOTS].join(', ')}`)
  return path
}

function valueAt (scope: Scope, path: readonly string[]): string {
  let node: unknown = scope
  for (const name of path) {
    if (typeof node !== 'object' || node === null || Array.isArray(node) || !Object.hasOwn(node, name)) throw new Error(`the event has no '${path.join('.')}'`)
    node = (node as Record<string, unknown>)[name]
  }
  return bounded(Array.isArray(node) ? node.map(textOf).join(', ') : textOf(node))
}

function textOf (value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** On one line, without what is not seen, and cut where it is too long. */
function bounded (text: string): string {
  const clean = text.replace(SPACE, ' ').replace(UNSEEN, '')
  return clean.length <= MAX_VALUE ? clean : `${clean.slice(0, MAX_VALUE - 1).replace(/[\ud800-\udbff]$/, '')}…`
}
