import type { SidecarEvent } from '../../contracts/event-bus.js'
import { signingSecrets, type WebhookDefinition } from './definition.js'
import type { PushAnswer, Pusher } from './push.js'
import { signedHeaders } from './signature.js'

/** Pushes an event as a message of Standard Webhooks: its id is the event's, so that a receiver knows one that comes again. */
export async function pushEvent (pusher: Pusher, definition: WebhookDefinition, event: SidecarEvent, now: number, signal: AbortSignal): Promise<PushAnswer> {
  const body = JSON.stringify({ type: event.event_type, timestamp: event.timestamp, data: event })
  return await pusher.push(definition.url, signedHeaders(signingSecrets(definition, now), event.event_id, now, body), body, signal)
}
