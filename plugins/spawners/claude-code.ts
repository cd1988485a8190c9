import { randomUUID } from 'node:crypto'
import { definePlugin, Type, type AgentUsage, type LaunchRequest, type Static } from '../../core/plugin-api.js'
import { writeForAgent } from './shared/agent-folder.js'
import { cliOptions, MCP_NAME, modelArguments, rightsOf, START_SECONDS, TOKEN_VARIABLE } from './shared/cli-options.js'
import { createCliSpawner } from './shared/cli-spawner.js'
import { listOf, membersOf, numberOf, textOf, type Event } from './shared/json-lines.js'
import type { Launch } from './shared/launch-script.js'
import { messageFor, NO_USAGE, plus, shorten, toolMessage, type Session, type SessionOptions } from './shared/session.js'
import { taskText } from './shared/task-text.js'

/** An MCP call may wait for events, which takes up to two minutes each. */
const MCP_TIMEOUT_MS = 600_000
/** Messages whose usage may still grow: those of the agent and of its own sub-agents that are being written. */
const OPEN_MESSAGES = 64
/** Answers of the model's host that say "later". */
const LIMIT_STATUSES = [429, 529]

const options = cliOptions('claude', { opus: 'opus', sonnet: 'sonnet', haiku: 'haiku' }, {
  permissionMode: Type.String({ default: 'dontAsk', description: 'What the CLI does about a tool that the profile does not list: `dontAsk` refuses it.' }),
  repositorySettings: Type.Boolean({ default: false, description: 'Whether the settings, hooks and MCP servers that the repository brings apply.' })
})

/** Runs Claude Code without a terminal, and reads its events. */
export function prepareClaude ({ permissionMode, repositorySettings, mcpUrl, ...common }: Static<typeof options>) {
  return async (request: LaunchRequest): Promise<Omit<Launch, 'program'>> => {
    const servers = mcpUrl === ''
      ? {}
      : { [MCP_NAME]: { type: 'http', url: mcpUrl, headers: { Authorization: `Bearer \${${TOKEN_VARIABLE}}` }, timeout: MCP_TIMEOUT_MS } }
    const mcp = await writeForAgent(request, 'mcp.json', { mcpServers: servers })
    const settings = await writeForAgent(request, 'settings.json', repositorySettings ? {} : { disableAllHooks: true })
    const prompt = await writeForAgent(request, 'system-prompt.md', request.prompt)
    const input = await writeForAgent(request, 'task.md', taskText(request, { calls: rightsOf(request).run }))
    const tools = [...request.tools, ...(mcpUrl === '' ? [] : [`mcp__${MCP_NAME}__*`])]
    return {
      args: [
        '-p', '--output-format', 'stream-json', '--verbose',
        '--session-id', randomUUID(),
        '--mcp-config', mcp, ...(repositorySettings ? [] : ['--strict-mcp-config', '--setting-sources', 'user']),
        '--settings', settings,
        '--permission-mode', permissionMode,
        ...(tools.length === 0 ? [] : ['--allowedTools', tools.join(',')]),
        '--append-system-prompt-file', prompt,
        ...modelArguments('--model', { ...common, mcpUrl }, request),
        ...(request.max_turns === undefined ? [] : ['--max-turns', String(request.max_turns)]),
        ...(request.max_cost_usd === undefined ? [] : ['--max-budget-usd', String(request.max_cost_usd)])
      ],
      // Set where the sidecar was itself started by such an agent; the CLI would refuse to run in another one.
      unset: ['CLAUDECODE'],
      input
    }
  }
}

