import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client'
import type { FastifyInstance } from 'fastify'
import { definePlugin, Type, type HttpExtension, type SidecarFacts, type Telemetry } from '../../core/plugin-api.js'
import { createRequestTally } from './request-tally.js'

/** Prometheus text of what the sidecar counts itself; labels hold no issue, agent or correlation id. */
export function createMetrics (sidecar: SidecarFacts): HttpExtension & { registry: Registry } {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const requests = createRequestTally(registry)
  const activeAgents = new Gauge({ name: 'sidecar_active_agents', help: 'Agents at work', labelNames: ['agent_type'], registers: [registry] })
  const queuedAgents = new Gauge({ name: 'sidecar_queued_agents', help: 'Agents that wait to be started', registers: [registry] })
  const transitions = new Counter({ name: 'sidecar_agent_transitions_total', help: 'States that agents entered', labelNames: ['state'], registers: [registry] })
  const retries = new Counter({ name: 'sidecar_agent_retries_total', help: 'Further attempts of agents that failed', registers: [registry] })
  const published = new Counter({ name: 'sidecar_events_published_total', help: 'Events published', labelNames: ['topic'], registers: [registry] })
  const hits = new Counter({ name: 'sidecar_cache_hits_total', help: 'Contexts answered from the cache', registers: [registry] })
  const misses = new Counter({ name: 'sidecar_cache_misses_total', help: 'Contexts that had to be built', registers: [registry] })
  const bytes = new Gauge({ name: 'sidecar_storage_bytes', help: 'Bytes kept', labelNames: ['kind'], registers: [registry] })
  const deadLetters = new Gauge({ name: 'sidecar_dead_letters', help: 'Events that could not be handed over', registers: [registry] })
  const webhookDeliveries = new Counter({ name: 'sidecar_webhook_deliveries_total', help: 'Pushes to webhooks by what became of them', labelNames: ['outcome'], registers: [registry] })
  const webhookPending = new Gauge({ name: 'sidecar_webhook_pending', help: 'Events that are being pushed or wait for another attempt', registers: [registry] })
  const triggerEvents = new Counter({ name: 'sidecar_trigger_events_total', help: 'Events that matched a rule by what became of them', labelNames: ['outcome'], registers: [registry] })
  const triggerRefusals = new Counter({ name: 'sidecar_trigger_refusals_total', help: 'Events for which a rule might start nobody by the bound that they met', labelNames: ['bound'], registers: [registry] })
  const triggerAgents = new Counter({ name: 'sidecar_triggered_agents_total', help: 'Agents that rules started', registers: [registry] })
  const auditRecords = new Counter({ name: 'sidecar_audit_records_total', help: 'Records of the audit log', labelNames: ['action', 'outcome'], registers: [registry] })
  const auditFailures = new Counter({ name: 'sidecar_audit_write_failures_total', help: 'Writes of the audit log that failed', registers: [registry] })
  const auditPending = new Gauge({ name: 'sidecar_audit_pending', help: 'Records that wait to be written', registers: [registry] })
  const auditLost = new Counter({ name: 'sidecar_audit_lost_total', help: 'Records that were given up because too many waited', registers: [registry] })
  const waiting = new Gauge({ name: 'sidecar_waiting_requests', help: 'Long polls and streams held', registers: [registry] })

  const shed = new Counter({ name: 'sidecar_shed_requests_total', help: 'Requests refused for load', labelNames: ['priority'], registers: [registry] })
  const shedding = new Gauge({ name: 'sidecar_shedding', help: 'How much is refused for load: 1 is all of the lowest priority, 2 of the next as well', registers: [registry] })
  const queuedRequests = new Gauge({ name: 'sidecar_queued_requests', help: 'Requests that wait until they may begin', registers: [registry] })
  const http2Sessions = new Gauge({ name: 'sidecar_http2_sessions', help: 'Sessions of HTTP/2 that are open', registers: [registry] })
  const limited = new Counter({ name: 'sidecar_rate_limited_requests_total', help: 'Requests refused for their rate', labelNames: ['by'], registers: [registry] })

  const update = ({ agents, audit, events, http, storage, triggers, webhooks }: Telemetry): void => {
    activeAgents.reset()
    for (const [type, count] of Object.entries(agents.by_type)) activeAgents.set({ agent_type: type }, count)
    queuedAgents.set(agents.queued)
    transitions.reset()
    for (const [state, count] of Object.entries(agents.transitions)) transitions.inc({ state }, count)
    retries.reset()
    retries.inc(agents.retried)
    published.reset()
    for (const [topic, count] of Object.entries(events.published_by_topic)) published.inc({ topic }, count)
    hits.reset()
    hits.inc(storage.cache_hits)
    misses.reset()
    misses.inc(storage.cache_misses)
    bytes.set({ kind: 'results' }, storage.results_bytes)
    bytes.set({ kind: 'events' }, storage.event_bytes)
    bytes.set({ kind: 'context_cache' }, storage.context_cache_bytes)
    deadLetters.set(events.dead_letter_queue_size)
    waiting.set(events.active_subscriptions)
    triggerEvents.reset()
    for (const [outcome, count] of Object.entries(triggers.events)) triggerEvents.inc({ outcome }, count)
    triggerRefusals.reset()
    for (const [bound, count] of Object.entries(triggers.refused)) triggerRefusals.inc({ bound }, count)
    triggerAgents.reset()
    triggerAgents.inc(triggers.agents)
    webhookDeliveries.reset()
    for (const [outcome, count] of Object.entries(webhooks.deliveries)) webhookDeliveries.inc({ outcome }, count)
    webhookPending.set(webhooks.pending)
    auditRecords.reset()
    for (const { action, outcome, count } of audit.records) auditRecords.inc({ action, outcome }, count)
    auditFailures.reset()
    auditFailures.inc(audit.write_failures)
    auditPending.set(audit.pending)
    auditLost.reset()
    auditLost.inc(audit.lost)
    shed.reset()
    for (const [priority, count] of Object.entries(http.shed)) shed.inc({ priority }, count)
    shedding.set(http.shedding)
    queuedRequests.set(http.queued)
    http2Sessions.set(http.http2_sessions)
    limited.reset()
    for (const [by, count] of Object.entries(http.rate_limited)) limited.inc({ by }, count)
  }

  return {
    registry,
    async register (app: FastifyInstance) {
      // Beside each route, so that nobody looks for its labels when it has answered.
      app.addHook('onRoute', (route) => {
        const tallies = new Map([route.method].flat().map((method) => [method, requests.of(method, route.url)]))
        const isLong = route.config?.longLived === true
        route.onResponse = [...[route.onResponse ?? []].flat(), (request, reply, done) => {
          tallies.get(request.method)!(reply.statusCode, isLong ? undefined : reply.elapsedTime / 1000)
          done()
        }]
      })
      app.addHook('onResponse', (request, reply, done) => {
        if (request.is404) requests.of(request.method, 'none')(reply.statusCode, reply.elapsedTime / 1000)
        done()
      })
      app.get('/metrics', {
        config: { access: 'loopback', scope: 'sidecar', priority: 'always' },
        schema: { summary: 'Metrics for Prometheus', tags: ['status'], response: { 200: { description: 'Prometheus text', content: { 'text/plain': { schema: Type.String() } } }, 401: { $ref: 'Error#' } } }
      }, async (_request, reply) => {
        update(await sidecar.telemetry())
        return await reply.type(registry.contentType).send(await registry.metrics())
      })
    }
  }
}

export default definePlugin({
  kind: 'http',
  name: 'metrics',
  description: 'GET /metrics for Prometheus',
  create: (_options, { sidecar }) => createMetrics(sidecar)
})
