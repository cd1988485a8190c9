import { definePlugin, Type, type LaunchRequest, type Static } from '../../core/plugin-api.js'
import { writeForAgent } from './shared/agent-folder.js'
import { cliOptions, MCP_NAME, modelArguments, rightsOf, START_SECONDS, TOKEN_VARIABLE } from './shared/cli-options.js'
import { createCliSpawner } from './shared/cli-spawner.js'
import { membersOf, numberOf, textOf, type Event } from './shared/json-lines.js'
import type { Launch } from './shared/launch-script.js'
import { messageFor, NO_USAGE, shorten, tellLimit, type Session, type SessionOptions } from './shared/session.js'
import { promptAndTask } from './shared/task-text.js'

/** Keys of the model's host, which a command that the agent runs has no need of. */
const HOST_KEYS = ['OPENAI_API_KEY', 'CODEX_API_KEY']

const options = cliOptions('codex', {}, {
  network: Type.Boolean({ default: false, description: 'Whether commands that the agent runs may use the network; without it they cannot call the sidecar either.' })
})

/** Runs Codex without a terminal, in its sandbox. */
export function prepareCodex ({ network, mcpUrl, ...common }: Static<typeof options>) {
  return async (request: LaunchRequest): Promise<Omit<Launch, 'program'>> => {
    const rights = rightsOf(request)
    const mayCall = network && rights.run
    const settings = [
      ...(mayCall ? ['sandbox_workspace_write.network_access=true', `shell_environment_policy.exclude=${JSON.stringify(HOST_KEYS)}`, 'shell_environment_policy.ignore_default_excludes=true'] : []),
      ...(mcpUrl === ''
        ? []
        : [`mcp_servers.${MCP_NAME}.url=${JSON.stringify(mcpUrl)}`, `mcp_servers.${MCP_NAME}.bearer_token_env_var="${TOKEN_VARIABLE}"`, `mcp_servers.${MCP_NAME}.required=true`])
    ]
    return {
      args: [
        'exec', '--json', '--ephemeral', '--skip-git-repo-check',
        '-s', rights.change || rights.run ? 'workspace-write' : 'read-only',
        ...modelArguments('-m', { ...common, mcpUrl }, request),
        ...settings.flatMap((setting) => ['-c', setting]),
        // The prompt is what stands on standard input.
        '-'
      ],
      input: await writeForAgent(request, 'task.md', promptAndTask(request, { calls: mayCall }))
    }
  }
}

/** The events of `codex exec --json`. */
export function codexSession (options: SessionOptions): Session {
  const { tell } = options
  let lastMessage = ''
  let lastError: string | undefined
  let done = false
  const finish = (status: 'success' | 'failed', text: string): void => {
    done = true
    tell({ kind: 'result', status, text: shorten(text) })
  }
  const readers: Record<string, (event: Event) => void> = {
    'turn.started': () => { done = false },
    'item.started': (event) => tellItem(event),
    'item.completed': (event) => {
      const item = membersOf(event, 'item')
      if (textOf(item, 'type') === 'agent_message') lastMessage = textOf(item, 'text') ?? ''
      // What was announced when it began is not told again.
      if (textOf(item, 'type') === 'file_change') tellItem(event)
    },
    'turn.completed': (event) => {
      const usage = membersOf(event, 'usage')
      const [input, cached] = [numberOf(usage, 'input_tokens'), numberOf(usage, 'cached_input_tokens')]
      // Totals of the whole session; those that were cached are among the input.
      tell({ kind: 'usage', usage: { ...NO_USAGE, input_tokens: input === null ? null : Math.max(0, input - (cached ?? 0)), output_tokens: numberOf(usage, 'output_tokens'), cached_tokens: cached } })
      finish('success', lastMessage)
    },
    'turn.failed': (event) => {
      const message = textOf(membersOf(event, 'error'), 'message') ?? lastError ?? 'the turn failed'
      tellLimit(options, message)
      finish('failed', message)
    },
    // Most of them it gets over: what counts is how the turn ends.
    error: (event) => {
      lastError = textOf(event, 'message') ?? 'an error without a message'
      tellLimit(options, lastError)
      tell({ kind: 'progress', message: messageFor(lastError) })
    }
  }
  const tellItem = (event: Event): void => {
    const item = membersOf(event, 'item')
    const type = textOf(item, 'type')
    if (type === 'command_execution') tell({ kind: 'progress', message: 'runs a command' })
    else if (type === 'mcp_tool_call') tell({ kind: 'progress', message: messageFor(`uses ${textOf(item, 'server') ?? '?'}.${textOf(item, 'tool') ?? '?'}`) })
    else if (type === 'file_change') tell({ kind: 'progress', message: 'changes files' })
    else if (type === 'web_search') tell({ kind: 'progress', message: 'searches the web' })
  }
  return {
    get done () { return done },
    read (event) {
      if (Object.hasOwn(readers, event.type)) readers[event.type]!(event)
    },
    end () {
      if (!done && lastError !== undefined) finish('failed', lastError)
    }
  }
}

export default definePlugin({
  kind: 'spawner',
  name: 'codex',
  description: 'Runs Codex for each agent',
  options,
  create: (options, context) => createCliSpawner({ prepare: prepareCodex(options), session: codexSession, firstSignSeconds: START_SECONDS }, options, context)
})
