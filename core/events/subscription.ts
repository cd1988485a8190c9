import { LRUCache } from 'lru-cache'
import type { SidecarEvent } from '../contracts/event-bus.js'
import { apiError } from '../errors.js'
import { TOPIC } from '../profiles/schema.js'
import { parseFilter, type Filter } from './filter.js'

const EVENT_TYPE = new RegExp(TOPIC)
const MAX_TYPES = 32
/** Loops of waits ask the same again and again. */
const compiled = new LRUCache<string, Subscription>({ max: 2000 })

/** Which events somebody listens for. */
export interface Subscription {
  /** `undefined` for all types. */
  types: ReadonlySet<string> | undefined
  topic: string | undefined
  filter: Filter | undefined
  /** The same for subscriptions that mean the same. */
  key: string
  matches (event: SidecarEvent | Omit<SidecarEvent, 'event_id' | 'timestamp'>): boolean
}

export interface SubscriptionQuery {
  /** A type, a comma list, or `*`. */
  type?: string | undefined
  topic?: string | undefined
  filter?: string | undefined
}

/** Throws `VAL_001` for a type, topic or filter that is not valid. */
export function parseSubscription (query: SubscriptionQuery): Subscription {
  const asked = JSON.stringify([query.type, query.topic, query.filter])
  const known = compiled.get(asked)
  if (known !== undefined) return known
  const subscription = compile(query)
  compiled.set(asked, subscription)
  return subscription
}

function compile ({ type, topic, filter: text }: SubscriptionQuery): Subscription {
  const types = type === undefined || type === '*' ? undefined : new Set(type.split(','))
  if (types !== undefined && types.size > MAX_TYPES) throw invalid('event_type', `lists more than ${MAX_TYPES} types`)
  for (const name of types ?? []) {
    if (!EVENT_TYPE.test(name)) throw invalid('event_type', `'${name}' is no event type: lower case letters, digits, '_', '.' and '-', at most 64`)
  }
  if (topic !== undefined && !EVENT_TYPE.test(topic)) throw invalid('topic', `'${topic}' is no topic: lower case letters, digits, '_', '.' and '-', at most 64`)
  const filter = text === undefined || text === '' ? undefined : parseFilter(text)
  return {
    types,
    topic,
    filter,
    key: JSON.stringify([types === undefined ? '*' : [...types].sort(), topic ?? null, filter?.text ?? null]),
    matches: (event) => (types === undefined || types.has(event.event_type)) &&
      (topic === undefined || event.topic === topic) && (filter === undefined || filter.matches(event))
  }
}

function invalid (path: string, message: string): Error {
  return apiError('VAL_001', `${path} ${message}.`, { details: { issues: [{ path, message }] } })
}
