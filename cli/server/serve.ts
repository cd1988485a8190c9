import { existsSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join, resolve } from 'node:path'
import { authorityFileOf } from '../../core/config/authority.js'
import { announceSidecar, withdrawAnnouncement } from '../announcement.js'
import { loadConfiguration, type Configuration } from '../configuration.js'
import { sidecarUrl } from '../connect.js'
import { projectIdOf } from '../project-folder.js'
import type { Terminal } from '../terminal.js'
import { goOnWhenUnread } from '../unread-output.js'
import { banner, type StartFacts } from './banner.js'
import { checkPlace, listenError, urlOf } from './address.js'
import { checkExposure } from './exposure.js'
import { boundGarbage } from './heap-growth.js'
import { reloadWith } from './reload.js'
import { installShutdown } from './signals.js'

export interface ServeInput {
  /** By flag name, as text. */
  flags: Record<string, string>
  /** Further configuration file. */
  file?: string
}

/** Starts the sidecar and says where it is. Resolves when it listens; signals end the process. */
export async function serve ({ flags, file }: ServeInput, terminal: Terminal): Promise<void> {
  const shutdown = installShutdown(terminal)
  goOnWhenUnread()
  boundGarbage()
  const config = await loadConfiguration(flags, terminal, file)
  const { settings } = config
  const place = { host: settings.host, port: settings.port }
  const warning = checkExposure(settings)
  await checkPlace(place)

  const { createSidecar } = await import('../../index.js')
  const sidecar = await createSidecar({
    settings,
    project: { id: settings.project_id ?? projectIdOf(config.root), root: config.root },
    projects: config.projects,
    plugins: config.plugins,
    triggers: config.triggers,
    trusted: config.trusted,
    environment: terminal.env
  })
  shutdown.guard(async () => {
    await withdrawAnnouncement(settings.storage)
    await sidecar.close()
  })
  if (shutdown.asked) return
  try {
    await sidecar.app.listen(place)
  } catch (error) {
    if (shutdown.asked) return
    await sidecar.close()
    throw listenError(error, place)
  }
  if (settings.socket !== undefined) {
    try {
      await sidecar.listenOnSocket(settings.socket)
    } catch (error) {
      await sidecar.close()
      throw error
    }
  }
  const { port } = sidecar.app.server.address() as AddressInfo
  await announceSidecar(settings.storage, {
    pid: process.pid,
    url: sidecarUrl(settings, port),
    socket: settings.socket === undefined ? null : resolve(settings.socket),
    ca: authorityFileOf(settings.tls) ?? null
  })
  shutdown.onHangup(reloadWith(settings.tls.cert === undefined ? undefined : () => { sidecar.reloadCertificate() }, sidecar.app.log))
  if (warning !== undefined) sidecar.app.log.warn({ host: settings.host }, warning)
  announce(terminal, settings.log_format, sidecar.app.log, {
    ...sidecar.info,
    url: urlOf(sidecar.app.server.address() as AddressInfo, settings.host, settings.tls.cert !== undefined),
    files: config.files,
    ignored: ignoredOf(config)
  })
}

function ignoredOf (config: Configuration): string[] {
  if (config.trusted) return []
  const triggers = existsSync(join(config.root, '.cco', 'triggers.json')) ? ['triggers.json'] : []
  return [...config.ignored, ...triggers]
}

interface Log { info (details: object, message: string): void, warn (details: object, message: string): void }

/** A banner for people; one log line and a plain one where the output is read by programs. */
function announce (terminal: Terminal, format: string, log: Log, facts: StartFacts): void {
  if (terminal.watched || format !== 'json') {
    terminal.out(banner(facts, terminal.colors))
    return
  }
  const { version, project, url, storage, profiles, plugins, ignored } = facts
  log.info({ version, project, url, storage, profiles, plugins: plugins.map(({ kind, name }) => `${kind}/${name}`) }, 'sidecar started')
  if (ignored.length > 0) log.warn({ ignored }, 'ignored because the project is not trusted; see cco trust')
  terminal.out(`cco-sidecar ${version} listening on ${url}`)
}
