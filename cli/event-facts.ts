import { counted, oneLine, time } from './output.js'
import type { Colors } from './terminal.js'

/** The members of an event that are shown. */
export interface EventFacts {
  event_id: string
  event_type: string
  publisher: string
  publisher_type: string
  topic: string
  data: Record<string, unknown>
  timestamp: string
  correlation_id?: string
  round?: number
  references?: string
  replay_of?: string
  ttl_seconds?: number
  priority?: string
  extensions?: Record<string, unknown>
}

export interface EventPage {
  events: EventFacts[]
  more_available?: boolean
  next_cursor?: string
  /** What retention took before it was read. */
  gap?: { missed: number }
}

/** One event on one line: when, what, by whom, under which topic, and the small facts of its data; what is null says nothing. */
export function eventLine (event: EventFacts, colors: Colors): string {
  const facts = Object.entries(event.data ?? {}).filter(([, value]) => value !== null).map(([name, value]) => `${name}=${factOf(value)}`).join(' ')
  const who = event.publisher_type === '' ? event.publisher : event.publisher_type
  return `${colors.dim(time(event.timestamp))}  ${colors.bold(oneLine(event.event_type))}  ${oneLine(event.topic)}  ${colors.cyan(oneLine(who))}  ${colors.dim(oneLine(facts, 160))}`
}

function factOf (value: unknown): string {
  if (Array.isArray(value)) return `[${value.length}]`
  return typeof value === 'object' && value !== null ? '{…}' : String(value)
}

/** Says that events are missing, or nothing. */
export function gapLine (page: EventPage): string | undefined {
  return page.gap === undefined ? undefined : `${counted(page.gap.missed, 'earlier event is', 'earlier events are')} no longer kept.`
}
