import { Option, type Command } from 'commander'
import { describeAgent, describeAgents, type AgentFacts } from '../agent-facts.js'
import { assignment, examples, segment, wholeNumber } from '../command-line.js'
import { calling, connect, type CallingOptions } from '../connect.js'
import { Failure } from '../failure.js'
import { printable, show } from '../output.js'
import type { Terminal } from '../terminal.js'
import { untilInterrupted } from '../until-interrupted.js'
import { waitForEnd } from '../wait-for-end.js'
import { addWork } from './agent-work.js'
import { addWorkspaces } from './agent-workspaces.js'

interface SpawnOptions extends CallingOptions {
  issue: string
  task: string
  project?: string
  needs?: string
  env?: Record<string, string>
  priority?: string
  spawner?: string
  timeout?: number
  correlationId?: string
  round?: number
  workspace?: string
  workspaceBase?: string
  wait?: boolean
}
interface ListOptions extends CallingOptions { status?: string, agentType?: string, issue?: string }
interface StatusOptions extends CallingOptions { watch?: boolean }
interface LogsOptions extends CallingOptions { tail?: number, follow?: boolean }
interface KillOptions extends CallingOptions { force?: boolean, timeout?: number }
interface Spawned { agent_id: string, spawned: boolean, process_id?: number | null, position?: number }

const STATES = ['queued', 'starting', 'running', 'completed', 'failed', 'stopped', 'lost']

/** `cco agent`: starts, watches and stops agents. */
export function addAgent (program: Command, terminal: Terminal): void {
  const group = program.command('agent').description('start, watch and stop agents')
  addSpawn(group, terminal)
  addList(group, terminal)
  addStatus(group, terminal)
  addLogs(group, terminal)
  addKill(group, terminal)
  addRetry(group, terminal)
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
    .option('--project <id>', 'project that it works in, where it is not the caller\'s own')
    .option('--needs <names>', 'a comma list of what its context is to hold instead of what its profile says')
    .option('--env <NAME=value>', 'variable of its environment; may be given more than once', assignment)
    .option('--spawner <name>', 'what starts it, for example claude-code; as its profile or the configuration says by default')
    .addOption(new Option('--priority <priority>', 'place in the queue when all are busy').choices(['low', 'normal', 'high']))
    .option('--timeout <seconds>', 'how long it may run', wholeNumber(1, 86_400))
    .option('--correlation-id <id>', 'conversation that its events belong to')
    .option('--round <n>', 'round of that conversation', wholeNumber(0, 1_000_000))
    .addOption(new Option('--workspace <kind>', 'work in the project itself, or in a working tree of its own').choices(['shared', 'worktree', 'clone']))
    .option('--workspace-base <ref>', 'commit, branch or tag that a working tree of its own begins from')
    .option('--wait', 'wait until it has ended; exit code 1 unless it completed'))
    .action(async (type: string, { wait, ...options }: SpawnOptions) => {
      const client = await connect(options, terminal)
      const spawned = await client.call<Spawned>('POST', '/api/agents/spawn', { body: spawnBody(type, options) })
      if (wait !== true) {
        show(terminal, options.format, spawned, describeSpawned)
        return
      }
      if (options.format === 'human') terminal.err(terminal.colors.dim(`${spawned.agent_id} ${spawned.spawned ? 'runs' : 'is queued'}; waiting until it has ended.`))
      const agent = await waitForEnd(client, spawned.agent_id)
      show(terminal, options.format, agent, describeAgent)
      if (agent.state !== 'completed') throw new Failure('')
    })
  examples(spawn,
    'cco agent spawn python-specialist --issue issue-123 --task "retry failed uploads"',
    'cco agent spawn test-engineer --issue issue-123 --task "cover the retries" --env DEPTH=2 --priority high --wait',
    'cco agent spawn golang-pro --issue issue-123 --task "bound the queue" --spawner claude-code --workspace worktree --timeout 1800')
}

function spawnBody (type: string, options: SpawnOptions): object {
  return {
    agent_type: type,
    issue_id: options.issue,
    task: options.task,
    project_id: options.project,
    context_requirements: options.needs?.split(',').map((need) => need.trim()),
    environment: options.env,
    priority: options.priority,
    spawner: options.spawner,
    timeout_seconds: options.timeout,
    correlation_id: options.correlationId,
    round: options.round,
    workspace: options.workspace,
    workspace_base: options.workspaceBase
  }
}

function describeSpawned ({ agent_id: id, spawned, process_id: pid, position }: Spawned): string {
  if (!spawned) return `${id} is queued${position === undefined ? '' : ` at position ${position}`}.`
  return `${id} runs${typeof pid === 'number' ? ` as process ${pid}` : ''}. Follow it with: cco agent status ${id} --watch`
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

function addStatus (group: Command, terminal: Terminal): void {
  const status = calling(group.command('status')
    .description('what is known of one agent')
    .argument('<id>', 'agent id')
    .option('--watch', 'go on as it changes, until it has ended or Ctrl-C; exit code 1 unless it completed'))
    .addHelpText('after', '\nWith --watch --format json each change is one line.')
    .action(async (id: string, { watch, ...options }: StatusOptions) => {
      const client = await connect(options, terminal)
      if (watch !== true) {
        show(terminal, options.format, await client.call<AgentFacts>('GET', `/api/agents/${segment(id)}/status`), describeAgent)
        return
      }
      const { watchAgent } = await import('../watch-agent.js')
      await untilInterrupted(async (signal) => {
        if ((await watchAgent(id, options.format, client, terminal, signal)).state !== 'completed') throw new Failure('')
      })
    })
  examples(status, 'cco agent status test-engineer-01jd3m0n8q', 'cco agent status test-engineer-01jd3m0n8q --watch')
}

function addLogs (group: Command, terminal: Terminal): void {
  const logs = calling(group.command('logs')
    .description('what an agent has printed')
    .argument('<id>', 'agent id')
    .option('--tail <n>', 'last lines only', wholeNumber(1, 10_000))
    .option('--follow', 'go on as it prints, until it has ended or Ctrl-C'))
    .addHelpText('after', '\nWith --follow --format json each line is a string of its own.')
    .action(async (id: string, { tail, follow, ...options }: LogsOptions) => {
      const client = await connect(options, terminal)
      if (follow === true) {
        const { followLog } = await import('../follow-log.js')
        await untilInterrupted(async (signal) => { await followLog(id, { tail, format: options.format }, client, terminal, signal) })
        return
      }
      const answer = await client.call<{ log: string }>('GET', `/api/agents/${segment(id)}/logs`, { query: { tail } })
      show(terminal, options.format, answer, ({ log }) => printable(log.replace(/\n$/, '')))
    })
  examples(logs, 'cco agent logs test-engineer-01jd3m0n8q --tail 50', 'cco agent logs test-engineer-01jd3m0n8q --follow')
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
  examples(kill, 'cco agent kill test-engineer-01jd3m0n8q', 'cco agent kill test-engineer-01jd3m0n8q --timeout 30')
}

function addRetry (group: Command, terminal: Terminal): void {
  const retry = calling(group.command('retry')
    .description('do the work of an agent that has ended once more, with a new agent')
    .argument('<id>', 'agent id'))
    .action(async (id: string, options: CallingOptions) => {
      const client = await connect(options, terminal)
      show(terminal, options.format, await client.call<Spawned>('POST', `/api/agents/${segment(id)}/retry`), describeSpawned)
    })
  examples(retry, 'cco agent retry test-engineer-01jd3m0n8q')
}
