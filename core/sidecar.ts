import { realpath } from 'node:fs/promises'
import type { Server } from 'node:http'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { assemble } from './assemble.js'
import { auditedAuth } from './audit/audited-auth.js'
import { openAudit, startedEntry, trustEntry } from './audit-start.js'
import { isTrusted } from './config/trust.js'
import { makeConfiguredPlugins } from './configured-plugins.js'
import type { AuditEntry, AuditLog, Logger } from './contracts/index.js'
import { messageOf } from './errors.js'
import type { Rule } from './fleet/triggers/definition.js'
import type { Triggers } from './fleet/triggers/engine.js'
import { readRules } from './fleet/triggers/rule-book.js'
import { mountAccess } from './http/access.js'
import { createApp } from './http/app.js'
import { mountAudit } from './http/audit.js'
import { reloadCertificate } from './http/certificate.js'
import { listenOnOtherAddresses } from './http/other-addresses.js'
import { Performance } from './http/performance.js'
import { mountRoutes } from './http/routes/index.js'
import type { App, Services } from './http/types.js'
import { listenOnSocket } from './http/unix-socket.js'
import { keepOperatorToken } from './operator-token.js'
import { VERSION } from './package-root.js'
import type { LoadedPlugin } from './plugin-host/host.js'
import type { Builtin } from './plugin-host/resolve.js'
import { readBuiltinProfiles } from './profiles/load.js'
import { createReadAhead } from './project/read-ahead.js'
import { Projects, type ServedProject } from './project/projects.js'
import { createProjectWorker } from './project/worker/client.js'
import { keepRetention } from './retention.js'
import { shutDown } from './shut-down.js'
import type { ImpliedOptions, SidecarConfig } from './sidecar-config.js'
import { takeStorage } from './storage.js'
import { createTelemetry } from './telemetry-source.js'

export { agentEnvironment } from './fleet/environment.js'

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
    const ahead = createReadAhead(log)
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
          ahead.add(served.project)
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
    const services = assemble({ config, app, sockets, audit, plugins, projects, worker, performance, telemetry, clock, log })
    // Agents of an earlier run go on: this start failed, not they.
    undo.push(async () => await services.fleet.release())
    undo.push(async () => await services.triggers.close())
    await services.fleet.open()
    mountAudit(app, audit)
    mountAccess(app, services)
    for (const extension of plugins.all('http').values()) await extension.register(app)
    await mountRoutes(app as unknown as App, services)
    const operator = await keepOperatorToken({ auth: auditedAuth(services.auth, audit), storage: settings.storage, project: config.project.id, ttlSeconds: settings.auth.token_ttl_seconds, log })
    const timers = [operator, keepRetention(services, settings), ahead]
    app.addHook('onListen', async () => {
      sockets.push(...await listenOnOtherAddresses(app, settings))
      services.fleet.resume()
      services.workspaces.open()
      resumeGroups(services)
      ahead.start()
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
        closing ??= shutDown({ app, sockets, services, plugins, worker, lock, timers, log })
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

/** What members of an earlier life of the server hold is looked after, also when none of them comes back. */
function resumeGroups ({ events, projects, log }: Services): void {
  events.groups.resume(projects.all().map(({ project }) => project.id)).catch((error: unknown) => log.warn({ reason: messageOf(error) }, 'consumer groups are looked after when their members come'))
}
