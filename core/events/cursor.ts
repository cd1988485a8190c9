import type { EventBus, Position } from '../contracts/event-bus.js'
import { apiError } from '../errors.js'

const PREFIX = 'cur_'
const RFC3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})$/
const EVENT_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/

let last = { position: '', cursor: PREFIX }

/** A position as it is shown to clients. Many who wait for the same are shown the same one after the other. */
export function toCursor (position: Position): string {
  if (position !== last.position) last = { position, cursor: PREFIX + Buffer.from(position).toString('base64url') }
  return last.cursor
}

/**
 * Where `since` points: a cursor, `earliest`, `latest`, a time (its events included) or an event id (behind the event).
 * Throws `VAL_001` for anything else, and for an event that is not retained.
 */
export async function resolveSince (bus: EventBus, project: string, since: string): Promise<Position> {
  if (since === 'earliest' || since === 'latest') return (await bus.locate(project, { at: since }))!
  if (since.startsWith(PREFIX)) {
    const position = Buffer.from(since.slice(PREFIX.length), 'base64url').toString('utf8')
    // Decoding is lenient: what does not encode to the same text again was not made here.
    if (toCursor(position) !== since) throw unknown()
    // The bus knows its own positions: reading at one that is not throws.
    await bus.read(project, { after: position, limit: 1 })
    return position
  }
  if (RFC3339.test(since)) {
    const time = Date.parse(since)
    if (!Number.isNaN(time)) return (await bus.locate(project, { at: 'time', time }))!
  }
  const before = EVENT_ID.test(since) ? await bus.locate(project, { at: 'event', event_id: since }) : undefined
  if (before === undefined) throw unknown()
  // An event whose time is up is passed over: then the next one must not be passed over in its place.
  const [first] = (await bus.read(project, { after: before, limit: 1 })).items
  return first?.event.event_id === since ? first.position : before
}

function unknown (): Error {
  return apiError('VAL_001', 'since is no cursor of this project, no retained event, no RFC 3339 time, and neither earliest nor latest.', {
    details: { issues: [{ path: 'since', message: 'is not known' }] }
  })
}
