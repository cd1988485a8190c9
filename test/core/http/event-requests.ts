import type { TestSidecar } from '../../support/sidecar.js'
import { eventually } from './eventually.js'

export type Ask = TestSidecar['ask']

/** Publishes an event under `coordination`, unless `more` says otherwise, and gives its id. */
export async function publish (ask: Ask, type: string, data: object = {}, more: Record<string, unknown> = {}, token?: string): Promise<string> {
  const { status, body } = await ask('POST', `/api/events/${type}`, { body: { topic: 'coordination', data, ...more }, token })
  if (status !== 202) throw new Error(`Published with ${status}: ${JSON.stringify(body)}`)
  return body.event_id as string
}

export function ids (body: { events: { event_id: string }[] }): string[] {
  return body.events.map((event) => event.event_id)
}

/** Resolves when so many waits and streams are held. */
export async function waiting (ask: Ask, count: number): Promise<void> {
  await eventually(async () => (await ask('GET', '/status')).body.events.active_subscriptions as number, (held) => held === count)
}
