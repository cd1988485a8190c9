import type { EventBus } from '../contracts/event-bus.js'
import { apiError } from '../errors.js'
import { timeOfId } from '../ids.js'

/** An id that a bus gave; anything else that an event may refer to is the publisher's own. */
const EVENT_ID = /^evt_[0-7][0-9A-HJKMNP-TV-Z]{25}$/

/**
 * Throws `EVT_002` for a reference that has the form of the bus's ids and is of no event of the project.
 * One that is older than all that is retained is believed: its event may have been there.
 */
export async function checkReference (bus: EventBus, project: string, reference: string): Promise<void> {
  if (!EVENT_ID.test(reference)) return
  if (await bus.locate(project, { at: 'event', event_id: reference }) !== undefined) return
  const [oldest] = (await bus.read(project, { after: (await bus.locate(project, { at: 'earliest' }))!, limit: 1 })).items
  if (oldest === undefined || timeOfId(reference) < Date.parse(oldest.event.timestamp)) return
  const message = `'${reference}' is no event of this project`
  throw apiError('EVT_002', `references: ${message}.`, { details: { issues: [{ path: 'references', message }] } })
}
