import type { Command } from 'commander'
import { examples } from '../command-line.js'
import { confirm } from '../confirm.js'
import { Failure } from '../failure.js'
import { bytes, oneLine, printable } from '../output.js'
import { projectFolder } from '../project-folder.js'
import type { Terminal } from '../terminal.js'

/** `cco trust`: lets a project's own `.cco` folder load plugins, set commands and raise limits. */
export function addTrust (program: Command, terminal: Terminal): void {
  const command = program.command('trust')
    .description('trust what a project brings in its .cco folder')
    .argument('[dir]', 'folder of the project; the repository you stand in by default')
    .option('--yes', 'do not ask')
    .addHelpText('after', '\nUntil then its configuration loads no plugin, sets no command and raises no limit. Trust covers exactly what is\nthere now, with the modules that it names and those that they import: after any change to it trust is asked for again.')
    .action(async (dir: string | undefined, options: { yes?: boolean }) => {
      await trust(projectFolder(dir, terminal.cwd), options.yes === true, terminal)
    })
  examples(command, 'cco trust', 'cco trust ~/code/shop --yes')
}

async function trust (project: string, agreed: boolean, terminal: Terminal): Promise<void> {
  const { inspectTrust, isTrusted, recordTrust } = await import('../../core/config/trust.js')
  const { root, hash, subjects, effects } = await inspectTrust(project)
  if (subjects.length === 0) {
    terminal.out(`${root} brings nothing in .cco that would need trust.`)
    return
  }
  const home = terminal.env.HOME === undefined ? [] : [terminal.env.HOME] as const
  if (await isTrusted(project, ...home)) {
    terminal.out(`${root} is trusted as it is.`)
    return
  }
  terminal.out(`${root} brings:`)
  for (const { path, bytes: size } of subjects) terminal.out(`  ${printable(path)}  ${terminal.colors.dim(bytes(size))}`)
  terminal.out('Trusted, it would')
  for (const effect of effects) terminal.out(`  ${oneLine(effect, 300)}`)
  if (!agreed && !await confirm('Trust it?', 'read the files above and add --yes.', terminal)) throw new Failure('Not trusted; nothing was changed.')
  // What was shown is what gets trusted.
  if ((await inspectTrust(project)).hash !== hash) throw new Failure('The .cco folder changed in the meantime; look again.')
  await recordTrust(project, Date.now(), ...home)
  terminal.out(`${root} is trusted. A running sidecar takes it up when it is started again.`)
}
