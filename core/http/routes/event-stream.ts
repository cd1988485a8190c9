import Type from '../../typebox.js'
import type { SidecarEvent } from '../../contracts/event-bus.js'
import type { StreamPage } from '../../events/events.js'
import { renderEvent } from '../../events/rendering.js'
import { parseSubscription } from '../../events/subscription.js'
import { toCloudEvent } from '../../events/cloud-events.js'
import { callerOf } from '../access.js'
import { drained } from '../drained.js'
import { isGone } from '../response-state.js'
import { EventName, Identifier, responses, Strict } from '../schemas.js'
import type { App, Services } from '../types.js'

/** A comment is sent when all is quiet for so long, so that proxies and clients see that the stream lives. */
const QUIET_MS = 15_000
/** A reader that takes nothing for so long is let go; it resumes where it was. */
const STALLED_MS = 60_000
/** Longer timers fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

export async function eventStreamRoutes (app: App, { events, clock }: Services): Promise<void> {
  app.get('/api/events/stream', {
    exposeHeadRoute: false,
    config: { access: 'any', longLived: true, priority: 'normal' },
    schema: {
      summary: 'Events as Server-Sent Events; Last-Event-ID resumes',
      tags: ['events'],
      querystring: Strict({
        type: Type.Optional(Type.String({ minLength: 1, maxLength: 2100 })),
        topic: Type.Optional(EventName),
        filter: Type.Optional(Type.String({ maxLength: 2048 })),
        since: Type.Optional(Type.String({ minLength: 1, maxLength: 512 })),
        format: Type.Optional(Type.Enum(['event', 'cloudevents'], { default: 'event', description: 'What `data:` holds.' })),
        group: Type.Optional(Type.String({ ...Identifier, description: 'A consumer group: each event goes to one of its members, which acknowledges it.' })),
        limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 10, description: 'Of a group: events that are not acknowledged yet.' }))
      }),
      response: responses({ 200: { description: 'Events as they come', content: { 'text/event-stream': { schema: Type.String() } } } })
    }
  }, async (request, reply) => {
    const caller = callerOf(request)
    const { type, topic, filter, since, group, limit = 10, format } = request.query
    const lastId = request.headers['last-event-id']
    const gone = new AbortController()
    reply.raw.once('close', () => gone.abort())
    // A stream does not outlive the token that opened it.
    const expiry = setTimeout(() => gone.abort(), Math.min(LONGEST_TIMER_MS, Math.max(0, caller.expires_at * 1000 - clock()))).unref()
    const pages = group === undefined
      ? events.stream(
        caller.project_id, caller, parseSubscription({ type, topic, filter }),
        typeof lastId === 'string' && lastId !== '' ? lastId : since, QUIET_MS, gone.signal
      )
      : events.groups.stream({
        project: caller.project_id, reader: caller, group, listensFor: { type, topic, filter }, since, limit, quietMs: QUIET_MS, signal: gone.signal
      })
    try {
      // The first page shows whether `since` is valid, while an error can still be answered.
      let page = await pages.next()
      reply.hijack()
      const { raw } = reply
      for (const [name, value] of Object.entries(reply.getHeaders())) if (value !== undefined) raw.setHeader(name, value)
      raw.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' })
      let isTaken = true
      while (isTaken && page.done !== true && !isGone(raw)) {
        for (const text of textsOf(page.value, (event) => (format === 'cloudevents' ? JSON.stringify(toCloudEvent(caller.project_id, event)) : renderEvent(event)))) {
          // A reader that does not keep up is waited for: its events stay in the log and not in this process's memory.
          isTaken = raw.write(text) || await drained(raw, gone.signal, STALLED_MS)
          if (!isTaken) break
        }
        if (isTaken) page = await pages.next()
      }
      if (isTaken) raw.end()
      else raw.destroy()
    } finally {
      clearTimeout(expiry)
      await pages.return(undefined)
    }
  })
}

/** One text for each event, so that no more than one is held for a reader that is slow. */
function * textsOf ({ entries, cursor, gap }: StreamPage, render: (event: SidecarEvent) => string): Generator<string> {
  if (gap !== undefined) yield `event: gap\ndata: ${JSON.stringify(gap)}\n\n`
  for (const { event, cursor } of entries) yield `id: ${cursor}\nevent: ${event.event_type}\ndata: ${render(event)}\n\n`
  if (entries.length === 0 && gap === undefined) yield `: quiet\nid: ${cursor}\n\n`
}
