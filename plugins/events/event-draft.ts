import type { Clock, EventDraft, SidecarEvent } from '../../core/plugin-api.js'

/**
 * Gives a draft its identifier and time, and leaves out what readers do not see. `text` is the event as JSON; the event is
 * what that says, so that it is the same before and after a restart, and keeps the publisher's object out of the log.
 */
export function completeEvent (draft: EventDraft, nextId: () => string, clock: Clock): { event: SidecarEvent, text: string } {
  const { event_id: given, idempotency_key: _key, ...rest } = draft
  const text = JSON.stringify({ event_id: given ?? nextId(), ...rest, timestamp: new Date(clock()).toISOString() })
  return { event: JSON.parse(text) as SidecarEvent, text }
}
