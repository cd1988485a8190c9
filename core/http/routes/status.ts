import { statfs } from 'node:fs/promises'
import Type from '../../typebox.js'
import { messageOf } from '../../errors.js'
import { createLook } from '../lately.js'
import { responses, Time, Verbatim } from '../schemas.js'
import type { App, Services } from '../types.js'

const SERVICE = 'orchestration-sidecar'
const CHECK_TIMEOUT_MS = 900
/** Below it a write may fail at any moment. */
const LEAST_DISK_MB = 64
const MEBIBYTE = 1024 * 1024

const Health = Type.Object({
  status: Type.Enum(['healthy', 'degraded', 'unhealthy']),
  service: Type.String(),
  version: Type.String(),
  uptime_seconds: Type.Integer(),
  checks: Verbatim,
  timestamp: Time
})

const Status = Type.Object({ agents: Verbatim, storage: Verbatim, events: Verbatim, performance: Verbatim, timestamp: Time })

export async function statusRoutes (app: App, services: Services): Promise<void> {
  const { version, settings, audit, store, bus, telemetry } = services
  let cpu = { usage: process.cpuUsage(), at: performance.now() }

  const cpuPercent = (): number => {
    const now = { usage: process.cpuUsage(), at: performance.now() }
    const used = now.usage.user + now.usage.system - cpu.usage.user - cpu.usage.system
    const percent = used / 10 / Math.max(1, now.at - cpu.at)
    if (now.at - cpu.at > 1000) cpu = now
    return Math.round(percent * 10) / 10
  }

  const check = async (subject: { check? (): Promise<void> }): Promise<string> => {
    try {
      await inTime(subject.check?.())
      return 'healthy'
    } catch (error) {
      return `unhealthy: ${messageOf(error)}`
    }
  }

  // Health is asked for when something is wrong: whatever fails is told and keeps nothing else from being told.
  const look = createLook(async () => await Promise.all([
    check(store), check(bus), statfs(settings.storage).catch(() => undefined), inTime(telemetry()).catch(() => undefined)
  ]), services.isBusy)

  app.get('/health', {
    config: { access: 'open', priority: 'always' },
    schema: { summary: 'Whether the sidecar can do its work', tags: ['status'], response: responses({ 200: Health, 503: Health }) }
  }, async (_request, reply) => {
    const [storage, eventBus, disk, figures] = await look()
    const diskMb = disk === undefined ? 0 : Math.floor(disk.bavail * disk.bsize / MEBIBYTE)
    const isHealthy = storage === 'healthy' && eventBus === 'healthy' && figures !== undefined
    const status = !isHealthy ? 'unhealthy' : diskMb < LEAST_DISK_MB || audit.failing !== undefined ? 'degraded' : 'healthy'
    return await reply.code(status === 'healthy' ? 200 : 503).send({
      status,
      service: SERVICE,
      version,
      uptime_seconds: Math.floor(process.uptime()),
      checks: {
        storage,
        event_bus: eventBus,
        audit: audit.failing === undefined ? 'healthy' : `degraded: ${audit.failing}`,
        memory_usage_mb: Math.round(process.memoryUsage.rss() / MEBIBYTE),
        cpu_usage_percent: cpuPercent(),
        ...(figures === undefined
          ? { figures: 'unhealthy: they cannot be read' }
          : { active_agents: figures.agents.active, queued_agents: figures.agents.queued, event_queue_size: figures.events.queue_depth, shedding: shed(figures.http.shedding) }),
        disk_space_available_mb: diskMb,
        ...(diskMb < LEAST_DISK_MB ? { disk_space: `degraded: less than ${LEAST_DISK_MB} MiB are left` } : {})
      },
      timestamp: new Date().toISOString()
    })
  })

  const Probe = Type.Object({ status: Type.String(), timestamp: Time })

  app.get('/health/live', {
    config: { access: 'open', priority: 'always' },
    schema: { summary: 'Whether the process runs', tags: ['status'], response: responses({ 200: Probe }) }
  }, async () => ({ status: 'alive', timestamp: new Date().toISOString() }))

  app.get('/health/ready', {
    config: { access: 'open', priority: 'always' },
    schema: { summary: 'Whether it takes requests', tags: ['status'], response: responses({ 200: Probe, 503: Probe }) }
  }, async (_request, reply) => {
    const failed = (await look()).slice(0, 2).find((answer) => answer !== 'healthy')
    return await reply.code(failed === undefined ? 200 : 503).send({ status: failed ?? 'ready', timestamp: new Date().toISOString() })
  })

  app.get('/status', {
    config: { access: 'loopback', scope: 'sidecar', priority: 'high' },
    schema: { summary: 'Figures of the running sidecar', tags: ['status'], response: responses({ 200: Status }) }
  }, async () => {
    const { agents, storage, events } = await telemetry()
    const looked = storage.cache_hits + storage.cache_misses
    return {
      agents: { ...agents, avg_execution_time_ms: agents.avg_execution_time_ms ?? 0 },
      storage: {
        context_cache_entries: storage.context_cache_entries,
        cache_hit_rate: looked === 0 ? 0 : Math.round(storage.cache_hits / looked * 1000) / 1000,
        results_stored: storage.results_stored,
        total_size_mb: Math.round((storage.results_bytes + storage.event_bytes) / MEBIBYTE * 100) / 100,
        storage_path: settings.storage
      },
      events: {
        total_published: events.total_published,
        total_delivered: events.total_delivered,
        active_subscriptions: events.active_subscriptions,
        queue_depth: events.queue_depth,
        dead_letter_queue_size: events.dead_letter_queue_size,
        avg_delivery_time_ms: events.avg_delivery_time_ms
      },
      performance: services.performance.figures(),
      timestamp: new Date().toISOString()
    }
  })
}

/** Rejects when there is no answer in time. */
async function inTime<Answer> (asked: Promise<Answer> | undefined): Promise<Answer | undefined> {
  let timer: NodeJS.Timeout | undefined
  try {
    return await Promise.race([
      asked,
      new Promise<never>((_resolve, reject) => { timer = setTimeout(() => reject(new Error('it does not answer')), CHECK_TIMEOUT_MS) })
    ])
  } finally {
    clearTimeout(timer)
  }
}

/** Up to which priority requests are refused for load at present. */
function shed (shedding: number): string {
  return ['none', 'low', 'normal', 'high'][Math.ceil(shedding)] ?? 'high'
}
