import type { Claims, EventBus, SidecarEvent } from '../contracts/index.js'
import { createBell } from './bell.js'
import { resolveSince, toCursor } from './cursor.js'
import type { Held } from './held.js'
import type { Hub } from './hub.js'
import { PAGE, scan } from './scan.js'
import type { Subscription } from './subscription.js'

/** What a stream sends at once; nothing to tell is an empty page. */
export interface StreamPage {
  entries: { event: SidecarEvent, cursor: string }[]
  /** Behind all that was looked at. */
  cursor: string
  gap?: { missed: number }
}

export interface StreamQuery {
  project: string
  reader: Claims
  subscription: Subscription
  since: string | undefined
  /** An empty page is given when all was quiet for so long. */
  quietMs: number
  /** Aborted when the client is gone. */
  signal: AbortSignal
}

/** Pages of matching events as they come, until the signal is aborted or the server shuts down. */
export async function * stream ({ bus, hub, held }: { bus: EventBus, hub: Hub, held: Held }, query: StreamQuery): AsyncGenerator<StreamPage> {
  const { project, subscription } = query
  const { end, release } = held.take(query.signal, query.reader)
  const bell = createBell()
  let remove: (() => void) | undefined
  try {
    remove = await hub.add(project, { agentType: query.reader.agent_type, subscription, wake: bell.ring })
    let position = await resolveSince(bus, project, query.since ?? 'latest')
    while (!end.signal.aborted) {
      const found = await scan(bus, project, position, subscription, PAGE)
      position = found.next
      const entries = found.placed.map(({ event, position: behind }) => ({ event, cursor: toCursor(behind) }))
      yield { entries, cursor: toCursor(position), ...(found.missed > 0 ? { gap: { missed: found.missed } } : {}) }
      if (!found.more) await bell.rung(end.signal, query.quietMs)
    }
  } finally {
    remove?.()
    release()
  }
}
