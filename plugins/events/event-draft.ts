import type { Clock, EventDraft, SidecarEvent } from '../../core/plugin-api.js'
import { copyJson } from './copy-json.js'

type Required = 'event_id' | 'event_type' | 'publisher' | 'publisher_type' | 'topic' | 'data' | 'timestamp' | 'ttl_seconds'

/** What an event need not have. All of it is listed, as the type says. */
const OPTIONAL = Object.keys({
  correlation_id: 1, round: 1, references: 1, priority: 1, traceparent: 1, replay_of: 1, extensions: 1
} satisfies Record<Exclude<keyof SidecarEvent, Required>, 1>) as Exclude<keyof SidecarEvent, Required>[]

/**
 * Gives a draft its identifier and time, and leaves out what readers do not see. `text` is the event as JSON; the event is
 * what that says, so that it is the same before and after a restart, and keeps the publisher's object out of the log.
 */
export function completeEvent (draft: EventDraft, nextId: () => string, clock: Clock): { event: SidecarEvent, text: string } {
  // In one order, and without the names of the draft's members: events of the same members are of one shape.
  const event: SidecarEvent = {
    event_id: draft.event_id ?? nextId(),
    event_type: ownText(draft.event_type),
    publisher: draft.publisher,
    publisher_type: draft.publisher_type,
    topic: ownText(draft.topic),
    data: draft.data,
    timestamp: timestampAt(clock()),
    ttl_seconds: draft.ttl_seconds
  }
  for (const name of OPTIONAL) {
    const value = draft[name]
    if (value !== undefined) (event as unknown as Record<string, unknown>)[name] = value
  }
  const text = JSON.stringify(event)
  event.data = copyJson(event.data)
  if (event.extensions !== undefined) event.extensions = copyJson(event.extensions)
  return { event, text }
}

let lastTime: number | undefined
let lastTimestamp = ''

/** Many events come within a millisecond. */
function timestampAt (time: number): string {
  if (time !== lastTime) {
    lastTimestamp = new Date(time).toISOString()
    lastTime = time
  }
  return lastTimestamp
}

const MAX_TEXTS = 1000
const texts = new Map<string, string>()

/** The same text without what it was cut from, such as the address of a request, which would be held as long as the event is. */
function ownText (text: string): string {
  const known = texts.get(text)
  if (known !== undefined) return known
  if (texts.size === MAX_TEXTS) texts.clear()
  const own = Buffer.from(text).toString()
  texts.set(own, own)
  return own
}
