import { agentEnvironment, createSidecar as create, type Sidecar } from './core/sidecar.js'
import type { SidecarConfig } from './core/sidecar-config.js'
import type { Settings } from './core/config/settings.js'
import type { KeyFacts } from './core/contracts/index.js'
import { offlineKeys as keysOffline } from './core/offline-keys.js'
import { listRoutes as list, type RouteFacts } from './core/route-list.js'
import { BUILTINS } from './plugins/builtins.js'

export type { RouteFacts } from './core/route-list.js'
export { offlineTrust } from './core/offline-trust.js'
export { loadConfig, type LoadedConfig } from './core/config/load.js'
export type { Settings } from './core/config/settings.js'
export { API_ERRORS, START_ERRORS, SidecarError, codeOf, type ApiErrorCode, type StartErrorCode } from './core/errors.js'
export type { Sidecar, SidecarInfo } from './core/sidecar.js'
export type { SidecarConfig } from './core/sidecar-config.js'
export type * from './core/contracts/index.js'

/** Options of built-in plugins that the settings decide. */
function impliedOptions (settings: Settings): Record<string, Record<string, unknown>> {
  const retention = {
    retentionHours: settings.events.retention_hours,
    retentionCount: settings.events.retention_count,
    retentionMb: settings.events.retention_mb
  }
  return {
    'auth/jwt': { chainSeconds: settings.auth.chain_seconds },
    'auth/jwks': { chainSeconds: settings.auth.chain_seconds },
    'event-bus/journal': retention,
    'event-bus/memory': retention,
    'context-cache/memory': { maxBytes: settings.cache_size_mb * 1024 * 1024 },
    'spawner/process': settings.spawn.command === undefined ? {} : { command: settings.spawn.command },
    'http/rate-limit': { enabled: settings.rate_limit.enabled, projectPerMinute: settings.rate_limit.project_per_minute, addressPerMinute: settings.rate_limit.address_per_minute },
    'http/overload': {
      enabled: settings.overload.enabled,
      loopDelayMs: settings.overload.loop_delay_ms,
      heapPercent: settings.overload.heap_percent,
      perTurn: settings.overload.per_turn,
      maxQueue: settings.overload.max_queue,
      queueSeconds: settings.overload.queue_seconds,
      retryAfterSeconds: settings.overload.retry_after_seconds
    },
    'http/cors': { origins: settings.cors.origins, loopback: settings.cors.loopback }
  }
}

/** A sidecar with the built-in plugins at hand; the configuration adds to and replaces them. */
export async function createSidecar (config: SidecarConfig): Promise<Sidecar> {
  return await create(config, BUILTINS, impliedOptions)
}

/** What routes a sidecar of this configuration has, and what each asks for; starts none. */
export async function listRoutes (config: SidecarConfig): Promise<RouteFacts[]> {
  return await list(config, BUILTINS, impliedOptions)
}

/** Lists or rotates the signing keys of a storage that no sidecar uses. */
export async function offlineKeys (act: 'list' | 'rotate', config: SidecarConfig): Promise<KeyFacts[]> {
  return await keysOffline(act, config, BUILTINS, impliedOptions)
}

/** What `cco spawner` needs: the spawners that ship, the options that the settings imply for them, and what their agents would see. */
export const SPAWNERS = { builtins: BUILTINS.filter(({ kind }) => kind === 'spawner'), impliedOptions, agentEnvironment }
