import { makeConfiguredPlugins } from './configured-plugins.js'
import { createApp } from './http/app.js'
import { Performance } from './http/performance.js'
import { openAudit } from './audit-start.js'
import type { KeyFacts, Logger } from './contracts/index.js'
import { startError } from './errors.js'
import type { Builtin } from './plugin-host/resolve.js'
import type { ImpliedOptions, SidecarConfig } from './sidecar-config.js'
import { takeStorage } from './storage.js'
import { createTelemetry } from './telemetry-source.js'

/**
 * Lists or rotates the signing keys of a storage that no sidecar uses. Of the plugins only the auth is opened.
 * Rejects with `SIDECAR_ERR_STORAGE_LOCKED` while a sidecar runs: then it is the one to ask.
 */
export async function offlineKeys (act: 'list' | 'rotate', config: SidecarConfig, builtins: readonly Builtin[], implied: ImpliedOptions): Promise<KeyFacts[]> {
  const { settings, clock = Date.now } = config
  const app = await createApp({ ...settings, log_level: 'silent' }, new Performance(), () => false)
  try {
    const log = app.log as Logger
    const plugins = await makeConfiguredPlugins(config, builtins, implied, { app, clock, telemetry: createTelemetry() })
    const auth = plugins.slot('auth')
    if (auth.listKeys === undefined || auth.rotateKeys === undefined) {
      const name = plugins.loaded.find(({ kind }) => kind === 'auth')?.name
      throw startError('SIDECAR_ERR_CONFIG_INVALID', `The auth plugin '${name}' has no signing keys of its own: its tokens come from elsewhere; list and rotate their keys there.`)
    }
    const lock = await takeStorage(settings.storage)
    try {
      if (auth.openKeys === undefined) await auth.open?.()
      else await auth.openKeys()
      if (act === 'list') return await auth.listKeys()
      // Opened first: without a record of it no key is made.
      const audit = await openAudit(settings, clock, log)
      try {
        const keys = await auth.rotateKeys()
        await audit.record({ action: 'key.rotated', outcome: 'success', actor: 'cli', resource: `key/${keys[0]?.kid ?? 'unknown'}`, details: { kids: keys.map(({ kid }) => kid) } })
        return keys
      } finally {
        await audit.close()
      }
    } finally {
      await auth.close?.()
      await lock.release()
    }
  } finally {
    await app.close()
  }
}
