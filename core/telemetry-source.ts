import type { AuditLog, ContextCache, EventBus, HttpExtension, HttpFigures, ResultStore } from './contracts/index.js'
import type { ContextService } from './context/context.js'
import type { Events } from './events/events.js'
import type { Webhooks } from './events/webhooks/webhooks.js'
import type { Fleet } from './fleet/fleet.js'
import type { Triggers } from './fleet/triggers/engine.js'
import type { Telemetry } from './telemetry.js'

interface Sources {
  audit: AuditLog
  bus: EventBus
  store: ResultStore
  cache: ContextCache
  context: ContextService
  events: Events
  webhooks: Webhooks
  fleet: Fleet
  extensions: readonly HttpExtension[]
  triggers: Triggers
  /** How many are open. */
  http2Sessions (): number
}

/** Telemetry for plugins that are made before what it tells of; reading it before `bind` is an error of the caller. */
export function createTelemetry (): { bind (sources: Sources): void, read (): Promise<Telemetry>, isBusy (): boolean } {
  let sources: Sources | undefined
  return {
    bind (bound) { sources = bound },
    isBusy: () => sources?.extensions.some((extension) => extension.figures?.().busy === true) ?? false,
    async read () {
      if (sources === undefined) throw new Error('The sidecar is not assembled yet.')
      const { audit, bus, store, cache, context, events, webhooks, fleet, triggers, extensions, http2Sessions } = sources
      const [retained, usage, cached, pushed] = await Promise.all([bus.stats(), store.usage(), cache.stats(), webhooks.statistics()])
      const published = events.statistics()
      const looked = context.statistics()
      return {
        agents: fleet.statistics(),
        storage: {
          context_cache_entries: cached.entries,
          context_cache_bytes: cached.bytes,
          cache_hits: looked.hits,
          cache_misses: looked.misses,
          results_stored: usage.count,
          results_bytes: usage.bytes,
          event_bytes: retained.bytes
        },
        events: {
          total_published: published.published,
          total_delivered: published.delivered,
          active_subscriptions: published.waiting,
          queue_depth: retained.retained,
          dead_letter_queue_size: retained.dead_letters,
          avg_delivery_time_ms: published.avg_delivery_time_ms,
          published_by_topic: published.by_topic
        },
        triggers: triggers.statistics(),
        webhooks: pushed,
        audit: audit.statistics(),
        http: { ...figuresOf(extensions), http2_sessions: http2Sessions() }
      }
    }
  }
}

/** What all extensions tell, together. */
function figuresOf (extensions: readonly HttpExtension[]): Omit<Telemetry['http'], 'http2_sessions'> {
  const told = extensions.map((extension) => extension.figures?.() ?? {})
  const sumOf = (each: (figures: HttpFigures) => Record<string, number> | undefined): Record<string, number> => {
    const sum: Record<string, number> = {}
    for (const [name, count] of told.flatMap((figures) => Object.entries(each(figures) ?? {}))) sum[name] = (sum[name] ?? 0) + count
    return sum
  }
  return {
    shed: sumOf(({ shed }) => shed),
    shedding: Math.max(0, ...told.map(({ shedding = 0 }) => shedding)),
    queued: told.reduce((sum, { queued: count = 0 }) => sum + count, 0),
    rate_limited: sumOf(({ rate_limited: limited }) => limited)
  }
}
