import type { Command } from 'commander'
import { examples, wholeNumber } from '../command-line.js'
import { withFormat } from '../connect.js'
import type { Format } from '../output.js'
import { projectFolder } from '../project-folder.js'
import type { Terminal } from '../terminal.js'

interface DemoOptions { project?: string, keep?: boolean, timeout: number, format: Format }

/** `cco demo`: the whole flow with five example agents, on any repository. */
export function addDemo (program: Command, terminal: Terminal): void {
  const command = withFormat(program.command('demo')
    .description('watch five example agents work on a repository, which is left untouched')
    .option('--project <dir>', 'folder of the repository; the one you stand in by default')
    .option('--keep', 'keep the storage folder, to look at what was written')
    .option('--timeout <seconds>', 'how long it may take in all', wholeNumber(1, 86_400), 300))
    .addHelpText('after', '\nStarts a sidecar of its own on a free port with a temporary storage folder, and five agents as processes that\ntalk to it over HTTP. Ends with 0 when all five completed and every result and event is in the store.')
    .action(async (options: DemoOptions) => {
      const { runDemo } = await import('../demo/run.js')
      await runDemo({
        root: projectFolder(options.project, terminal.cwd),
        keep: options.keep === true,
        timeoutMs: options.timeout * 1000,
        format: options.format
      }, terminal)
    })
  examples(command, 'cco demo', 'cco demo --project ~/projects/shop --format json')
}
