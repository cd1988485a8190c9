import type { Command } from 'commander'
import { examples, wholeNumber } from '../command-line.js'
import { calling, connect, type CallingOptions } from '../connect.js'
import { Failure } from '../failure.js'
import type { Terminal } from '../terminal.js'
import { untilInterrupted } from '../until-interrupted.js'

interface UpCommandOptions extends CallingOptions { task: string, agentType: string, spawner?: string, timeout?: number, correlationId?: string }

/** `cco up`: an issue from its architect to its end, as it happens. */
export function addUp (program: Command, terminal: Terminal): void {
  const command = calling(program.command('up')
    .description('start the architect of an issue and follow all that comes of it')
    .argument('<issue>', 'issue to be worked on')
    .requiredOption('--task <text>', 'what is to be done')
    .option('--agent-type <type>', 'who begins', 'chief-architect')
    .option('--spawner <name>', 'what starts the first agent; else as its profile says')
    .option('--timeout <seconds>', 'how long the first agent may run', wholeNumber(1, 86_400))
    .option('--correlation-id <id>', 'conversation of all events; a new one by default'))
    .addHelpText('after', [
      '',
      'Events, agents and results are printed as they come, until no agent of the flow runs or waits, or Ctrl-C, which ends no agent.',
      'Who follows whom is said by the triggers of the project. Exit code 1 unless all agents completed.',
      'With --format json each event is one line.'
    ].join('\n'))
    .action(async (issue: string, { task, agentType, spawner, timeout, correlationId, ...options }: UpCommandOptions) => {
      const client = await connect(options, terminal)
      const { describeFlow, up } = await import('../up.js')
      const correlation = correlationId ?? `up-${issue}-${Date.now().toString(36)}`
      await untilInterrupted(async (signal) => {
        const agents = await up({ agentType, issue, task, correlation, spawner, timeoutSeconds: timeout, format: options.format }, client, terminal, signal)
        if (options.format === 'human') terminal.out(describeFlow(agents, terminal))
        if (agents.some(({ state }) => state !== 'completed')) throw new Failure('')
      })
    })
  examples(command, 'cco up issue-123 --task "retry failed uploads"', 'cco up issue-123 --task "bound the queue" --agent-type backend-architect --spawner claude-code')
}
