import { LRUCache } from 'lru-cache'
import type { SidecarEvent } from '../contracts/event-bus.js'
import type { EventPage } from './scan.js'

/** Characters of JSON that are kept: what is new is asked for by many at once, what is old by few. */
const MAX_KEPT = 4 * 1024 * 1024

const events = new LRUCache<SidecarEvent, string>({ maxSize: MAX_KEPT, sizeCalculation: (text) => text.length + 1 })
const pages = new LRUCache<string, { events: readonly SidecarEvent[], text: string }>({ maxSize: MAX_KEPT, sizeCalculation: ({ text }) => text.length + 1 })

/** An event as JSON, made once for all who are sent it. */
export function renderEvent (event: SidecarEvent): string {
  const known = events.get(event)
  if (known !== undefined) return known
  const text = JSON.stringify(event)
  events.set(event, text)
  return text
}

const OF_PAGE: ReadonlySet<string> = new Set<keyof EventPage>(['events', 'more_available', 'next_cursor', 'gap'])

/** A page with what else an answer has, as JSON. The page is rendered once for all who are sent the same events. */
export function renderAnswer (answer: EventPage): string {
  let text = renderPage(answer)
  for (const [name, value] of Object.entries(answer)) {
    if (!OF_PAGE.has(name) && value !== undefined) text += `,"${name}":${JSON.stringify(value)}`
  }
  return `${text}}`
}

/** Without its last brace. */
function renderPage (page: EventPage): string {
  const { more_available: more, next_cursor: cursor, gap } = page
  const [first] = page.events
  if (first === undefined || gap !== undefined) return compose(page)
  const key = `${first.event_id}/${page.events.length}/${more}/${cursor}`
  const known = pages.get(key)
  if (known !== undefined && known.events.every((event, index) => event === page.events[index])) return known.text
  const text = compose(page)
  pages.set(key, { events: page.events, text })
  return text
}

function compose ({ events, more_available: more, next_cursor: cursor, gap }: EventPage): string {
  return `{"events":[${events.map(renderEvent).join()}],"more_available":${more},"next_cursor":${JSON.stringify(cursor)}${gap === undefined ? '' : `,"gap":${JSON.stringify(gap)}`}`
}
