import { realpath } from 'node:fs/promises'
import type { Server } from 'node:http'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { auditedAuth } from './audit/audited-auth.js'
import { openAudit, startedEntry, trustEntry } from './audit-start.js'
import type { Settings } from './config/settings.js'
import type { TriggerSource } from './config/load.js'
import { isTrusted } from './config/trust.js'
import { makeConfiguredPlugins } from './configured-plugins.js'
import { createContextService } from './context/context.js'
import type { AuditEntry, AuditLog, Clock, Logger, ResultRecord } from './contracts/index.js'
import { messageOf } from './errors.js'
import { Events } from './events/events.js'
import { createWebhooks } from './events/webhooks/create-webhooks.js'
import { Fleet } from './fleet/fleet.js'
import type { FleetProject } from './fleet/fleet-options.js'
import { Triggers } from './fleet/triggers/engine.js'
import type { Rule } from './fleet/triggers/definition.js'
import { readRules } from './fleet/triggers/rule-book.js'
import { createGit } from './fleet/workspaces/git.js'
import { announceCollision } from './fleet/workspaces/announce-collision.js'
import { Workspaces } from './fleet/workspaces/workspaces.js'
import { mountAccess } from './http/access.js'
import { createApp } from './http/app.js'
import { reloadCertificate } from './http/certificate.js'
import { listenOnOtherAddresses } from './http/other-addresses.js'
import { listenOnSocket } from './http/unix-socket.js'
import { mountAudit } from './http/audit.js'
import { Performance } from './http/performance.js'
import { mountRoutes } from './http/routes/index.js'
import type { App, Services } from './http/types.js'
import { keepOperatorToken } from './operator-token.js'
import { VERSION } from './package-root.js'
import type { LoadedPlugin, Plugins } from './plugin-host/host.js'
import type { Builtin, PluginRequest } from './plugin-host/resolve.js'
import { readBuiltinProfiles } from './profiles/load.js'
import { Projects, type ProjectEntry, type ServedProject } from './project/projects.js'
import { createProjectWorker, type ProjectWorker } from './project/worker/client.js'
import { createResults } from './results/results.js'
import { takeStorage, type StorageLock } from './storage.js'
import { createTelemetry } from './telemetry-source.js'

export { agentEnvironment } from './fleet/environment.js'

export interface SidecarConfig {
  settings: Settings
  /** The repository that the operator's token is for. */
  project: { id: string, root: string }
  /** Further repositories. */
  projects: (ProjectEntry & { triggers?: TriggerSource })[]
  /** Rules of the configuration that start agents, for the project of the operator's token. */
  triggers?: readonly TriggerSource[]
  plugins: PluginRequest[]
  /** Whether what the project brings in `.cco` may load plugins and raise rights. */
  trusted: boolean
  /** The environment that agents inherit the allowed part of. */
  environment: Record<string, string | undefined>
  clock?: Clock
}

export interface SidecarInfo {
  version: string
  project: { id: string, root: string }
  profiles: number
  plugins: readonly LoadedPlugin[]
  storage: string
}

export interface Sidecar {
  /** Ready and not listening: `app.listen()` is the caller's. */
  app: FastifyInstance
  info: SidecarInfo
  /** Serves a unix socket, too; ends with the sidecar. */
  listenOnSocket (path: string): Promise<void>
  /** Takes the files of the certificate up as they are now. Throws, and changes nothing, where they are wrong. */
  reloadCertificate (): void
  /** Drains: new requests are refused, waits answered, agents ended, everything written. Idempotent. */
  close (): Promise<void>
}

/** Options of built-in plugins that follow from settings. */
export type ImpliedOptions = (settings: Settings) => Record<string, Record<string, unknown>>

