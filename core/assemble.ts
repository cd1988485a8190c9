import type { Server } from 'node:http'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { auditedAuth } from './audit/audited-auth.js'
import { authorityFileOf } from './config/authority.js'
import type { Settings } from './config/settings.js'
import { createContextService } from './context/context.js'
import type { AuditLog, Clock, Logger, ResultRecord } from './contracts/index.js'
import { Events } from './events/events.js'
import { createWebhooks } from './events/webhooks/create-webhooks.js'
import { Fleet } from './fleet/fleet.js'
import type { FleetProject } from './fleet/fleet-options.js'
import { Triggers } from './fleet/triggers/engine.js'
import { createGit } from './fleet/workspaces/git.js'
import { announceCollision } from './fleet/workspaces/announce-collision.js'
import { Workspaces } from './fleet/workspaces/workspaces.js'
import { sessionsOf } from './http/http2/secure-server.js'
import type { Performance } from './http/performance.js'
import type { Services } from './http/types.js'
import { VERSION } from './package-root.js'
import type { Plugins } from './plugin-host/host.js'
import type { Projects } from './project/projects.js'
import type { ProjectWorker } from './project/worker/client.js'
import { createResults } from './results/results.js'
import type { SidecarConfig } from './sidecar-config.js'
import type { createTelemetry } from './telemetry-source.js'

/** Makes all that the routes call, of plugins that need not be open yet. Nothing is read, written or started. */
export function assemble ({ config, app, sockets, audit, plugins, projects, worker, performance, telemetry, clock, log }: {
  config: SidecarConfig
  app: FastifyInstance
  /** Servers beside that of the app; the list grows while it listens. */
  sockets: readonly Server[]
  audit: AuditLog
  plugins: Plugins
  projects: Projects
  worker: ProjectWorker
  performance: Performance
  telemetry: ReturnType<typeof createTelemetry>
  clock: Clock
  log: Logger
}): Services {
  const { settings } = config
  const auth = plugins.slot('auth')
  const bus = plugins.slot('event-bus')
  const store = plugins.slot('result-store')
  const cache = plugins.slot('context-cache')
  const events: Events = new Events({
    bus,
    clock,
    log,
    maxWaits: settings.events.max_waits,
    maxWaitsPerAgent: settings.events.max_waits_per_agent,
    maxRounds: settings.events.max_rounds,
    groups: {
      rules: { ackWaitSeconds: settings.events.ack_wait_seconds, maxDeliveries: settings.events.max_deliveries },
      maxGroups: settings.events.max_groups
    },
    offered (project, group) {
      webhooks.wake(project, group)
      triggers.wake(project, group)
    },
    subscribedAgents: (project, topic) => fleet.subscribedTypes(project, topic)
  })
  const webhooks = createWebhooks({
    bus,
    allow: settings.events.webhook_allow,
    projects: () => projects.all().map(({ project }) => project.id),
    maxWebhooks: settings.events.max_webhooks,
    retrySeconds: settings.events.webhook_retry_seconds,
    retentionMs: settings.events.retention_hours * 3_600_000,
    clock,
    log
  })
  const fleetProject = (id: string): FleetProject => {
    const { project, profiles } = projects.get(id)
    return { id, root: project.root, profile: profiles.get, findProfile: profiles.find }
  }
  const results = createResults({
    store, events, clock, log, witness: async (project, submission) => await fleet.witness(project, submission), onStored: (record) => fleet.noteResult(record)
  })
  const context = createContextService({
    cache,
    store,
    strategies: plugins.all('context-strategy'),
    worker,
    timeoutMs: settings.context.timeout_seconds * 1000,
    maxBuilds: settings.context.max_builds,
    maxQueue: settings.context.max_queue,
    clock,
    log
  })
  const workspaces = new Workspaces({
    directory: join(settings.storage, 'worktrees'),
    git: createGit(worker),
    isLive: (id) => fleet.isLive(id),
    rootOf: (id) => projects.get(id).project.root,
    redact: async (text) => (await worker.redact([text]))[0]!.text,
    radarMs: settings.workspaces.compare_seconds * 1000,
    onCollision: async (collision) => await announceCollision(events, collision),
    clock,
    log
  })
  const fleet: Fleet = new Fleet({
    storage: settings.storage,
    spawners: plugins.all('spawner'),
    auth: auditedAuth(auth, audit),
    audit,
    events,
    clock,
    log,
    limits: settings.spawn,
    workspaces,
    tokenSeconds: settings.auth.token_ttl_seconds,
    inherited: config.environment,
    project: fleetProject,
    address: () => addressOf(app, settings),
    authority: () => authorityFileOf(settings.tls),
    async context (agent) {
      const { project, profiles } = projects.get(agent.project_id)
      const { body } = await context.get(project, profiles, {
        issueId: agent.issue_id,
        agentType: agent.agent_type,
        task: agent.task,
        maxBytes: settings.body_limit_mb * 1024 * 1024,
        maxTokens: null,
        requirements: agent.context_requirements,
        fresh: false,
        explain: false
      })
      return Buffer.concat(body!)
    },
    async storeResult (project, submission): Promise<ResultRecord> {
      return (await results.store(project, projects.get(project).profiles, submission)).record
    },
    async findResult (agent) {
      const { results: stored } = await store.list(agent.project_id, { issue_id: agent.issue_id, agent_type: agent.agent_type, limit: 100 })
      return stored.find((record) => record.agent_id === agent.agent_id)
    }
  })
  const triggers = new Triggers({ bus, events, store, fleet, project: fleetProject, limits: settings.triggers, clock, log })
  telemetry.bind({ audit, bus, store, cache, context, events, webhooks, fleet, triggers, extensions: [...plugins.all('http').values()], http2Sessions: () => sessionsOf([app.server, ...sockets]) })
  return { version: VERSION, settings, audit, auth, bus, store, cache, projects, context, events, webhooks, results, fleet, triggers, workspaces, performance, plugins: plugins.loaded, telemetry: telemetry.read, isBusy: telemetry.isBusy, log, clock }
}

/** Where agents reach the server: an address of any interface is reached over loopback. */
function addressOf (app: FastifyInstance, { tls, access }: Settings): string | undefined {
  const address = app.server.address()
  if (address === null || typeof address === 'string') return undefined
  const host = address.address === '0.0.0.0' ? '127.0.0.1' : address.address === '::' ? '::1' : address.address
  if (tls.cert === undefined) return `http://${host.includes(':') ? `[${host}]` : host}:${address.port}`
  // A certificate is for names, mostly.
  return `https://${access.hosts[0] ?? (host.includes(':') ? `[${host}]` : host)}:${address.port}`
}
