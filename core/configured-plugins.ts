import type { FastifyInstance } from 'fastify'
import type { Clock, Logger } from './contracts/index.js'
import { VERSION } from './package-root.js'
import { makePlugins, type HostOptions, type Plugins } from './plugin-host/host.js'
import type { Builtin } from './plugin-host/resolve.js'
import type { ImpliedOptions, SidecarConfig } from './sidecar-config.js'
import type { createTelemetry } from './telemetry-source.js'

/** The plugins of a configuration, made and not opened. Without `profile` they know of no agent types. */
export async function makeConfiguredPlugins ({ settings, plugins }: SidecarConfig, builtins: readonly Builtin[], implied: ImpliedOptions, { app, clock, telemetry, profile = () => undefined }: {
  app: FastifyInstance
  clock: Clock
  telemetry: ReturnType<typeof createTelemetry>
  profile?: HostOptions['sidecar']['profile']
}): Promise<Plugins> {
  return await makePlugins({
    app,
    builtins,
    requests: plugins,
    implied: implied(settings),
    log: app.log as Logger,
    clock,
    storage: settings.storage,
    sidecar: { version: VERSION, telemetry: telemetry.read, profile }
  })
}
