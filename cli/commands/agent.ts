import { Option, type Command } from 'commander'
import { describeAgent, describeAgents, type AgentFacts } from '../agent-facts.js'
import { assignment, examples, segment, wholeNumber } from '../command-line.js'
import { calling, connect, type CallingOptions } from '../connect.js'
import { Failure } from '../failure.js'
import { printable, show } from '../output.js'
import type { Terminal } from '../terminal.js'
import { waitForEnd } from '../wait-for-end.js'
import { addWork } from './agent-work.js'
import { addWorkspaces } from './agent-workspaces.js'

interface SpawnOptions extends CallingOptions { issue: string, task: string, env?: Record<string, string>, priority?: string, workspace?: string, workspaceBase?: string, spawner?: string, wait?: boolean }
interface ListOptions extends CallingOptions { status?: string, agentType?: string, issue?: string }
interface LogsOptions extends CallingOptions { tail?: number }
interface KillOptions extends CallingOptions { force?: boolean, timeout?: number }
interface Spawned { agent_id: string, spawned: boolean, process_id?: number | null, position?: number }

const STATES = ['queued', 'starting', 'running', 'completed', 'failed', 'stopped', 'lost']

/** `cco agent`: starts, watches and stops agents. */
export function addAgent (program: Command, terminal: Terminal): void {
  const group = program.command('agent').description('start, watch and stop agents')
  addSpawn(group, terminal)
  addList(group, terminal)
  const status = calling(group.command('status').description('what is known of one agent').argument('<id>', 'agent id'))
    .action(async (id: string, options: CallingOptions) => {
      const client = await connect(options, terminal)
      show(terminal, options.format, await client.call<AgentFacts>('GET', `/api/agents/${segment(id)}/status`), describeAgent)
    })
  examples(status, 'cco agent status test-engineer-01JD3M0N8Q')
  addLogs(group, terminal)
  addKill(group, terminal)
  addWorkspaces(group, terminal)
  addWork(group, terminal)
  examples(group, 'cco agent list --status running', 'cco agent spawn test-engineer --issue issue-123 --task "cover the upload retries"')
}

function addSpawn (group: Command, terminal: Terminal): void {
  const spawn = calling(group.command('spawn')
    .description('start an agent')
    .argument('<type>', 'agent type, for example python-specialist')
    .requiredOption('--issue <id>', 'issue it works on')
    .requiredOption('--task <text>', 'what it is to do')
    .option('--env <NAME=value>', 'variable of its environment; may be given more than once', assignment)
    .option('--spawner <name>', 'what starts it, for example claude-code; as its profile or the configuration says by default')
    .addOption(new Option('--priority <priority>', 'place in the queue when all are busy').choices(['low', 'normal', 'high']))
    .addOption(new Option('--workspace <kind>', 'work in the project itself, or in a working tree of its own').choices(['shared', 'worktree', 'clone']))
    .option('--workspace-base <ref>', 'commit, branch or tag that a working tree of its own begins from')
    .option('--wait', 'wait until it has ended; exit code 1 unless it completed'))
    .action(async (type: string, { issue, task, env, priority, workspace, workspaceBase, spawner, wait, ...options }: SpawnOptions) => {
      const client = await connect(options, terminal)
      const spawned = await client.call<Spawned>('POST', '/api/agents/spawn', {
        body: { agent_type: type, issue_id: issue, task, environment: env, priority, workspace, workspace_base: workspaceBase, spawner }
      })
      if (wait !== true) {
        show(terminal, options.format, spawned, ({ agent_id: id, process_id: pid, position }) => spawned.spawned
          ? `${id} runs${typeof pid === 'number' ? ` as process ${pid}` : ''}. Follow it with: cco agent status ${id}`
          : `${id} is queued${position === undefined ? '' : ` at position ${position}`}.`)
        return
      }
      if (options.format === 'human') terminal.err(terminal.colors.dim(`${spawned.agent_id} ${spawned.spawned ? 'runs' : 'is queued'}; waiting until it has ended.`))
      const agent = await waitForEnd(client, spawned.agent_id)
      show(terminal, options.format, agent, describeAgent)
      if (agent.state !== 'completed') throw new Failure('')
    })
  examples(spawn,
    'cco agent spawn python-specialist --issue issue-123 --task "retry failed uploads"',
    'cco agent spawn test-engineer --issue issue-123 --task "cover the retries" --env DEPTH=2 --priority high --wait')
}

function addList (group: Command, terminal: Terminal): void {
  const list = calling(group.command('list')
    .description('agents as far as they are known')
    .addOption(new Option('--status <state>', 'in one state').choices(STATES))
    .option('--agent-type <type>', 'of one type')
    .option('--issue <id>', 'that work on one issue'))
    .action(async (options: ListOptions) => {
      const client = await connect(options, terminal)
      const answer = await client.call<{ agents: AgentFacts[] }>('GET', '/api/agents', {
        query: { status: options.status, agent_type: options.agentType, issue_id: options.issue }
      })
      show(terminal, options.format, answer, ({ agents }, colors) => agents.length === 0 ? 'No agents.' : describeAgents(agents, colors))
    })
  examples(list, 'cco agent list', 'cco agent list --issue issue-123 --status running')
}

function addLogs (group: Command, terminal: Terminal): void {
  const logs = calling(group.command('logs')
    .description('what an agent has printed')
    .argument('<id>', 'agent id')
    .option('--tail <n>', 'last lines only', wholeNumber(1, 10_000)))
    .action(async (id: string, options: LogsOptions) => {
      const client = await connect(options, terminal)
      const answer = await client.call<{ log: string }>('GET', `/api/agents/${segment(id)}/logs`, { query: { tail: options.tail } })
      show(terminal, options.format, answer, ({ log }) => printable(log.replace(/\n$/, '')))
    })
  examples(logs, 'cco agent logs test-engineer-01JD3M0N8Q --tail 50')
}

function addKill (group: Command, terminal: Terminal): void {
  const kill = calling(group.command('kill')
    .description('stop an agent: TERM, then KILL')
    .argument('<id>', 'agent id')
    .option('--force', 'KILL at once')
    .option('--timeout <seconds>', 'how long it may take after TERM', wholeNumber(0, 300)))
    .action(async (id: string, { force, timeout, ...options }: KillOptions) => {
      const client = await connect(options, terminal)
      const answer = await client.call<AgentFacts>('DELETE', `/api/agents/${segment(id)}`, {
        query: { force, timeout_seconds: timeout },
        timeoutMs: 30_000 + (timeout ?? 30) * 1000
      })
      show(terminal, options.format, answer, ({ state }) => state === 'stopped' ? `${id} is stopped.` : `${id} had ended already: ${state}.`)
    })
  examples(kill, 'cco agent kill test-engineer-01JD3M0N8Q', 'cco agent kill test-engineer-01JD3M0N8Q --timeout 30')
}
