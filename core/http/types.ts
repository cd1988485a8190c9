import type { FastifyBaseLogger, FastifyInstance, RawReplyDefaultExpression, RawRequestDefaultExpression, RawServerDefault } from 'fastify'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { AuditAction, AuditLog, Auth, Claims, ContextCache, EventBus, Logger, Permission, ResultStore } from '../contracts/index.js'
import type { Settings } from '../config/settings.js'
import type { ContextService } from '../context/context.js'
import type { Events } from '../events/events.js'
import type { Webhooks } from '../events/webhooks/webhooks.js'
import type { Fleet } from '../fleet/fleet.js'
import type { Triggers } from '../fleet/triggers/engine.js'
import type { Workspaces } from '../fleet/workspaces/workspaces.js'
import type { LoadedPlugin } from '../plugin-host/host.js'
import type { Projects } from '../project/projects.js'
import type { Results } from '../results/results.js'
import type { Telemetry } from '../telemetry.js'
import type { Act } from './audit.js'
import type { Performance } from './performance.js'

/**
 * Who may call a route: `open` to all, `any` valid token, a permission, or `loopback`: any valid token,
 * and direct loopback connections without one where the settings allow it.
 */
export type Access = 'open' | 'any' | 'loopback' | Permission | readonly Permission[]

/** How far a route reaches: the caller's own things, those of its project, or all that the sidecar holds. */
export type Scope = 'agent' | 'project' | 'sidecar'

/**
 * What goes first when there is more to do than can be done: `low` is what can be asked again at no cost (contexts, lists, history), then `normal`,
 * waits among them, and last `high`: what carries work (publishes, acknowledgements, results, signs of life). `always` is never refused for load.
 */
export type RequestPriority = 'low' | 'normal' | 'high' | 'always'

declare module 'fastify' {
  interface FastifyRequest {
    /** Who calls; `null` on open routes. */
    caller: Claims | null
    /** What a route did, for the audit log. */
    act: Act | null
  }
  interface FastifySchema {
    summary?: string
    tags?: readonly string[]
  }
  interface FastifyContextConfig {
    access?: Access
    /** `project` where a route says nothing: that is the bound which stores, bus and cache hold to by themselves. */
    scope?: Scope
    /** The act that the route is, recorded in the audit log. Whatever changes who may do what, starts, ends or throws away something has one. */
    audit?: AuditAction
    /** Long polls and streams: neither counted as response time nor ended by a request time-out. */
    longLived?: boolean
    /** Where it is left out, what only reads is `low`, and all else `normal`. */
    priority?: RequestPriority
    /** Code of a body that does not fit; `VAL_001` by default. */
    invalidBody?: 'VAL_001' | 'EVT_002'
  }
}

export type App = FastifyInstance<RawServerDefault, RawRequestDefaultExpression, RawReplyDefaultExpression, FastifyBaseLogger, TypeBoxTypeProvider>

/** What the routes are made of. */
export interface Services {
  version: string
  settings: Settings
  auth: Auth
  audit: AuditLog
  bus: EventBus
  store: ResultStore
  cache: ContextCache
  projects: Projects
  context: ContextService
  events: Events
  webhooks: Webhooks
  results: Results
  fleet: Fleet
  triggers: Triggers
  workspaces: Workspaces
  performance: Performance
  plugins: readonly LoadedPlugin[]
  telemetry (): Promise<Telemetry>
  /** Whether what tells of the load should not wait behind it. */
  isBusy (): boolean
  log: Logger
  clock (): number
}