/** The events of `--output-format stream-json`. */
export function claudeSession (options: SessionOptions): Session {
  const { tell, now } = options
  const counted = createUsage()
  let done = false
  const readers: Record<string, (event: Event) => void> = {
    system (event) {
      const subtype = textOf(event, 'subtype')
      if (subtype === 'init') {
        tell({ kind: 'progress', message: messageFor(`session with ${textOf(event, 'model') ?? 'a model that is not named'}`) })
        const failed = listOf(event, 'mcp_servers').filter((server) => textOf(server, 'status') === 'failed').map((server) => textOf(server, 'name') ?? '?')
        if (failed.length > 0) tell({ kind: 'progress', message: messageFor(`MCP server not reached: ${failed.join(', ')}`) })
      } else if (subtype === 'api_retry') {
        const wait = numberOf(event, 'retry_delay_ms')
        const limited = LIMIT_STATUSES.includes(numberOf(event, 'error_status') ?? 0)
        if (limited) tell({ kind: 'rate_limited', until: wait === null ? null : Math.round(now() + wait) })
        else tell({ kind: 'progress', message: messageFor(`asks its model again, attempt ${numberOf(event, 'attempt') ?? '?'} of ${numberOf(event, 'max_retries') ?? '?'}`) })
      }
    },
    rate_limit_event (event) {
      const info = membersOf(event, 'rate_limit_info')
      if (textOf(info, 'status') !== 'rejected') return
      const seconds = numberOf(info, 'resetsAt')
      tell({ kind: 'rate_limited', until: seconds === null ? null : seconds * 1000 })
    },
    assistant (event) {
      const message = membersOf(event, 'message')
      for (const part of listOf(message, 'content')) {
        if (textOf(part, 'type') === 'tool_use') tell({ kind: 'progress', message: toolMessage(textOf(part, 'name') ?? 'a tool', membersOf(part, 'input')) })
      }
      if (counted.add(textOf(message, 'id'), message)) tell({ kind: 'usage', usage: counted.total() })
    },
    result (event) {
      done = true
      tell({ kind: 'usage', usage: counted.final(event) })
      // `subtype` said "success" for a session that had failed, so only `is_error` counts.
      const success = event.is_error === false
      const text = textOf(event, 'result') ?? errorsOf(event) ?? textOf(event, 'subtype') ?? ''
      tell({ kind: 'result', status: success ? 'success' : 'failed', text: shorten(text) })
    }
  }
  return {
    get done () { return done },
    read (event) {
      if (Object.hasOwn(readers, event.type)) readers[event.type]!(event)
    }
  }
}

function errorsOf (event: Event): string | undefined {
  const errors = Array.isArray(event.errors) ? event.errors.filter((error) => typeof error === 'string') : []
  return errors.length === 0 ? undefined : errors.join('; ')
}

/** Tokens as the messages tell them: the same message comes several times, each time with what it has used so far. */
function createUsage () {
  let total: AgentUsage = NO_USAGE
  const open = new Map<string, AgentUsage>()
  return {
    total: () => total,
    add (id: string | undefined, message: Readonly<Record<string, unknown>>): boolean {
      if (id === undefined || !Object.hasOwn(message, 'usage')) return false
      const [before, now] = [open.get(id), { ...tokensOf(membersOf(message, 'usage')), cost_usd: null, turns: 1 }]
      open.delete(id)
      open.set(id, now)
      if (open.size > OPEN_MESSAGES) open.delete(open.keys().next().value!)
      const grown = (name: 'input_tokens' | 'output_tokens' | 'cached_tokens' | 'turns'): number | null =>
        plus(total[name], now[name] === null ? null : now[name] - (before?.[name] ?? 0))
      total = { input_tokens: grown('input_tokens'), output_tokens: grown('output_tokens'), cached_tokens: grown('cached_tokens'), cost_usd: null, turns: grown('turns') }
      return true
    },
    /** The CLI's own sum, and where it gives none, ours. */
    final (event: Event): AgentUsage {
      const own = tokensOf(membersOf(event, 'usage'))
      total = {
        input_tokens: own.input_tokens ?? total.input_tokens,
        output_tokens: own.output_tokens ?? total.output_tokens,
        cached_tokens: own.cached_tokens ?? total.cached_tokens,
        cost_usd: numberOf(event, 'total_cost_usd'),
        turns: numberOf(event, 'num_turns') ?? total.turns
      }
      return total
    }
  }
}

/** What was written to the cache was sent and not found there. */
function tokensOf (usage: Readonly<Record<string, unknown>>): Pick<AgentUsage, 'input_tokens' | 'output_tokens' | 'cached_tokens'> {
  return {
    input_tokens: plus(numberOf(usage, 'input_tokens'), numberOf(usage, 'cache_creation_input_tokens')),
    output_tokens: numberOf(usage, 'output_tokens'),
    cached_tokens: numberOf(usage, 'cache_read_input_tokens')
  }
}

export default definePlugin({
  kind: 'spawner',
  name: 'claude-code',
  description: 'Runs Claude Code for each agent',
  options,
  create: (options, context) => createCliSpawner({
    prepare: prepareClaude(options),
    session: claudeSession,
    firstSignSeconds: START_SECONDS,
    trial: (address) => ({ ANTHROPIC_BASE_URL: address, ANTHROPIC_API_KEY: 'none' })
  }, options, context)
})
