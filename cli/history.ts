import type { Client } from './client.js'
import type { EventFacts, EventPage } from './event-facts.js'

const PAGE = 1000

export interface HistoryQuery {
  type?: string | undefined
  topic?: string | undefined
  filter?: string | undefined
  correlation_id?: string | undefined
  since?: string | undefined
  until?: string | undefined
}

/** The pages of a history, oldest first, until nothing is left. */
export async function * pagesOf (client: Client, query: HistoryQuery, signal?: AbortSignal): AsyncGenerator<EventPage & { timestamp: string }> {
  for (let { since } = query; ;) {
    const page = await client.call<EventPage & { timestamp: string }>('GET', '/api/events', { query: { ...query, since, limit: PAGE }, ...(signal === undefined ? {} : { signal }) })
    yield page
    if (page.more_available !== true) return
    since = page.next_cursor
  }
}

export async function allOf (client: Client, query: HistoryQuery): Promise<EventFacts[]> {
  const events: EventFacts[] = []
  for await (const page of pagesOf(client, query)) events.push(...page.events)
  return events
}

/** How far the last events are looked for, minutes; nobody reads a whole day to see the last minute. */
const WINDOWS = [1, 10, 120, 1440]

/** The last events of a history, and where it goes on. */
export async function lastOf (client: Client, query: HistoryQuery, count: number): Promise<{ events: EventFacts[], next_cursor: string }> {
  for (const minutes of [...WINDOWS, undefined]) {
    const since = minutes === undefined ? 'earliest' : new Date(Date.now() - minutes * 60_000).toISOString()
    let events: EventFacts[] = []
    let cursor = since
    for await (const page of pagesOf(client, { ...query, since })) {
      events = [...events, ...page.events].slice(-count)
      cursor = page.next_cursor ?? cursor
    }
    if (events.length >= count || minutes === undefined) return { events: count === 0 ? [] : events, next_cursor: cursor }
  }
  throw new Error('The last window has no end')
}
