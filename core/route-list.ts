import { assemble } from './assemble.js'
import { SILENT_AUDIT } from './audit-start.js'
import { makeConfiguredPlugins } from './configured-plugins.js'
import { createApp } from './http/app.js'
import { mountAccess } from './http/access.js'
import { Performance } from './http/performance.js'
import { mountRoutes } from './http/routes/index.js'
import type { Access, App, RequestPriority, Scope } from './http/types.js'
import type { Logger } from './contracts/index.js'
import type { Builtin } from './plugin-host/resolve.js'
import { Projects } from './project/projects.js'
import { createProjectWorker } from './project/worker/client.js'
import type { ImpliedOptions, SidecarConfig } from './sidecar-config.js'
import { createTelemetry } from './telemetry-source.js'

export interface RouteFacts {
  method: string
  /** With `:name` for each parameter. */
  path: string
  /** `open`, `any` token, `loopback` (any token, or none from this machine), or permissions of which one is needed. */
  permission: string
  scope: Scope | 'none'
  /**
   * What a call is counted against: `agent`, the rates of the caller and of its project; `held`, the number of long polls and
   * streams besides; `address`, what was asked for in vain from there.
   */
  limit: 'none' | 'address' | 'agent' | 'agent, held'
  /** What is refused first when there is more to do than can be done. */
  priority: RequestPriority
  summary: string | null
}

/**
 * Every route of a sidecar with what it declares beside its schema. The app is built as for a start, of the same plugins,
 * and thrown away: nothing is opened, listened on or written, so a sidecar that runs on the same storage does not mind.
 */
export async function listRoutes (config: SidecarConfig, builtins: readonly Builtin[], implied: ImpliedOptions): Promise<RouteFacts[]> {
  const { settings, clock = Date.now } = config
  const performance = new Performance()
  const app = await createApp({ ...settings, log_level: 'silent' }, performance, () => false)
  const worker = createProjectWorker({ cache: settings.storage })
  try {
    const log = app.log as Logger
    const telemetry = createTelemetry()
    const plugins = await makeConfiguredPlugins(config, builtins, implied, { app, clock, telemetry })
    const projects = new Projects({
      storage: settings.storage, profiles: [], strategies: plugins.all('context-strategy'), worker, maxFileBytes: 0, log, isTrusted: async () => false
    })
    const services = assemble({ config, app, sockets: [], audit: SILENT_AUDIT, plugins, projects, worker, performance, telemetry, clock, log })
    const found = new Map<string, RouteFacts>()
    app.addHook('onRoute', ({ method, url, config: declared, schema }) => {
      for (const each of [method].flat()) {
        if (each === 'HEAD' || each === 'OPTIONS') continue
        found.set(`${each} ${url}`, factsOf(each, url, declared ?? {}, schema?.summary))
      }
    })
    mountAccess(app, services)
    for (const extension of plugins.all('http').values()) await extension.register(app)
    await mountRoutes(app as unknown as App, services)
    await app.ready()
    return [...found.values()].sort((a, b) => (a.path === b.path ? compare(a.method, b.method) : compare(a.path, b.path)))
  } finally {
    await app.close()
    await worker.close()
  }
}

function factsOf (method: string, path: string, { access, scope = 'project', longLived = false, priority = 'normal' }: { access?: Access, scope?: Scope, longLived?: boolean, priority?: RequestPriority }, summary: string | undefined): RouteFacts {
  const isOpen = access === 'open'
  return {
    method,
    path,
    permission: [access ?? []].flat().join(' or '),
    scope: isOpen ? 'none' : scope,
    // The trial of a webhook is long without being a poll or a stream.
    limit: isOpen ? (priority === 'always' ? 'none' : 'address') : longLived && method === 'GET' ? 'agent, held' : 'agent',
    priority,
    summary: summary ?? null
  }
}

function compare (a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
