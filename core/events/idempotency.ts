import { isDeepStrictEqual } from 'node:util'
import type { EventBus, EventDraft, SidecarEvent } from '../contracts/event-bus.js'
import { apiError } from '../errors.js'

/** The key of a publisher as the bus knows it. No agent id holds a `/`: agents cannot meet in a key. */
export function keyOf (agentId: string, key: string): string {
  return `${agentId}/${key}`
}

/** Whether the bus holds the event that a draft with an id or a key would repeat. */
export async function isRepeated (bus: EventBus, project: string, { event_id: id, idempotency_key: key }: EventDraft): Promise<boolean> {
  return (id !== undefined && await bus.locate(project, { at: 'event', event_id: id }) !== undefined) ||
    (key !== undefined && await bus.locate(project, { at: 'key', idempotency_key: key }) !== undefined)
}

/** Throws `VAL_001` when a draft was taken for an event that says something else. The trace may differ: a try of its own has its own. */
export function checkRepetition (event: SidecarEvent, draft: EventDraft): void {
  const { event_id: id, timestamp: _timestamp, traceparent: _trace, ...said } = event
  const { event_id: givenId, idempotency_key: _key, traceparent: _givenTrace, ...given } = draft
  // As it came back from the log: -0 is 0 there.
  if (isDeepStrictEqual(said, JSON.parse(JSON.stringify(given))) && (givenId === undefined || givenId === id)) return
  const path = givenId === undefined ? 'idempotency-key' : 'event_id'
  const message = 'was used for another event before; send the same with it, or take a new one'
  throw apiError('VAL_001', `The ${path === 'event_id' ? 'event_id' : 'Idempotency-Key'} ${message}.`, { details: { issues: [{ path, message }] } })
}
