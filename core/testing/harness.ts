import Fastify, { type FastifyInstance } from 'fastify'
import type { AgentProfile } from '../contracts/agent-profile.js'
import type { Clock, Logger } from '../contracts/common.js'
import { startError } from '../errors.js'
import {
  MANIFEST, type PluginContext, type PluginInstances, type PluginKind, type SidecarFacts, type SidecarPlugin, type SlotKind
} from '../plugin-host/define-plugin.js'
import { checkInstance, checkManifest, checkOptions } from '../plugin-host/manifest.js'
import { silentLog } from './log.js'

export interface PluginContextOptions {
  /** A folder that the test made and removes. */
  storage: string
  clock: Clock
  /** Says nothing by default. */
  log?: Logger
  /** By default a Fastify instance of its own, made when it is first asked for; it never listens. */
  app?: FastifyInstance
  /** What `get()` returns. */
  slots?: { [Kind in SlotKind]?: PluginInstances[Kind] }
  /** What `sidecar.profile()` finds, in any project. */
  profiles?: readonly AgentProfile[]
}

/** A context for tests of a single plugin: what the host would give, without a sidecar. */
export function createPluginContext ({ storage, clock, log = silentLog, app, slots = {}, profiles = [] }: PluginContextOptions): PluginContext {
  let instance = app
  return {
    log,
    clock,
    storage,
    get app () { return (instance ??= Fastify({ logger: false })) },
    sidecar: createFacts(profiles),
    get<Kind extends SlotKind> (kind: Kind): PluginInstances[Kind] {
      const slot: PluginInstances[Kind] | undefined = slots[kind]
      if (slot === undefined) throw startError('SIDECAR_ERR_PLUGIN_DEPENDENCY', `The test context holds no '${kind}'; give one in 'slots'.`)
      return slot
    }
  }
}

function createFacts (profiles: readonly AgentProfile[]): SidecarFacts {
  return {
    version: '0.0.0-test',
    profile: (_project, agentType) => profiles.find(({ id }) => id === agentType),
    telemetry: async () => ({
      agents: { active: 0, queued: 0, completed: 0, failed: 0, retried: 0, spawned_total: 0, by_type: {}, avg_execution_time_ms: null, transitions: {}, paused: {}, breakers: {}, spent: {} },
      storage: { context_cache_entries: 0, context_cache_bytes: 0, cache_hits: 0, cache_misses: 0, results_stored: 0, results_bytes: 0, event_bytes: 0 },
      events: {
        total_published: 0, total_delivered: 0, active_subscriptions: 0, queue_depth: 0, dead_letter_queue_size: 0, avg_delivery_time_ms: 0, published_by_topic: {}
      },
      triggers: { events: {}, refused: {}, agents: 0 },
      webhooks: { deliveries: {}, pending: 0 },
      audit: { records: [], write_failures: 0, pending: 0, lost: 0 },
      http: { shed: {}, shedding: 0, queued: 0, rate_limited: {}, http2_sessions: 0 }
    })
  }
}

/**
 * Makes an instance as the host would, not opened: checks the manifest, the options against its schema (defaults are
 * filled in) and what `create` returns. Name the kind for its type: `createFromPlugin<'event-bus'>(…)`.
 * Errors: `SIDECAR_ERR_PLUGIN_MANIFEST`, `_OPTIONS`, `_INSTANCE`, `_DEPENDENCY`, and whatever `create` throws.
 */
export async function createFromPlugin<Kind extends PluginKind> (
  plugin: SidecarPlugin,
  options: Record<string, unknown>,
  context: PluginContext
): Promise<PluginInstances[Kind]> {
  const owner = 'in a test'
  const location = plugin[MANIFEST]?.name ?? 'the plugin under test'
  if (plugin[MANIFEST] === undefined) throw startError('SIDECAR_ERR_PLUGIN_MANIFEST', 'What is tested is no plugin: it must come from definePlugin().')
  const manifest = checkManifest({ plugin, source: 'path', location })
  const instance = await manifest.create(checkOptions(manifest, options, owner), {
    log: context.log,
    clock: context.clock,
    storage: context.storage,
    get app () { return context.app },
    sidecar: context.sidecar,
    get (kind) {
      if (!(manifest.requires ?? []).includes(kind)) {
        throw startError('SIDECAR_ERR_PLUGIN_DEPENDENCY', `Plugin '${manifest.kind}/${manifest.name}' asks for '${kind}' without naming it in its 'requires'.`)
      }
      return context.get(kind)
    }
  })
  return checkInstance(manifest, instance, owner) as PluginInstances[Kind]
}
