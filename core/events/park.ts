import { createBell } from './bell.js'
import type { Held } from './held.js'
import type { Hub } from './hub.js'
import type { Subscription } from './subscription.js'

export interface Parking {
  project: string
  /** Named to publishers whose events it is woken by. */
  agentType: string
  subscription: Subscription
  /** 0 looks once. */
  timeoutMs: number
  /** Aborted when the client is gone. */
  signal: AbortSignal
}

export interface Look<Found> {
  found: Found
  /** Whether that is worth an answer. */
  isEnough: boolean
  /** Looks again after so long, also when no event came. */
  againInMs?: number
}

export interface Parked<Found> {
  found: Found
  /** Whether it had to wait before it found something. */
  waited: boolean
}

/**
 * Looks, and looks again whenever an event came that the subscription matches, until that is enough or the time is up, the client is gone or
 * the server shuts down; then what the last look found is the answer. The bell is registered before the first look, so that nothing slips between.
 */
export async function park<Found> ({ hub, held }: { hub: Hub, held: Held }, parking: Parking, look: () => Promise<Look<Found>>): Promise<Parked<Found>> {
  const { end, release } = held.take(parking.signal)
  const bell = createBell()
  let remove: (() => void) | undefined
  let timer: NodeJS.Timeout | undefined
  try {
    remove = await hub.add(parking.project, { agentType: parking.agentType, subscription: parking.subscription, wake: bell.ring })
    if (parking.timeoutMs > 0) timer = setTimeout(() => end.abort(), parking.timeoutMs)
    for (let waited = false; ; waited = true) {
      const { found, isEnough, againInMs } = await look()
      if (isEnough || end.signal.aborted || parking.timeoutMs === 0) return { found, waited }
      await bell.rung(end.signal, againInMs)
    }
  } finally {
    clearTimeout(timer)
    remove?.()
    release()
  }
}
