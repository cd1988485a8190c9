import { resolve } from 'node:path'
import type { Command } from 'commander'
import type { Trust } from '../../core/config/trust.js'
import type { Logger } from '../../core/contracts/index.js'
import { codeOf } from '../../core/errors.js'
import { examples } from '../command-line.js'
import { loadConfiguration } from '../configuration.js'
import { confirm } from '../confirm.js'
import { addressing, connect, type AddressingOptions } from '../connect.js'
import { Failure } from '../failure.js'
import { bytes, oneLine, printable } from '../output.js'
import { projectFolder, projectIdOf } from '../project-folder.js'
import type { Terminal } from '../terminal.js'

interface TrustOptions extends AddressingOptions { yes?: boolean }

/** `cco trust`: lets a project's own `.cco` folder load plugins, set commands and raise limits. */
export function addTrust (program: Command, terminal: Terminal): void {
  const command = addressing(program.command('trust')
    .description('trust what a project brings in its .cco folder')
    .argument('[dir]', 'folder of the project; the repository you stand in by default')
    .option('--yes', 'do not ask'))
    .addHelpText('after', '\nUntil then its configuration loads no plugin, sets no command and raises no limit. Trust covers exactly what is\nthere now, with the modules that it names and those that they import: after any change to it trust is asked for again.\nThe decision is recorded in the audit log, by the sidecar where one runs.')
    .action(async (dir: string | undefined, options: TrustOptions) => {
      await trust(projectFolder(dir, terminal.cwd), options, terminal)
    })
  examples(command, 'cco trust', 'cco trust ~/projects/shop --yes')
}

async function trust (project: string, options: TrustOptions, terminal: Terminal): Promise<void> {
  const { inspectTrust, isTrusted } = await import('../../core/config/trust.js')
  const shown = await inspectTrust(project)
  const { root, subjects, effects } = shown
  if (subjects.length === 0) {
    terminal.out(`${root} brings nothing in .cco that would need trust.`)
    return
  }
  if (await isTrusted(project, terminal.env.HOME)) {
    terminal.out(`${root} is trusted as it is.`)
    return
  }
  terminal.out(`${root} brings:`)
  for (const { path, bytes: size } of subjects) terminal.out(`  ${printable(path)}  ${terminal.colors.dim(bytes(size))}`)
  terminal.out(effects.length === 0 ? 'Trusted, it would do no more than it does now.' : 'Trusted, it would')
  for (const effect of effects) terminal.out(`  ${oneLine(effect, 300)}`)
  if (options.yes !== true && !await confirm('Trust it?', 'read the files above and add --yes.', terminal)) throw new Failure('Not trusted; nothing was changed.')
  // What was shown is what gets trusted.
  if ((await inspectTrust(project)).hash !== shown.hash) throw new Failure('The .cco folder changed in the meantime; look again.')
  await record(shown, options, terminal)
  terminal.out(`${root} is trusted. A running sidecar takes it up when it is started again.`)
}

/** Of a port, and of a socket. */
const UNREACHED: ReadonlySet<string | undefined> = new Set(['ECONNREFUSED', 'ENOENT'])

/** First in the audit log, which has one writer: the sidecar that uses the storage, or this program where there is none. */
async function record (trust: Trust, options: TrustOptions, terminal: Terminal): Promise<void> {
  const place = options.storage === undefined ? {} : { storage: resolve(terminal.cwd, options.storage) }
  const { settings } = await loadConfiguration({ project: trust.root, ...place }, terminal)
  const id = settings.project_id ?? projectIdOf(trust.root)
  if (options.url === undefined && options.token === undefined) {
    const { offlineTrust } = await import('../../index.js')
    try {
      await offlineTrust({ id, trust, settings, home: terminal.env.HOME, clock: Date.now, log: warningsOn(terminal) })
      return
    } catch (error) {
      if (codeOf(error) !== 'SIDECAR_ERR_STORAGE_LOCKED') throw error
    }
  }
  const client = await connect({ ...options, ...place }, { ...terminal, cwd: trust.root })
  try {
    await client.call('POST', '/api/trust', { body: { project_id: id, root: trust.root, hash: trust.hash } })
  } catch (error) {
    if (!(error instanceof Failure) || !UNREACHED.has(error.code)) throw error
    throw new Failure(`Not trusted: the sidecar that uses ${settings.storage} has to record it, and none answers at ${client.url}; name its --port or --url, or stop it.`, { code: error.code, cause: error })
  }
  const { recordTrust } = await import('../../core/config/trust.js')
  await recordTrust(trust, Date.now(), terminal.env.HOME)
}

function warningsOn (terminal: Terminal): Logger {
  const tell = (_details: object, message = ''): void => { terminal.err(`${terminal.colors.yellow('warning:')} ${message}`) }
  return { debug () {}, info () {}, warn: tell, error: tell }
}