/** Builds a whole sidecar, or nothing: a fault on the way closes what was opened and leaves the disk as it was. */
export async function createSidecar (config: SidecarConfig, builtins: readonly Builtin[], implied: ImpliedOptions): Promise<Sidecar> {
  const { settings, clock = Date.now } = config
  let closing: Promise<void> | undefined
  const performance = new Performance()
  const app = await createApp(settings, performance, () => closing !== undefined)
  const worker = createProjectWorker({ cache: join(settings.storage, 'cache') })
  const undo: (() => Promise<unknown>)[] = [async () => await worker.close(), async () => await app.close()]
  try {
    const sockets: Server[] = []
    const telemetry = createTelemetry()
    const projectsRef: { current?: Projects } = {}
    const triggersRef: { current?: Triggers } = {}
    const auditRef: { current?: AuditLog } = {}
    const trustGiven: AuditEntry[] = []
    const rules = new Map<string, readonly Rule[]>()
    const log = app.log as Logger
    const plugins = await makeConfiguredPlugins(config, builtins, implied, {
      app, clock, telemetry, profile: (project, agentType) => projectsRef.current?.find(project)?.profiles.find(agentType)
    })
    // A project may be named by a link to it; what is served is the folder itself.
    const ownRoot = await realpath(config.project.root).catch(() => config.project.root)
    const projects = projectsRef.current = new Projects({
      storage: settings.storage,
      profiles: await readBuiltinProfiles(),
      strategies: plugins.all('context-strategy'),
      worker,
      maxFileBytes: settings.context.max_file_mb * 1024 * 1024,
      log,
      isTrusted: async (root) => (root === ownRoot ? config.trusted : await isTrusted(root)),
      async admit (served, isTrusted) {
        const found = rulesOf(config, served, isTrusted)
        const trust = isTrusted ? await trustEntry(served.project) : undefined
        return async () => {
          if (trust !== undefined && auditRef.current === undefined) trustGiven.push(trust)
          else if (trust !== undefined) auditRef.current?.note(trust)
          rules.set(served.project.id, found)
          await triggersRef.current?.serve(served.project.id, found)
        }
      }
    })
    await projects.configure([{ project_id: config.project.id, root: config.project.root }, ...config.projects])

    const lock = await takeStorage(settings.storage)
    undo.push(async () => await lock.release({ discard: true }))
    const audit = auditRef.current = await openAudit(settings, clock, log)
    undo.push(async () => await audit.close())
    undo.push(async () => await plugins.close())
    await plugins.open()
    await projects.restore((entry, reason) => log.warn({ project: entry.project_id, reason }, 'a project that was added earlier is not served'))
    const services = assemble({ config, app, audit, plugins, projects, worker, performance, telemetry, clock, log })
    // Agents of an earlier run go on: this start failed, not they.
    undo.push(async () => await services.fleet.release())
    undo.push(async () => await services.triggers.close())
    await services.fleet.open()
    mountAudit(app, audit)
    mountAccess(app, services)
    for (const extension of plugins.all('http').values()) await extension.register(app)
    await mountRoutes(app as unknown as App, services)
    const operator = await keepOperatorToken({ auth: auditedAuth(services.auth, audit), storage: settings.storage, project: config.project.id, ttlSeconds: settings.auth.token_ttl_seconds, log })
    const retention = keepRetention(services, settings)
    app.addHook('onListen', async () => {
      sockets.push(...await listenOnOtherAddresses(app, settings))
      services.fleet.resume()
      services.workspaces.open()
      resumeGroups(services)
      warmUp(projects, log)
    })
    await app.ready()
    for (const entry of [startedEntry(VERSION, settings, plugins.loaded), ...trustGiven]) audit.note(entry)
    services.webhooks.start()
    for (const [project, found] of rules) await services.triggers.serve(project, found)
    triggersRef.current = services.triggers
    return {
      app,
      info: {
        version: VERSION,
        project: { id: config.project.id, root: projects.get(config.project.id).project.root },
        profiles: projects.get(config.project.id).profiles.all().length,
        plugins: plugins.loaded,
        storage: settings.storage
      },
      async listenOnSocket (path) {
        sockets.push(await listenOnSocket(app, path, settings))
      },
      reloadCertificate () { reloadCertificate([app.server, ...sockets], settings) },
      async close () {
        closing ??= shutDown({ app, sockets, services, plugins, worker, lock, timers: [operator, retention], log })
        await closing
      }
    }
  } catch (error) {
    for (const step of undo.reverse()) await step().catch((reason: unknown) => app.log.warn({ reason: messageOf(reason) }, 'a failed start could not be undone whole'))
    throw error
  }
}

/** The rules that start agents in a project: of the configuration, and its own where it is trusted. */
function rulesOf ({ project: { id }, projects, triggers = [] }: SidecarConfig, { project, profiles }: ServedProject, isTrusted: boolean): Rule[] {
  const entry = projects.find(({ project_id: named }) => named === project.id)?.triggers
  return readRules({
    root: project.root,
    isTrusted,
    agentTypes: profiles.all().map((profile) => profile.id),
    sources: [...(project.id === id ? triggers : []), ...(entry === undefined ? [] : [entry])]
  })
}

