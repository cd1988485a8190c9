import type { EventBus, PlacedEvent, Position, SidecarEvent } from '../contracts/event-bus.js'
import { toCursor } from './cursor.js'
import type { Subscription } from './subscription.js'

/** Events that a read asks the bus for at once. */
export const PAGE = 500

/** What was found behind a position. */
export interface Scan {
  placed: PlacedEvent[]
  /** Where the next scan goes on. */
  next: Position
  /** Whether more is known to match behind `next`. */
  more: boolean
  /** Events that retention took before they were looked at. */
  missed: number
}

export interface EventPage {
  events: SidecarEvent[]
  more_available: boolean
  next_cursor: string
  gap?: { missed: number }
}

/** Reads on from a position until `limit` events match or nothing is left. */
export async function scan (bus: EventBus, project: string, after: Position, wanted: Pick<Subscription, 'matches'>, limit: number): Promise<Scan> {
  const placed: PlacedEvent[] = []
  let missed = 0
  for (let position = after; ;) {
    const page = await bus.read(project, { after: position, limit: PAGE })
    missed += page.missed
    for (const item of page.items) {
      if (!wanted.matches(item.event)) continue
      if (placed.length === limit) return { placed, next: placed.at(-1)!.position, more: true, missed }
      placed.push(item)
    }
    position = page.next
    if (page.end) return { placed, next: position, more: false, missed }
  }
}

export function pageOf ({ placed, next, more, missed }: Scan): EventPage {
  const page: EventPage = { events: placed.map(({ event }) => event), more_available: more, next_cursor: toCursor(next) }
  if (missed > 0) page.gap = { missed }
  return page
}
