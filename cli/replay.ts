import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from './client.js'
import { eventLine, type EventFacts } from './event-facts.js'
import { Failure } from './failure.js'
import { pagesOf, type HistoryQuery } from './history.js'
import { counted, duration } from './output.js'
import type { Terminal } from './terminal.js'

export interface ReplayOptions {
  query: HistoryQuery
  /** Project that the events are emitted to. */
  into: string
  /** How many times as fast as they came; `Infinity` for as fast as it goes. */
  speed: number
  dryRun: boolean
}

export interface Replayed {
  into: string
  replayed: number
  /** The last one of the history that was emitted again. */
  last_event_id: string | null
  dry_run: boolean
}

const TELL_EVERY_MS = 2000

/** Emits the events of a history again, each marked as the replay of its original. */
export async function replay ({ query, into, speed, dryRun }: ReplayOptions, client: Client, terminal: Terminal, signal: AbortSignal, told: (outcome: Replayed) => void): Promise<void> {
  const outcome: Replayed = { into, replayed: 0, last_event_id: null, dry_run: dryRun }
  /** New ids by those of their originals, so that an answer refers to the replay of its question. */
  const renewed = new Map<string, string>()
  const began = performance.now()
  let first: number | undefined
  let lastTold = began
  told(outcome)
  for await (const page of pagesOf(client, query, signal)) {
    for (const event of page.events) {
      first ??= Date.parse(event.timestamp)
      const wait = dryRun ? 0 : (Date.parse(event.timestamp) - first) / speed - (performance.now() - began)
      if (wait > 0) await sleep(wait, undefined, { signal })
      if (dryRun) terminal.err(eventLine(event, terminal.colors))
      else renewed.set(event.event_id, await emit(event, into, renewed, client, signal))
      outcome.replayed++
      outcome.last_event_id = event.event_id
      if (terminal.watched && performance.now() - lastTold > TELL_EVERY_MS) {
        lastTold = performance.now()
        terminal.err(terminal.colors.dim(`${counted(outcome.replayed, 'event')} after ${duration(lastTold - began)}, now at ${event.timestamp}`))
      }
    }
  }
}

async function emit (event: EventFacts, into: string, renewed: ReadonlyMap<string, string>, client: Client, signal: AbortSignal): Promise<string> {
  const { event_id: id, event_type: type, topic, data, correlation_id, round, references, ttl_seconds, priority, extensions } = event
  const body = {
    event_type: type,
    topic,
    data,
    correlation_id,
    round,
    references: references === undefined ? undefined : renewed.get(references) ?? references,
    ttl_seconds,
    priority,
    extensions,
    project_id: into,
    replay_of: id
  }
  try {
    return (await client.call<{ event_id: string }>('POST', '/api/events/publish', { body, signal })).event_id
  } catch (error) {
    if (error instanceof Failure) throw new Failure(`${error.message} The event ${id} was not replayed; once that is mended go on with --from ${id} for those behind it.`, { code: error.code, cause: error })
    throw error
  }
}
