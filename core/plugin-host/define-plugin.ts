import fp from 'fastify-plugin'
import type { FastifyInstance, FastifyPluginAsync } from 'fastify'
import type { Static, TSchema } from 'typebox'
import type {
  AgentProfile, Auth, Clock, ContextCache, ContextStrategy, EventBus, HttpExtension, Logger, ResultStore, Spawner
} from '../contracts/index.js'
import type { Telemetry } from '../telemetry.js'

/** The instance that each kind of plugin makes. */
export interface PluginInstances {
  auth: Auth
  'event-bus': EventBus
  'context-strategy': ContextStrategy
  'context-cache': ContextCache
  'result-store': ResultStore
  spawner: Spawner
  http: HttpExtension
}

export type PluginKind = keyof PluginInstances

/** What a plugin may ask of the sidecar it runs in. */
export interface SidecarFacts {
  readonly version: string
  telemetry (): Promise<Telemetry>
  profile (project: string, agentType: string): AgentProfile | undefined
}

export interface PluginContext {
  log: Logger
  clock: Clock
  /** The storage folder, 0700. A plugin keeps to a sub-folder that bears its kind or name. */
  storage: string
  /** The root Fastify instance, for plugins that wrap a Fastify plugin. */
  app: FastifyInstance
  sidecar: SidecarFacts
  /** The plugin in a one-of slot; its kind must stand in `requires`. */
  get<Kind extends SlotKind> (kind: Kind): PluginInstances[Kind]
}

export type SlotKind = 'auth' | 'event-bus' | 'context-cache' | 'result-store'

export interface PluginManifest<Kind extends PluginKind = PluginKind, Options extends TSchema = TSchema> {
  kind: Kind
  /** Unique within its kind; lower case, `-` between words. */
  name: string
  description?: string
  /** Schema of the options, a TypeBox or JSON Schema object; none are taken without it. */
  options?: Options
  /** Kinds that must be open before this one. */
  requires?: PluginKind[]
  create (options: Static<Options>, context: PluginContext): PluginInstances[Kind] | Promise<PluginInstances[Kind]>
}

/** What the host gives to a plugin when it registers it. */
export interface Handoff {
  options: unknown
  context: PluginContext
  provide (instance: object): void
}

// Registered, so that a plugin built against another copy of the package is recognised.
export const MANIFEST = Symbol.for('cco-sidecar.plugin-manifest')

export type SidecarPlugin = FastifyPluginAsync<Handoff> & { [MANIFEST]: PluginManifest }

/** Makes a Fastify plugin of a manifest. The factory, `create`, knows nothing of Fastify and can be tested alone. */
export function definePlugin<Kind extends PluginKind, Options extends TSchema> (
  manifest: PluginManifest<Kind, Options>
): SidecarPlugin {
  const plugin: FastifyPluginAsync<Handoff> = async (_app, { options, context, provide }) => {
    provide(await manifest.create(options as Static<Options>, context))
  }
  const wrapped = fp(plugin, { name: `${manifest.kind}/${manifest.name}`, fastify: '5.x' })
  return Object.assign(wrapped, { [MANIFEST]: manifest as unknown as PluginManifest })
}
