import { Command } from 'commander'
import { addAgent } from './commands/agent.js'
import { addAudit } from './commands/audit.js'
import { addBackup, addRestore } from './commands/backup.js'
import { addContext } from './commands/context.js'
import { addDemo } from './commands/demo.js'
import { addDoctor } from './commands/doctor.js'
import { addEvents } from './commands/events/index.js'
import { addHealth } from './commands/health.js'
import { addKeys } from './commands/keys.js'
import { addPlugin } from './commands/plugin.js'
import { addProfiles } from './commands/profiles.js'
import { addResults } from './commands/results.js'
import { addRoutes } from './commands/routes.js'
import { addSpawner } from './commands/spawner.js'
import { addStart, START_NAMES } from './commands/start.js'
import { addStatus } from './commands/status.js'
import { addToken } from './commands/token.js'
import { addTrust } from './commands/trust.js'
import { addTriggers } from './commands/triggers.js'
import { addUp } from './commands/up.js'
import { addWebhook } from './commands/webhook.js'
import { examples } from './command-line.js'
import { reportFailure } from './failure.js'
import { PACKAGE } from '../core/package-root.js'
import { processTerminal, type Terminal } from './terminal.js'

/** The whole program. The flags of `start` come from the settings' schema, which is loaded only where the arguments mean them. */
export async function createProgram (args: readonly string[], terminal: Terminal): Promise<Command> {
  const program = new Command('cco')
    .description(PACKAGE.description)
    .version(PACKAGE.version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help on a command')
    .exitOverride()
    .showSuggestionAfterError()
    .showHelpAfterError('(add --help for what there is)')
    .configureOutput({
      writeOut: (text) => { terminal.out(text.replace(/\n$/, '')) },
      writeErr: (text) => { terminal.err(text.replace(/\n$/, '')) },
      outputError: (text, write) => { write(text.replace(/^error:/, terminal.colors.red('error:'))) }
    })
  const settings = args.some((word) => START_NAMES.includes(word)) ? (await import('../core/config/settings.js')).SETTING_NAMES : []
  program.commandsGroup('The server:')
  addStart(program, terminal, settings)
  addTrust(program, terminal)
  addRoutes(program, terminal)
  addDoctor(program, terminal)
  addBackup(program, terminal)
  addRestore(program, terminal)
  addAudit(program, terminal)
  addDemo(program, terminal)
  program.commandsGroup('Watch and steer a running sidecar:')
  for (const add of [addHealth, addStatus, addUp, addAgent, addEvents, addWebhook, addTriggers, addResults, addContext, addProfiles, addToken, addKeys]) add(program, terminal)
  program.commandsGroup('Plugins:')
  addPlugin(program, terminal)
  addSpawner(program, terminal)
  program.commandsGroup('Help:').helpCommand('help [command]', 'print help on a command')
  return examples(program,
    'cco start                                   serve the repository you stand in',
    'cco demo                                    watch five agents work on it',
    'cco status                                  what a running sidecar does',
    'cco events subscribe \'*\' --continuous       what happens, as it happens')
}

/** Runs one command and answers the exit code: 0 done, 1 failed, 2 wrong usage. */
export async function run (args: readonly string[], terminal: Terminal = processTerminal()): Promise<number> {
  try {
    const program = await createProgram(args, terminal)
    await program.parseAsync(args, { from: 'user' })
    return 0
  } catch (error) {
    return reportFailure(error, terminal)
  }
}
