import type { Clock, EventDraft, SidecarEvent } from '../../core/plugin-api.js'

/** Gives a draft its identifier and time, and leaves out what readers do not see. The copy keeps the publisher's object out of the log. */
export function completeEvent (draft: EventDraft, nextId: () => string, clock: Clock): SidecarEvent {
  const { event_id: given, idempotency_key: _key, ...rest } = draft
  return structuredClone({ event_id: given ?? nextId(), ...rest, timestamp: new Date(clock()).toISOString() })
}