// The start itself is to be over, health answered and queued agents started.
const WARM_UP_AFTER_MS = 1500

/** Reads the projects before the first request does, once the start itself is over. */
function warmUp (projects: Projects, log: Logger): void {
  setTimeout(() => {
    for (const { project } of projects.all()) {
      project.now().then(async (state) => await state.search('', '', 1)).catch((error: unknown) => log.debug({ err: error, project: project.id }, 'a project could not be read ahead'))
    }
  }, WARM_UP_AFTER_MS).unref()
}

/** What members of an earlier life of the server hold is looked after, also when none of them comes back. */
function resumeGroups ({ events, projects, log }: Services): void {
  events.groups.resume(projects.all().map(({ project }) => project.id)).catch((error: unknown) => log.warn({ reason: messageOf(error) }, 'consumer groups are looked after when their members come'))
}

/** Makes all that the routes call, of plugins that need not be open yet. Nothing is read, written or started. */
export function assemble ({ config, app, audit, plugins, projects, worker, performance, telemetry, clock, log }: {
  config: SidecarConfig
  app: FastifyInstance
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
  telemetry.bind({ audit, bus, store, cache, context, events, webhooks, fleet, triggers, extensions: [...plugins.all('http').values()] })
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

const RETENTION_EVERY_MS = 3_600_000
const DAY_MS = 86_400_000

/** Removes results beyond their retention, now and every hour. */
function keepRetention ({ store, projects, clock, log }: Services, settings: Settings): { close (): void } {
  const prune = (): void => {
    for (const { project } of projects.all()) {
      store.prune(project.id, { before: clock() - settings.results.retention_days * DAY_MS }).then(
        ({ removed, bytes }) => { if (removed > 0) log.info({ project: project.id, removed, bytes }, 'old results were removed') },
        (error: unknown) => log.warn({ project: project.id, reason: messageOf(error) }, 'old results could not be removed')
      )
    }
  }
  const first = setTimeout(prune, 60_000)
  const timer = setInterval(prune, RETENTION_EVERY_MS)
  first.unref()
  timer.unref()
  return {
    close () {
      clearTimeout(first)
      clearInterval(timer)
    }
  }
}

/** How long pushes under way to webhooks may take; then they are given back, to be pushed at the next start. */
const PUSHES_MS = 2000

/** How long answers under way may take; then what is still open is cut. */
const CONNECTIONS_MS = 3000

/** Node waits for connections that have never carried a request (a browser's spare one, a probe) until they time out. */
async function closeConnections (app: FastifyInstance, sockets: readonly Server[]): Promise<void> {
  const servers = [app.server, ...sockets]
  const cut = setTimeout(() => { for (const server of servers) server.closeAllConnections() }, CONNECTIONS_MS)
  try {
    await Promise.all([app.close(), ...sockets.map(async (server) => await new Promise((resolve) => {
      server.close(resolve)
      server.closeIdleConnections()
    }))])
  } finally {
    clearTimeout(cut)
  }
}

async function shutDown ({ app, sockets, services, plugins, worker, lock, timers, log }: {
  app: FastifyInstance
  sockets: readonly Server[]
  services: Services
  plugins: Plugins
  worker: ProjectWorker
  lock: StorageLock
  timers: { close (): void }[]
  log: Logger
}): Promise<void> {
  log.info({}, 'draining')
  for (const timer of timers) timer.close()
  services.events.drain()
  // Beside the other steps, because agents and connections take their own time; its fault is told at its step.
  const pushes = services.webhooks.close(PUSHES_MS)
  pushes.catch(() => {})
  const steps: [string, () => Promise<unknown>][] = [
    ['triggers', async () => await services.triggers.close()],
    ['agents', async () => await services.fleet.close()],
    ['workspaces', async () => await services.workspaces.close()],
    ['connections', async () => await closeConnections(app, sockets)],
    ['waits', async () => await services.events.close()],
    ['webhooks', async () => await pushes],
    ['projects', async () => await worker.close()],
    ['plugins', async () => await plugins.close()],
    ['audit', async () => {
      services.audit.note({ action: 'sidecar.stopped', outcome: 'success', actor: 'sidecar' })
      await services.audit.close()
    }],
    ['storage', async () => await lock.release()]
  ]
  for (const [name, step] of steps) {
    try {
      await step()
    } catch (error) {
      log.error({ step: name, reason: messageOf(error) }, 'a step of the shutdown failed')
    }
  }
}
