import { definePlugin, type AgentUsage, type LaunchRequest, type Static } from '../../core/plugin-api.js'
import { writeForAgent } from './shared/agent-folder.js'
import { cliOptions, MCP_NAME, modelArguments, rightsOf, TOKEN_VARIABLE } from './shared/cli-options.js'
import { createCliSpawner } from './shared/cli-spawner.js'
import { membersOf, numberOf, textOf, type Event } from './shared/json-lines.js'
import type { Launch } from './shared/launch-script.js'
import { messageFor, NO_USAGE, plus, shorten, tellLimit, toolMessage, type Session, type SessionOptions } from './shared/session.js'
import { taskText } from './shared/task-text.js'

/** A step that ended with one of these is followed by another one. */
const GOES_ON = ['tool-calls', 'tool_calls', 'unknown']

const options = cliOptions('opencode', {}, {})

/** Runs opencode without a terminal. */
export function prepareOpencode ({ mcpUrl, ...common }: Static<typeof options>) {
  return async (request: LaunchRequest): Promise<Omit<Launch, 'program'>> => {
    const rights = rightsOf(request)
    const prompt = await writeForAgent(request, 'system-prompt.md', request.prompt)
    const config = await writeForAgent(request, 'opencode.json', {
      autoupdate: false,
      share: 'disabled',
      instructions: [prompt],
      ...(mcpUrl === ''
        ? {}
        : { mcp: { [MCP_NAME]: { type: 'remote', url: mcpUrl, enabled: true, oauth: false, headers: { Authorization: `Bearer {env:${TOKEN_VARIABLE}}` } } } })
    })
    const allowed = (is: boolean): 'allow' | 'deny' => (is ? 'allow' : 'deny')
    return {
      args: ['run', '--format', 'json', ...modelArguments('--model', { ...common, mcpUrl }, request)],
      variables: {
        OPENCODE_CONFIG: config,
        // Read last of all configuration, so that the repository's own cannot widen what an agent may do.
        OPENCODE_CONFIG_CONTENT: JSON.stringify({ permission: { edit: allowed(rights.change), bash: allowed(rights.run), webfetch: allowed(rights.fetch) } })
      },
      input: await writeForAgent(request, 'task.md', taskText(request, { calls: rights.run }))
    }
  }
}

/** The events of `opencode run --format json`. It has no event for the end: the last step's reason tells it, or an error. */
export function opencodeSession (options: SessionOptions): Session {
  const { tell } = options
  let usage: AgentUsage = NO_USAGE
  let text = ''
  let outcome: 'success' | 'failed' | undefined
  const finish = (status: 'success' | 'failed', words: string): void => {
    outcome = status
    tell({ kind: 'result', status, text: shorten(words) })
  }
  const readers: Record<string, (event: Event) => void> = {
    step_start () {
      if (outcome === 'success') outcome = undefined
    },
    text (event) {
      text = textOf(membersOf(event, 'part'), 'text') ?? text
    },
    tool_use (event) {
      const part = membersOf(event, 'part')
      tell({ kind: 'progress', message: toolMessage(textOf(part, 'tool') ?? 'a tool', membersOf(membersOf(part, 'state'), 'input')) })
    },
    step_finish (event) {
      const part = membersOf(event, 'part')
      usage = addStep(usage, part)
      tell({ kind: 'usage', usage })
      const reason = textOf(part, 'reason')
      if (reason === undefined || GOES_ON.includes(reason) || outcome === 'failed') return
      if (reason === 'stop') finish('success', text)
      else finish('failed', `its last step ended with '${reason}'`)
    },
    error (event) {
      const error = membersOf(event, 'error')
      const message = textOf(membersOf(error, 'data'), 'message') ?? textOf(error, 'message') ?? textOf(error, 'name') ?? 'an error without a message'
      tellLimit(options, message)
      tell({ kind: 'progress', message: messageFor(message) })
      finish('failed', message)
    }
  }
  return {
    get done () { return outcome !== undefined },
    read (event) {
      if (Object.hasOwn(readers, event.type)) readers[event.type]!(event)
    },
    end ({ code }) {
      // 0 is what it says of itself when it was done, null is not known, and anything else takes its word back.
      if (outcome === 'success' && code !== null && code !== 0) finish('failed', `exit code ${code} after its last step`)
    }
  }
}

function addStep (total: AgentUsage, step: Readonly<Record<string, unknown>>): AgentUsage {
  const tokens = membersOf(step, 'tokens')
  const cache = membersOf(tokens, 'cache')
  return {
    input_tokens: plus(plus(total.input_tokens, numberOf(tokens, 'input')), numberOf(cache, 'write')),
    output_tokens: plus(plus(total.output_tokens, numberOf(tokens, 'output')), numberOf(tokens, 'reasoning')),
    cached_tokens: plus(total.cached_tokens, numberOf(cache, 'read')),
    cost_usd: plus(total.cost_usd, numberOf(step, 'cost')),
    turns: plus(total.turns, 1)
  }
}

export default definePlugin({
  kind: 'spawner',
  name: 'opencode',
  description: 'Runs opencode for each agent',
  options,
  create: (options, context) => createCliSpawner({ prepare: prepareOpencode(options), session: opencodeSession }, options, context)
})
